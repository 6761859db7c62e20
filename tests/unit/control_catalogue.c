/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The catalogue keeps what it was told over a close and an open, and takes only its own files. */
#include "control/catalogue/catalogue.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96];

static int
set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/spillway-catalogue-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/c.db", folder);
	return 0;
}

static int
tear_down(void **state)
{
	char name[128];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return rmdir(folder);
}

static struct catalogue *
opened(void)
{
	struct catalogue *c;
	struct fail fail;

	if (catalogue_open(&c, path, &fail) != 0)
		fail_msg("%s", fail.text);
	return c;
}

static uint32_t
add(struct catalogue *c, uint8_t hash_byte, const char *name)
{
	struct catalogue_row row = {
		.state = TORRENT_VERIFYING,
		.name = name,
		.reason = "",
		.class_name = "",
		.labels = "a,b",
		.settings = {.weight = 7, .paused = true},
		.managed = true,
		.added_at = 1000,
		.total_len = UINT64_C(1) << 40,
		.file_cnt = 2,
		.piece_cnt = 16,
	};
	uint8_t metainfo[300];
	struct catalogue_source source = {
		.metainfo = metainfo,
		.metainfo_len = sizeof(metainfo),
		.data_dir = (char *)(uintptr_t) "/data",
	};
	struct fail fail;

	memset(row.info_hash, hash_byte, sizeof(row.info_hash));
	memset(metainfo, hash_byte, sizeof(metainfo));
	int err = catalogue_add(c, &row, &source, &fail);
	return err == 0 ? row.id : 0;
}

static uint32_t
count(struct catalogue *c, struct catalogue_row *last)
{
	struct fail fail;
	uint32_t cnt = 0;
	int more;

	while ((more = catalogue_next(c, last, &fail)) == 1)
		cnt++;
	assert_int_equal(more, 0);
	return cnt;
}

static void
torrents_are_kept(void **state)
{
	struct catalogue *c = opened();
	struct catalogue_row row;
	struct catalogue_source source;
	struct fail fail;

	(void)state;
	assert_int_equal(add(c, 1, "one"), 1);
	assert_int_equal(add(c, 2, "tw\xff o"), 2);
	assert_int_equal(add(c, 1, "again"), 0);
	assert_int_equal(catalogue_add_uploaded(c, 2, 5000, &fail), 0);
	assert_int_equal(catalogue_add_uploaded(c, 2, 1, &fail), 0);
	assert_int_equal(catalogue_set_place(c, 2, "/else", true, &fail), 0);
	assert_int_equal(catalogue_set_state(c, 2, TORRENT_ERROR, "no disk", &fail), 0);
	assert_int_equal(catalogue_set_class(c, 2, "bulk", &fail), 0);
	struct torrent_settings settings = {UINT64_C(1) << 40, 1000, UINT32_MAX, false, true};
	assert_int_equal(catalogue_set_settings(c, 2, &settings, &fail), 0);
	assert_int_equal(catalogue_set_labels(c, 2, "z", &fail), 0);
	catalogue_close(c);
	c = opened();
	assert_int_equal(catalogue_next(c, &row, &fail), 1);
	assert_string_equal(row.name, "one");
	assert_string_equal(row.labels, "a,b");
	assert_true(row.settings.paused && row.settings.weight == 7 && row.managed && !row.partial);
	assert_int_equal(catalogue_next(c, &row, &fail), 1);
	assert_int_equal(row.settings.rate_bytes_per_s, settings.rate_bytes_per_s);
	assert_int_equal(row.settings.weight, settings.weight);
	assert_int_equal(row.settings.connections_max, settings.connections_max);
	assert_true(!row.settings.paused && row.settings.super_seed);
	assert_string_equal(row.labels, "z");
	assert_int_equal(row.id, 2);
	assert_int_equal(row.state, TORRENT_ERROR);
	assert_string_equal(row.name, "tw\xff o");
	assert_string_equal(row.reason, "no disk");
	assert_string_equal(row.class_name, "bulk");
	assert_int_equal(row.uploaded_bytes, 5001);
	assert_int_equal(row.total_len, UINT64_C(1) << 40);
	assert_int_equal(row.info_hash[19], 2);
	assert_int_equal(catalogue_next(c, &row, &fail), 0);
	assert_int_equal(catalogue_source(c, 2, &source, &fail), 0);
	assert_int_equal(source.metainfo_len, 300);
	assert_int_equal(source.metainfo[299], 2);
	assert_string_equal(source.data_dir, "/else");
	catalogue_source_free(&source);
	assert_int_equal(catalogue_source(c, 77, &source, &fail), -ENOENT);
	catalogue_close(c);
}

