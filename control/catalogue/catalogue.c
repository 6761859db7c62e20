/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The catalogue in SQLite. Every statement is prepared once, at open. */
#include "control/catalogue/catalogue_db.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	PAGE_LEN = 4096,    /* bytes: SQLite's usual page */
	PAGE_LEN_MIN = 512, /* its shortest */
	CHECKPOINT_PAGES = 1000, /* of log before it is moved into the database */
};

static const char *const statements[SQL_CNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_PART_BEGIN] = "SAVEPOINT part",
	[SQL_PART_KEEP] = "RELEASE part",
	[SQL_PART_UNDO] = "ROLLBACK TO part",
	[SQL_NEXT] = "SELECT id, info_hash, state, name, reason, added_at, verified_at, total_len,"
	             " uploaded_bytes, file_cnt, piece_cnt, have_cnt, withdrawn_cnt, class, labels,"
	             " rate_bytes_per_s, weight, connections_max, paused, super_seed, partial,"
	             " managed"
	             " FROM torrents ORDER BY id",
	[SQL_SOURCE_ADD] = "INSERT INTO sources(metainfo) VALUES(?1)",
	[SQL_ADD] = "INSERT INTO torrents(info_hash, state, name, reason, added_at, total_len,"
	            " file_cnt, piece_cnt, data_dir, class, labels, source_id, partial, managed,"
	            " rate_bytes_per_s, weight, connections_max, paused, super_seed, verified_at,"
	            " uploaded_bytes, have_cnt, withdrawn_cnt)"
	            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
	            " ?15, ?16, ?17, ?18, ?19, 0, 0, 0, 0)",
	[SQL_REMOVE] = "DELETE FROM torrents WHERE id = ?1",
	[SQL_STATE] = "UPDATE torrents SET state = ?2, reason = ?3 WHERE id = ?1",
	[SQL_CLASS] = "UPDATE torrents SET class = ?2 WHERE id = ?1",
	[SQL_PLACE] = "UPDATE torrents SET data_dir = ?2, partial = ?3, state = ?4, reason = ''"
	              " WHERE id = ?1",
	[SQL_MANAGED] = "UPDATE torrents SET managed = 1 WHERE id = ?1",
	[SQL_DATA_DIR_GET] = "SELECT data_dir FROM torrents WHERE id = ?1",
	[SQL_SETTINGS] = "UPDATE torrents SET rate_bytes_per_s = ?2, weight = ?3,"
	                 " connections_max = ?4, paused = ?5, super_seed = ?6 WHERE id = ?1",
	[SQL_LABELS] = "UPDATE torrents SET labels = ?2 WHERE id = ?1",
	[SQL_TORRENT_VERIFIED] = "UPDATE torrents SET state = ?2, reason = '', verified_at = ?3,"
	                         " have_cnt = ?4, withdrawn_cnt = 0 WHERE id = ?1",
	[SQL_VERIFIED_PUT] = "INSERT OR REPLACE INTO verified VALUES(?1, ?2, ?3, ?4)",
	[SQL_FILES_CLEAR] = "DELETE FROM files WHERE torrent_id = ?1",
	[SQL_FILE_PUT] = "INSERT INTO files VALUES(?1, ?2, ?3, ?4, ?5)",
	[SQL_WITHDRAW] = "UPDATE torrents SET have_cnt = ?2, withdrawn_cnt = ?3, reason = ?4"
	                 " WHERE id = ?1",
	[SQL_HAVE] = "UPDATE verified SET have = ?2 WHERE torrent_id = ?1",
	[SQL_UPLOADED] = "UPDATE torrents SET uploaded_bytes = uploaded_bytes + ?2 WHERE id = ?1",
	[SQL_SOURCE] = "SELECT metainfo, data_dir FROM torrents"
	               " JOIN sources ON sources.id = source_id WHERE torrents.id = ?1",
	[SQL_VERIFIED] = "SELECT have, fingerprints, unit_len, have_cnt FROM verified"
	                 " JOIN torrents ON id = torrent_id WHERE torrent_id = ?1",
	[SQL_FILES] = "SELECT size, mtime_ns, inode, idx FROM files WHERE torrent_id = ?1 ORDER BY idx",
	[SQL_UNIT_MAX] = "SELECT coalesce(max(unit_len), 0) FROM verified",
	[SQL_RANGE_PUT] = "INSERT OR REPLACE INTO ranges VALUES(?1, ?2, ?3, ?4, ?5)",
	[SQL_RANGES] = "SELECT idx, key, pieces, fingerprints FROM ranges"
	               " WHERE torrent_id = ?1 AND idx < 4294967295",
	[SQL_RANGES_AFTER] = "SELECT min(torrent_id) FROM ranges WHERE torrent_id > ?1",
	[SQL_RANGES_CLEAR] = "DELETE FROM ranges WHERE torrent_id = ?1",
	[SQL_SETTING_GET] = "SELECT value FROM settings WHERE key = ?1",
	[SQL_SETTING_SET] = "INSERT OR REPLACE INTO settings VALUES(?1, ?2)",
	[SQL_GARBAGE] = "SELECT source_id, torrent_id FROM garbage WHERE torrent_id >= 0 LIMIT 1",
	[SQL_GARBAGE_UNSTAGE] = "UPDATE garbage SET torrent_id = 0 WHERE torrent_id < 0",
	[SQL_GARBAGE_ADOPT] = "DELETE FROM garbage WHERE torrent_id < 0",
	[SQL_GARBAGE_FILES] = "DELETE FROM files WHERE torrent_id = ?1",
	[SQL_GARBAGE_VERIFIED] = "DELETE FROM verified WHERE torrent_id = ?1",
	[SQL_GARBAGE_SOURCE] = "DELETE FROM sources WHERE id = ?1",
	[SQL_GARBAGE_DONE] = "DELETE FROM garbage WHERE source_id = ?1",
};

