/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The tables of the catalogue, and the way there from older ones. */
#include "control/catalogue/catalogue_schema.h"

#include "control/catalogue/catalogue.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

/* What is large stands in tables of its own, so that the torrents are read without it. What a
 * removed torrent leaves there is garbage until it is swept. What is staged for torrents to come is
 * garbage with a torrent_id of -1: it is not swept while it may be wanted. */
#define TABLES_SQL \
	"CREATE TABLE verified(" \
	" torrent_id INTEGER PRIMARY KEY," \
	" unit_len INTEGER NOT NULL, have BLOB NOT NULL, fingerprints BLOB NOT NULL);" \
	"CREATE INDEX verified_unit_len ON verified(unit_len);" \
	"CREATE TABLE files(" \
	" torrent_id INTEGER NOT NULL, idx INTEGER NOT NULL, size INTEGER NOT NULL," \
	" mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL," \
	" PRIMARY KEY(torrent_id, idx)) WITHOUT ROWID;" \
	"CREATE TABLE ranges(" \
	" torrent_id INTEGER NOT NULL, idx INTEGER NOT NULL, key INTEGER NOT NULL," \
	" pieces BLOB NOT NULL, fingerprints BLOB NOT NULL," \
	" PRIMARY KEY(torrent_id, idx)) WITHOUT ROWID;" \
	"CREATE TABLE sources(id INTEGER PRIMARY KEY AUTOINCREMENT, metainfo BLOB NOT NULL);" \
	"CREATE TABLE garbage(source_id INTEGER PRIMARY KEY, torrent_id INTEGER NOT NULL);" \
	"CREATE INDEX garbage_torrent_id ON garbage(torrent_id);" \
	"CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

#define TRIGGER_SQL \
	"CREATE TRIGGER torrent_removed AFTER DELETE ON torrents BEGIN" \
	" INSERT OR REPLACE INTO garbage VALUES(old.source_id, old.id); END;"