static void
ids_are_not_given_twice(void **state)
{
	struct catalogue *c = opened();
	struct fail fail;

	(void)state;
	uint32_t first = add(c, 1, "one");
	assert_int_equal(catalogue_remove(c, first, &fail), 0);
	assert_int_equal(catalogue_remove(c, first, &fail), 0);
	catalogue_close(c);
	c = opened();
	assert_true(add(c, 1, "one") > first);
	catalogue_close(c);
}

static void
settings_of_the_whole_are_kept(void **state)
{
	struct catalogue *c = opened();
	struct fail fail;
	char *value;

	(void)state;
	assert_int_equal(catalogue_setting_get(c, "dht.node_id", &value, &fail), -ENOENT);
	assert_null(value);
	assert_int_equal(catalogue_setting_set(c, "dht.node_id", "aa", &fail), 0);
	assert_int_equal(catalogue_setting_set(c, "dht.node_id", "bb", &fail), 0);
	catalogue_close(c);
	c = opened();
	assert_int_equal(catalogue_setting_get(c, "dht.node_id", &value, &fail), 0);
	assert_string_equal(value, "bb");
	free(value);
	catalogue_close(c);
}

static void
verified_is_kept(void **state)
{
	uint8_t have[2] = {0xff, 0xf0};
	uint64_t fingerprints[3] = {1, UINT64_MAX, 3};
	struct content_pin pins[2] = {{10, -5, 7},
	                              {UINT64_C(1) << 40, 1700000000123456789, UINT64_MAX}};
	struct catalogue_verified verified = {
		.have = have,
		.have_len = 2,
		.fingerprints = fingerprints,
		.fingerprint_cnt = 3,
		.pins = pins,
		.pin_cnt = 2,
		.unit_len = 16384,
		.have_cnt = 12,
	};
	struct catalogue *c = opened();
	struct catalogue_verified back;
	struct fail fail;

	(void)state;
	uint32_t id = add(c, 1, "one");
	assert_int_equal(catalogue_verified(c, id, &back, &fail), -ENOENT);
	assert_int_equal(catalogue_set_verified(c, id, &verified, 2000, &fail), 0);
	assert_int_equal(catalogue_set_verified(c, id, &verified, 2001, &fail), 0);
	catalogue_close(c);
	c = opened();
	assert_int_equal(catalogue_verified(c, id, &back, &fail), 0);
	assert_int_equal(back.have_len, 2);
	assert_memory_equal(back.have, have, 2);
	assert_int_equal(back.fingerprint_cnt, 3);
	assert_memory_equal(back.fingerprints, fingerprints, sizeof(fingerprints));
	assert_int_equal(back.pin_cnt, 2);
	assert_memory_equal(back.pins, pins, sizeof(pins));
	assert_int_equal(back.unit_len, 16384);
	assert_int_equal(back.have_cnt, 12);
	catalogue_verified_free(&back);
	assert_int_equal(catalogue_sweep(c, &fail), 0);
	assert_int_equal(catalogue_unit_max(c), 16384);
	assert_int_equal(catalogue_remove(c, id, &fail), 0);
	assert_int_equal(catalogue_sweep(c, &fail), 1);
	assert_int_equal(catalogue_sweep(c, &fail), 0);
	assert_int_equal(catalogue_unit_max(c), 0);
	catalogue_close(c);
}