int
catalogue_fail(struct catalogue *c, struct fail *fail)
{
	return catalogue_db_fail(c->db, c->path, fail);
}

sqlite3_stmt *
catalogue_use(struct catalogue *c, enum statement which)
{
	sqlite3_reset(c->stmt[which]);
	sqlite3_clear_bindings(c->stmt[which]);
	return c->stmt[which];
}

int
catalogue_run(struct catalogue *c, sqlite3_stmt *stmt, struct fail *fail)
{
	int err = sqlite3_step(stmt) == SQLITE_DONE ? 0 : catalogue_fail(c, fail);

	sqlite3_reset(stmt);
	return err;
}

int
catalogue_begin(struct catalogue *c, struct fail *fail)
{
	int err = catalogue_run(c, catalogue_use(c, c->depth == 0 ? SQL_BEGIN : SQL_PART_BEGIN), fail);

	c->depth += err == 0;
	return err;
}

int
catalogue_finish(struct catalogue *c, int err, struct fail *fail)
{
	bool is_part = --c->depth > 0;
	struct fail ignored;

	if (err == 0)
		err = catalogue_run(c, catalogue_use(c, is_part ? SQL_PART_KEEP : SQL_COMMIT), fail);
	if (err == 0)
		return 0;
	catalogue_run(c, catalogue_use(c, is_part ? SQL_PART_UNDO : SQL_ROLLBACK), &ignored);
	if (is_part)
		catalogue_run(c, catalogue_use(c, SQL_PART_KEEP), &ignored);
	return err;
}

/* ---- Opening. */

static int
set_up(struct catalogue *c, struct fail *fail)
{
	sqlite3_busy_timeout(c->db, 2000);
	int err = catalogue_schema_apply(c->db, c->path, fail);
	for (int i = 0; err == 0 && i < SQL_CNT; i++)
		if (sqlite3_prepare_v3(c->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &c->stmt[i],
		                       NULL) != SQLITE_OK)
			err = catalogue_fail(c, fail);
	return err == 0 ? catalogue_unstage(c, fail) : err;
}

/* remains_check refuses what SQLite would take for nothing and overwrite, or read with zeros for
 * what is lost: a database that is too short to be one or ends within a page, unless its log makes
 * up for that, and an empty one that has a log. */
static int
remains_check(const char *path, struct fail *fail)
{
	char log[PATH_MAX + 8];
	struct stat db, wal;

	snprintf(log, sizeof(log), "%s-wal", path);
	if (stat(path, &db) != 0)
		return 0;
	bool has_log = stat(log, &wal) == 0 && wal.st_size > 0;
	if (db.st_size == 0 && has_log)
		return fail_set(fail, EIO, "catalogue %s: is empty, but %s is not: the database was lost",
		                path, log);
	if (has_log ? db.st_size < PAGE_LEN_MIN : db.st_size % PAGE_LEN != 0)
		return fail_set(fail, EIO,
		                "catalogue %s: is not a database, or cut short: it has %" PRId64 " bytes",
		                path, (int64_t)db.st_size);
	return 0;
}

int
catalogue_open(struct catalogue **catalogue, const char *path, struct fail *fail)
{
	struct catalogue *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return fail_set(fail, ENOMEM, "catalogue %s: out of memory", path);
	c->path = path;
	int err = remains_check(path, fail);
	if (err != 0) {
		free(c);
		return err;
	}
	int code = sqlite3_open_v2(path, &c->db,
	                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                           NULL);
	err = code == SQLITE_OK ? 0 : catalogue_fail(c, fail);
	if (err == 0) {
		c->path = sqlite3_db_filename(c->db, "main");
		err = set_up(c, fail);
	}
	if (err != 0) {
		catalogue_close(c);
		return err;
	}
	*catalogue = c;
	return 0;
}

void
catalogue_close(struct catalogue *catalogue)
{
	if (catalogue == NULL)
		return;
	for (int i = 0; i < SQL_CNT; i++)
		sqlite3_finalize(catalogue->stmt[i]);
	sqlite3_close(catalogue->db);
	free(catalogue);
}

void
catalogue_hold(struct catalogue *catalogue, bool hold)
{
	sqlite3_wal_autocheckpoint(catalogue->db, hold ? 0 : CHECKPOINT_PAGES);
}

const char *
catalogue_path(const struct catalogue *catalogue)
{
	return catalogue->path;
}