static const char schema_sql[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE torrents("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" info_hash BLOB NOT NULL UNIQUE CHECK(length(info_hash) = 20),"
	" state INTEGER NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL,"
	" added_at INTEGER NOT NULL, verified_at INTEGER NOT NULL,"
	" total_len INTEGER NOT NULL, uploaded_bytes INTEGER NOT NULL,"
	" file_cnt INTEGER NOT NULL, piece_cnt INTEGER NOT NULL,"
	" have_cnt INTEGER NOT NULL, withdrawn_cnt INTEGER NOT NULL,"
	" data_dir TEXT NOT NULL, class TEXT NOT NULL DEFAULT '',"
	" source_id INTEGER NOT NULL DEFAULT 0, labels TEXT NOT NULL DEFAULT '',"
	" rate_bytes_per_s INTEGER NOT NULL DEFAULT 0, weight INTEGER NOT NULL DEFAULT 100,"
	" connections_max INTEGER NOT NULL DEFAULT 0, paused INTEGER NOT NULL DEFAULT 0,"
	" super_seed INTEGER NOT NULL DEFAULT 0, partial INTEGER NOT NULL DEFAULT 0,"
	" managed INTEGER NOT NULL DEFAULT 0);"
	TABLES_SQL TRIGGER_SQL
	"PRAGMA application_id = 1397771351;"
	"PRAGMA user_version = 3;"
	"COMMIT;";

static_assert(CATALOGUE_APPLICATION == 1397771351, "as in schema_sql");
static_assert(CATALOGUE_SCHEMA == 3, "as in schema_sql");

/* steps[n] makes schema n + 1 out of schema n. */
static const char *const steps[CATALOGUE_SCHEMA] = {
	[1] = "BEGIN IMMEDIATE;"
	      "ALTER TABLE torrents ADD COLUMN class TEXT NOT NULL DEFAULT '';"
	      "PRAGMA user_version = 2;"
	      "COMMIT;",
	[2] = "BEGIN IMMEDIATE;"
	      "ALTER TABLE verified RENAME TO verified_2;"
	      "ALTER TABLE files RENAME TO files_2;"
	      TABLES_SQL
	      "INSERT INTO verified SELECT torrent_id, unit_len, have, fingerprints FROM verified_2;"
	      "INSERT INTO files SELECT torrent_id, idx, size, mtime_ns, inode FROM files_2;"
	      "INSERT INTO sources(id, metainfo) SELECT id, metainfo FROM torrents;"
	      "DROP TABLE verified_2;"
	      "DROP TABLE files_2;"
	      "ALTER TABLE torrents DROP COLUMN metainfo;"
	      "ALTER TABLE torrents ADD COLUMN source_id INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE torrents ADD COLUMN labels TEXT NOT NULL DEFAULT '';"
	      "ALTER TABLE torrents ADD COLUMN rate_bytes_per_s INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE torrents ADD COLUMN weight INTEGER NOT NULL DEFAULT 100;"
	      "ALTER TABLE torrents ADD COLUMN connections_max INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE torrents ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE torrents ADD COLUMN super_seed INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE torrents ADD COLUMN partial INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE torrents ADD COLUMN managed INTEGER NOT NULL DEFAULT 0;"
	      "UPDATE torrents SET source_id = id;"
	      TRIGGER_SQL
	      "PRAGMA user_version = 3;"
	      "COMMIT;",
};

int
catalogue_db_fail(sqlite3 *db, const char *path, struct fail *fail)
{
	int code = sqlite3_errcode(db);
	int err = code == SQLITE_NOMEM ? ENOMEM : code == SQLITE_FULL ? ENOSPC : EIO;

	return fail_set(fail, err, "catalogue %s: %s", path, sqlite3_errmsg(db));
}

struct schema {
	sqlite3 *db;
	const char *path;
	int64_t version; /* 0: the database is empty */
};

static int
pragma_number(struct schema *s, const char *sql, int64_t *value, struct fail *fail)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return catalogue_db_fail(s->db, s->path, fail);
	int err = 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*value = sqlite3_column_int64(stmt, 0);
	else
		err = catalogue_db_fail(s->db, s->path, fail);
	sqlite3_finalize(stmt);
	return err;
}

/* exec runs statements; when one fails, an open transaction is taken back. */
static int
exec(struct schema *s, const char *sql, struct fail *fail)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	int err = catalogue_db_fail(s->db, s->path, fail);
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

/* owner_check decides what lies at the path before anything is written to it. */
static int
owner_check(struct schema *s, struct fail *fail)
{
	int64_t application = 0, object_cnt = 0;
	int err = pragma_number(s, "PRAGMA application_id", &application, fail);

	if (err == 0)
		err = pragma_number(s, "PRAGMA user_version", &s->version, fail);
	if (err == 0)
		err = pragma_number(s, "SELECT count(*) FROM sqlite_master", &object_cnt, fail);
	if (err != 0)
		return err;
	if (object_cnt == 0 && application == 0 && s->version == 0)
		return 0;
	if (application != CATALOGUE_APPLICATION)
		return fail_set(fail, EINVAL, "catalogue %s: is another program's database", s->path);
	if (s->version > CATALOGUE_SCHEMA)
		return fail_set(fail, EINVAL,
		                "catalogue %s: written by a newer Spillway (schema %" PRId64
		                ", this one knows %d)",
		                s->path, s->version, CATALOGUE_SCHEMA);
	if (s->version < 1)
		return fail_set(fail, EINVAL, "catalogue %s: has an unknown schema %" PRId64, s->path,
		                s->version);
	return 0;
}

int
catalogue_schema_apply(sqlite3 *db, const char *path, struct fail *fail)
{
	struct schema s = {.db = db, .path = path};
	int err = owner_check(&s, fail);

	if (err == 0)
		err = exec(&s,
		           "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", fail);
	if (err == 0 && s.version == 0)
		return exec(&s, schema_sql, fail);
	for (; err == 0 && s.version < CATALOGUE_SCHEMA; s.version++)
		err = exec(&s, steps[s.version], fail);
	return err;
}