static void
withdrawal_is_kept(void **state)
{
	uint8_t have[2] = {0xff, 0xff}, less[2] = {0xff, 0x7f};
	uint64_t fingerprint = 5;
	struct content_pin pin = {1, 2, 3};
	struct catalogue_verified back, verified = {have, 2, &fingerprint, 1, &pin, 1, 16384, 16};
	struct catalogue *c = opened();
	struct catalogue_row row;
	struct fail fail;

	(void)state;
	uint32_t id = add(c, 1, "one");
	assert_int_equal(catalogue_set_verified(c, id, &verified, 2000, &fail), 0);
	row = (struct catalogue_row){.id = id, .have_cnt = 15, .withdrawn_cnt = 1, .reason = "rot"};
	assert_int_equal(catalogue_withdraw(c, &row, less, 2, &fail), 0);
	assert_int_equal(count(c, &row), 1);
	assert_int_equal(row.have_cnt, 15);
	assert_int_equal(row.withdrawn_cnt, 1);
	assert_int_equal(row.state, TORRENT_SEEDING);
	assert_int_equal(catalogue_verified(c, id, &back, &fail), 0);
	assert_memory_equal(back.have, less, 2);
	assert_int_equal(back.fingerprints[0], 5);
	catalogue_verified_free(&back);
	assert_int_equal(catalogue_set_verified(c, id, &verified, 2001, &fail), 0);
	assert_int_equal(count(c, &row), 1);
	assert_int_equal(row.withdrawn_cnt, 0);
	catalogue_close(c);
}

/* number_put overwrites four bytes of the database file's header, big-endian (SQLite's format). */
static void
number_put(long offset, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
	                    (uint8_t)value};
	FILE *file = fopen(path, "r+");

	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, sizeof(bytes), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

enum {
	USER_VERSION = 60,
	APPLICATION_ID = 68,
};

static void
refused(const char *word)
{
	struct catalogue *c;
	struct fail fail;

	assert_true(catalogue_open(&c, path, &fail) < 0);
	if (strstr(fail.text, word) == NULL || strstr(fail.text, path) == NULL)
		fail_msg("%s", fail.text);
}

/* setting_check compares a setting; NULL: there is none. */
static void
setting_check(struct catalogue *c, const char *key, const char *wanted)
{
	struct fail fail;
	char *value = NULL;
	int err = catalogue_setting_get(c, key, &value, &fail);

	if (wanted == NULL)
		assert_int_equal(err, -ENOENT);
	else
		assert_string_equal(value, wanted);
	free(value);
}

/* A transaction within another is undone by itself, and kept only with the other. */
static void
transactions_are_in_each_other(void **state)
{
	struct catalogue *c = opened();
	struct fail fail;

	(void)state;
	assert_int_equal(catalogue_begin(c, &fail), 0);
	assert_int_equal(catalogue_setting_set(c, "outer", "1", &fail), 0);
	assert_int_equal(catalogue_begin(c, &fail), 0);
	assert_int_equal(catalogue_setting_set(c, "undone", "1", &fail), 0);
	assert_int_equal(catalogue_finish(c, -EIO, &fail), -EIO);
	add(c, 7, "inner");
	assert_int_equal(catalogue_finish(c, 0, &fail), 0);
	assert_int_equal(catalogue_begin(c, &fail), 0);
	assert_int_equal(catalogue_begin(c, &fail), 0);
	assert_int_equal(catalogue_setting_set(c, "lost", "1", &fail), 0);
	assert_int_equal(catalogue_finish(c, 0, &fail), 0);
	assert_int_equal(catalogue_finish(c, -EIO, &fail), -EIO);
	catalogue_close(c);
	c = opened();
	setting_check(c, "outer", "1");
	setting_check(c, "undone", NULL);
	setting_check(c, "lost", NULL);
	struct catalogue_row row;
	assert_int_equal(catalogue_next(c, &row, &fail), 1);
	assert_string_equal(row.name, "inner");
	assert_int_equal(catalogue_next(c, &row, &fail), 0);
	catalogue_close(c);
}

static void
foreign_files_are_refused(void **state)
{
	(void)state;
	catalogue_close(opened());
	number_put(USER_VERSION, CATALOGUE_SCHEMA + 1);
	refused("newer");
	number_put(USER_VERSION, 0);
	refused("schema");
	number_put(USER_VERSION, CATALOGUE_SCHEMA);
	catalogue_close(opened());
	number_put(APPLICATION_ID, 4);
	refused("another program");
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("not a database ", file);
	fclose(file);
	refused("not a database");
	unlink(path);
	assert_int_equal(symlink("/proc/nowhere/x", path), 0);
	refused("unable to open");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(torrents_are_kept),
		TEST(ids_are_not_given_twice),
		TEST(settings_of_the_whole_are_kept),
		TEST(verified_is_kept),
		TEST(withdrawal_is_kept),
		TEST(transactions_are_in_each_other),
		TEST(foreign_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
