/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A catalogue that a loss of power has cut short opens with what was stored up to some moment, or
 * is refused with a clear error and left as it is. */
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
#include <sys/stat.h>
#include <unistd.h>

enum {
	TORRENTS = 12,
	METAINFO_LEN = 6000, /* more than a page */
	PAGE_LEN = 4096,
	LOG_HEADER_LEN = 32,
	FRAME_LEN = PAGE_LEN + 24,
};

static char folder[64], path[96], wal[104], shm[104];

static int
set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/spillway-cut-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/c.db", folder);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(shm, sizeof(shm), "%s-shm", path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(wal);
	unlink(shm);
	return rmdir(folder);
}

struct bytes {
	uint8_t *at;
	size_t len;
};

static struct bytes
file_read(const char *name)
{
	struct bytes bytes = {0};
	struct stat st;
	FILE *file = fopen(name, "r");

	if (file == NULL)
		return bytes;
	assert_int_equal(fstat(fileno(file), &st), 0);
	bytes.at = malloc((size_t)st.st_size + 1);
	bytes.len = fread(bytes.at, 1, (size_t)st.st_size, file);
	fclose(file);
	return bytes;
}

static void
file_write(const char *name, const struct bytes *bytes, size_t len)
{
	FILE *file = fopen(name, "w");

	assert_int_equal(fwrite(bytes->at, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
add(struct catalogue *c, uint8_t number)
{
	struct catalogue_row row = {
		.state = TORRENT_VERIFYING,
		.name = "n",
		.reason = "",
		.class_name = "",
		.labels = "",
		.settings.weight = number,
		.info_hash = {number},
	};
	uint8_t metainfo[METAINFO_LEN];
	struct catalogue_source source = {.metainfo = metainfo, .metainfo_len = sizeof(metainfo),
	                                  .data_dir = (char[]){"/"}};
	struct fail fail;

	memset(metainfo, number, sizeof(metainfo));
	assert_int_equal(catalogue_add(c, &row, &source, &fail), 0);
}

/* made stores torrents 1 to TORRENTS, one after the other. */
static struct catalogue *
made(void)
{
	struct catalogue *c;
	struct fail fail;

	assert_int_equal(catalogue_open(&c, path, &fail), 0);
	for (uint8_t i = 1; i <= TORRENTS; i++)
		add(c, i);
	return c;
}

/* prefix_check asserts that the catalogue holds torrents 1 to n, whole. Returns n, or -1 when it
 * says that it is damaged. */
static int
prefix_check(struct catalogue *c)
{
	struct catalogue_source source;
	struct catalogue_row row;
	struct fail fail;
	int cnt = 0, more;

	while ((more = catalogue_next(c, &row, &fail)) == 1) {
		cnt++;
		assert_int_equal(row.info_hash[0], cnt);
		assert_int_equal(row.settings.weight, cnt);
	}
	for (int i = 1; more == 0 && i <= cnt; i++) {
		more = catalogue_source(c, (uint32_t)i, &source, &fail);
		if (more != 0)
			break;
		assert_int_equal(source.metainfo_len, METAINFO_LEN);
		assert_int_equal(source.metainfo[METAINFO_LEN - 1], i);
		catalogue_source_free(&source);
	}
	if (more == 0)
		return cnt;
	assert_non_null(strstr(fail.text, path));
	return -1;
}

/* opened_cnt opens what lies at path. Returns as prefix_check, -1 also when it is refused. */
static int
opened_cnt(void)
{
	struct catalogue *c;
	struct fail fail;

	if (catalogue_open(&c, path, &fail) != 0) {
		assert_non_null(strstr(fail.text, path));
		return -1;
	}
	int cnt = prefix_check(c);
	catalogue_close(c);
	return cnt;
}

/* The log is cut: what was committed in what is left of it is there. */
static void
a_cut_log_loses_the_last(void **state)
{
	struct catalogue *c = made();
	struct bytes db = file_read(path), log = file_read(wal);
	int before = 0, seen = 0;

	(void)state;
	assert_true(log.len > 20 * FRAME_LEN);
	catalogue_close(c);
	for (size_t len = LOG_HEADER_LEN; len <= log.len; len += FRAME_LEN / 2) {
		unlink(shm);
		file_write(path, &db, db.len);
		file_write(wal, &log, len);
		int cnt = opened_cnt();
		/* Before the tables are in the log there is no catalogue yet. */
		assert_true(cnt >= 0 || len < 24 * FRAME_LEN);
		assert_true(cnt < 0 || cnt >= before);
		seen += cnt > before;
		before = cnt > before ? cnt : before;
	}
	file_write(path, &db, db.len);
	file_write(wal, &log, log.len);
	unlink(shm);
	assert_int_equal(opened_cnt(), TORRENTS);
	assert_int_equal(seen, TORRENTS);
	free(db.at);
	free(log.at);
}

/* Bytes in the log are wrong from some place on: as if it was cut there. */
static void
a_torn_log_loses_the_last(void **state)
{
	struct catalogue *c = made();
	struct bytes db = file_read(path), log = file_read(wal);

	(void)state;
	catalogue_close(c);
	for (size_t at = 24 * FRAME_LEN; at < log.len; at += 5 * FRAME_LEN / 3) {
		struct bytes torn = {.at = malloc(log.len), .len = log.len};
		memcpy(torn.at, log.at, at);
		memset(torn.at + at, 0x5a, log.len - at);
		unlink(shm);
		file_write(path, &db, db.len);
		file_write(wal, &torn, torn.len);
		assert_true(opened_cnt() >= 0);
		free(torn.at);
	}
	free(db.at);
	free(log.at);
}

/* The database itself is cut: it is refused, and its bytes stay for whoever wants to save them. */
static void
a_cut_database_is_left_alone(void **state)
{
	catalogue_close(made());
	struct bytes db = file_read(path);

	(void)state;
	assert_true(db.len >= 20 * PAGE_LEN);
	for (size_t len = 1; len < db.len; len += len < PAGE_LEN ? 700 : PAGE_LEN / 2) {
		unlink(wal);
		unlink(shm);
		file_write(path, &db, len);
		if (opened_cnt() != -1)
			fail_msg("opened with %zu of %zu bytes", len, db.len);
		struct bytes after = file_read(path);
		assert_int_equal(after.len, len);
		assert_memory_equal(after.at, db.at, len);
		free(after.at);
	}
	file_write(path, &db, db.len);
	assert_int_equal(opened_cnt(), TORRENTS);
	free(db.at);
}

/* An empty database beside a log is none to begin anew with: SQLite would delete the log. */
static void
a_log_without_its_database_is_kept(void **state)
{
	struct catalogue *c = made();
	struct bytes log = file_read(wal);

	(void)state;
	catalogue_close(c);
	file_write(path, &log, 0);
	file_write(wal, &log, log.len);
	unlink(shm);
	assert_int_equal(opened_cnt(), -1);
	struct bytes after = file_read(wal);
	assert_int_equal(after.len, log.len);
	free(after.at);
	free(log.at);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_cut_log_loses_the_last),
		TEST(a_torn_log_loses_the_last),
		TEST(a_cut_database_is_left_alone),
		TEST(a_log_without_its_database_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
