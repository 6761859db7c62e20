/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A catalogue of an older schema becomes one of the present schema, with all that it knew. */
#include "control/catalogue/catalogue.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What version 2 made, with two torrents in it. */
static const char schema_2[] =
	"CREATE TABLE torrents(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" info_hash BLOB NOT NULL UNIQUE CHECK(length(info_hash) = 20), state INTEGER NOT NULL,"
	" name TEXT NOT NULL, reason TEXT NOT NULL, added_at INTEGER NOT NULL,"
	" verified_at INTEGER NOT NULL, total_len INTEGER NOT NULL, uploaded_bytes INTEGER NOT NULL,"
	" file_cnt INTEGER NOT NULL, piece_cnt INTEGER NOT NULL, have_cnt INTEGER NOT NULL,"
	" withdrawn_cnt INTEGER NOT NULL, data_dir TEXT NOT NULL, metainfo BLOB NOT NULL,"
	" class TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE verified("
	" torrent_id INTEGER PRIMARY KEY REFERENCES torrents(id) ON DELETE CASCADE,"
	" unit_len INTEGER NOT NULL, have BLOB NOT NULL, fingerprints BLOB NOT NULL);"
	"CREATE TABLE files(torrent_id INTEGER NOT NULL REFERENCES torrents(id) ON DELETE CASCADE,"
	" idx INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
	" inode INTEGER NOT NULL, PRIMARY KEY(torrent_id, idx)) WITHOUT ROWID;"
	"PRAGMA application_id = 1397771351;"
	"PRAGMA user_version = 2;"
	"INSERT INTO torrents VALUES(4, zeroblob(20), 2, 'four', '', 7, 8, 9, 10, 1, 2, 2, 0, '/d',"
	" x'6465', 'bulk');"
	"INSERT INTO torrents VALUES(9, x'0102030405060708090a0102030405060708090a', 4, 'nine',"
	" 'gone', 7, 0, 9, 10, 1, 2, 0, 0, '/e', x'6400', '');"
	"INSERT INTO verified VALUES(4, 16384, x'c0', x'0807060504030201');"
	"INSERT INTO files VALUES(4, 0, 9, 11, 12);";

static char folder[64], path[96];

static int
set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/spillway-schema-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/c.db", folder);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[128];

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	return rmdir(folder);
}

/* sql runs statements on the file. */
static void
sql(const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	sqlite3_close(db);
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

static void
rows_check(struct catalogue *c)
{
	struct catalogue_row row;
	struct fail fail;

	assert_int_equal(catalogue_next(c, &row, &fail), 1);
	assert_int_equal(row.id, 4);
	assert_int_equal(row.state, TORRENT_SEEDING);
	assert_string_equal(row.name, "four");
	assert_string_equal(row.class_name, "bulk");
	assert_string_equal(row.labels, "");
	assert_int_equal(row.settings.weight, TORRENT_WEIGHT_PRESET);
	assert_int_equal(row.settings.rate_bytes_per_s, 0);
	assert_false(row.settings.paused || row.settings.super_seed || row.partial || row.managed);
	assert_int_equal(row.uploaded_bytes, 10);
	assert_int_equal(catalogue_next(c, &row, &fail), 1);
	assert_int_equal(row.id, 9);
	assert_string_equal(row.reason, "gone");
	assert_int_equal(row.info_hash[19], 10);
	assert_int_equal(catalogue_next(c, &row, &fail), 0);
}

static void
version_2_is_brought_up_to_date(void **state)
{
	struct catalogue_verified verified;
	struct catalogue_source source;
	struct fail fail;

	(void)state;
	sql(schema_2);
	for (int round = 0; round < 2; round++) {
		struct catalogue *c = opened();
		rows_check(c);
		assert_int_equal(catalogue_source(c, 4, &source, &fail), 0);
		assert_int_equal(source.metainfo_len, 2);
		assert_memory_equal(source.metainfo, "de", 2);
		assert_string_equal(source.data_dir, "/d");
		catalogue_source_free(&source);
		assert_int_equal(catalogue_source(c, 9, &source, &fail), 0);
		assert_int_equal(source.metainfo[1], 0);
		catalogue_source_free(&source);
		assert_int_equal(catalogue_verified(c, 4, &verified, &fail), 0);
		assert_int_equal(verified.pin_cnt, 1);
		assert_int_equal(verified.pins[0].inode, 12);
		assert_int_equal(verified.fingerprints[0], UINT64_C(0x0102030405060708));
		catalogue_verified_free(&verified);
		assert_int_equal(catalogue_unit_max(c), 16384);
		catalogue_close(c);
	}
}

static void
ids_go_on(void **state)
{
	struct catalogue_row row = {.state = TORRENT_VERIFYING, .name = "n", .reason = "",
	                            .class_name = "", .labels = "", .settings.weight = 1,
	                            .info_hash = {7}};
	struct catalogue_source source = {.metainfo = (uint8_t[]){'x'}, .metainfo_len = 1,
	                                  .data_dir = (char[]){"/"}};
	struct fail fail;

	(void)state;
	sql(schema_2);
	sql("DELETE FROM torrents WHERE id = 9");
	struct catalogue *c = opened();
	assert_int_equal(catalogue_add(c, &row, &source, &fail), 0);
	assert_int_equal(row.id, 10);
	assert_int_equal(catalogue_remove(c, 4, &fail), 0);
	assert_int_equal(catalogue_sweep(c, &fail), 1);
	assert_int_equal(catalogue_sweep(c, &fail), 0);
	assert_int_equal(catalogue_unit_max(c), 0);
	assert_int_equal(catalogue_source(c, 10, &source, &fail), 0);
	assert_int_equal(source.metainfo[0], 'x');
	catalogue_source_free(&source);
	catalogue_close(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(version_2_is_brought_up_to_date),
		TEST(ids_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
