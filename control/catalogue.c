/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The catalogue in SQLite. Every statement is prepared once, at open. */
#include "control/catalogue.h"

#include "control/catalogue_schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_NEXT,
	SQL_ADD,
	SQL_REMOVE,
	SQL_STATE,
	SQL_DATA_DIR,
	SQL_CLASS,
	SQL_TORRENT_VERIFIED,
	SQL_VERIFIED_PUT,
	SQL_FILES_CLEAR,
	SQL_FILE_PUT,
	SQL_WITHDRAW,
	SQL_HAVE,
	SQL_UPLOADED,
	SQL_SOURCE,
	SQL_VERIFIED,
	SQL_FILES,
	SQL_UNIT_MAX,
	SQL_CNT
};

static const char *const statements[SQL_CNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_NEXT] = "SELECT id, info_hash, state, name, reason, added_at, verified_at, total_len,"
	             " uploaded_bytes, file_cnt, piece_cnt, have_cnt, withdrawn_cnt, class"
	             " FROM torrents ORDER BY id",
	[SQL_ADD] = "INSERT INTO torrents(info_hash, state, name, reason, added_at, total_len,"
	            " file_cnt, piece_cnt, data_dir, metainfo, class, verified_at, uploaded_bytes,"
	            " have_cnt, withdrawn_cnt)"
	            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0, 0)",
	[SQL_REMOVE] = "DELETE FROM torrents WHERE id = ?1",
	[SQL_STATE] = "UPDATE torrents SET state = ?2, reason = ?3 WHERE id = ?1",
	[SQL_DATA_DIR] = "UPDATE torrents SET data_dir = ?2 WHERE id = ?1",
	[SQL_CLASS] = "UPDATE torrents SET class = ?2 WHERE id = ?1",
	[SQL_TORRENT_VERIFIED] = "UPDATE torrents SET state = ?2, reason = '', verified_at = ?3,"
	                         " have_cnt = ?4, withdrawn_cnt = 0 WHERE id = ?1",
	[SQL_VERIFIED_PUT] = "INSERT OR REPLACE INTO verified VALUES(?1, ?2, ?3, ?4)",
	[SQL_FILES_CLEAR] = "DELETE FROM files WHERE torrent_id = ?1",
	[SQL_FILE_PUT] = "INSERT INTO files VALUES(?1, ?2, ?3, ?4, ?5)",
	[SQL_WITHDRAW] = "UPDATE torrents SET have_cnt = ?2, withdrawn_cnt = ?3, reason = ?4"
	                 " WHERE id = ?1",
	[SQL_HAVE] = "UPDATE verified SET have = ?2 WHERE torrent_id = ?1",
	[SQL_UPLOADED] = "UPDATE torrents SET uploaded_bytes = uploaded_bytes + ?2 WHERE id = ?1",
	[SQL_SOURCE] = "SELECT metainfo, data_dir FROM torrents WHERE id = ?1",
	[SQL_VERIFIED] = "SELECT have, fingerprints, unit_len, have_cnt FROM verified"
	                 " JOIN torrents ON id = torrent_id WHERE torrent_id = ?1",
	[SQL_FILES] = "SELECT size, mtime_ns, inode, idx FROM files WHERE torrent_id = ?1 ORDER BY idx",
	[SQL_UNIT_MAX] = "SELECT coalesce(max(unit_len), 0) FROM verified",
};

struct catalogue {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_CNT];
	const char *path; /* owned by SQLite */
};

static int
db_fail(struct catalogue *c, struct fail *fail)
{
	return catalogue_db_fail(c->db, c->path, fail);
}

static sqlite3_stmt *
use(struct catalogue *c, enum statement which)
{
	sqlite3_reset(c->stmt[which]);
	sqlite3_clear_bindings(c->stmt[which]);
	return c->stmt[which];
}

/* run steps a statement that gives no rows. Returns 0 or -errno with fail. */
static int
run(struct catalogue *c, sqlite3_stmt *stmt, struct fail *fail)
{
	int err = sqlite3_step(stmt) == SQLITE_DONE ? 0 : db_fail(c, fail);

	sqlite3_reset(stmt);
	return err;
}

static int
begin(struct catalogue *c, struct fail *fail)
{
	return run(c, use(c, SQL_BEGIN), fail);
}

/* finish commits when err is 0, else rolls back; returns what is to be reported. */
static int
finish(struct catalogue *c, int err, struct fail *fail)
{
	struct fail ignored;

	if (err == 0)
		err = run(c, use(c, SQL_COMMIT), fail);
	if (err != 0)
		run(c, use(c, SQL_ROLLBACK), &ignored);
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
			err = db_fail(c, fail);
	return err;
}

int
catalogue_open(struct catalogue **catalogue, const char *path, struct fail *fail)
{
	struct catalogue *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return fail_set(fail, ENOMEM, "catalogue %s: out of memory", path);
	c->path = path;
	int code = sqlite3_open_v2(path, &c->db,
	                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                           NULL);
	int err = code == SQLITE_OK ? 0 : db_fail(c, fail);
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

/* ---- Reading. */

int
catalogue_next(struct catalogue *catalogue, struct catalogue_row *row, struct fail *fail)
{
	sqlite3_stmt *s = catalogue->stmt[SQL_NEXT];
	int code = sqlite3_step(s);

	if (code != SQLITE_ROW) {
		int err = code == SQLITE_DONE ? 0 : db_fail(catalogue, fail);
		sqlite3_reset(s);
		return err;
	}
	int64_t id = sqlite3_column_int64(s, 0);
	const void *info_hash = sqlite3_column_blob(s, 1);
	const char *name = (const char *)sqlite3_column_text(s, 3);
	const char *reason = (const char *)sqlite3_column_text(s, 4);
	const char *class_name = (const char *)sqlite3_column_text(s, 13);
	int state = sqlite3_column_int(s, 2);
	if (id < 1 || id > UINT32_MAX || sqlite3_column_bytes(s, 1) != 20 || info_hash == NULL ||
	    name == NULL || reason == NULL || class_name == NULL ||
	    sqlite3_column_bytes(s, 13) >= CLASS_NAME_MAX || state < TORRENT_VERIFYING ||
	    state >= TORRENT_STATE_CNT)
		return fail_set(fail, EIO, "catalogue %s: torrent %" PRId64 " is damaged",
		                catalogue->path, id);
	*row = (struct catalogue_row){
		.id = (uint32_t)id,
		.state = (enum torrent_state)state,
		.name = name,
		.reason = reason,
		.class_name = class_name,
		.added_at = sqlite3_column_int64(s, 5),
		.verified_at = sqlite3_column_int64(s, 6),
		.total_len = (uint64_t)sqlite3_column_int64(s, 7),
		.uploaded_bytes = (uint64_t)sqlite3_column_int64(s, 8),
		.file_cnt = (uint32_t)sqlite3_column_int64(s, 9),
		.piece_cnt = (uint32_t)sqlite3_column_int64(s, 10),
		.have_cnt = (uint32_t)sqlite3_column_int64(s, 11),
		.withdrawn_cnt = (uint32_t)sqlite3_column_int64(s, 12),
	};
	memcpy(row->info_hash, info_hash, sizeof(row->info_hash));
	return 1;
}

/* column_copy returns a heap copy of a blob or text with a NUL after it, or NULL. */
static void *
column_copy(sqlite3_stmt *s, int column, size_t *len)
{
	const void *bytes = sqlite3_column_blob(s, column);
	int byte_cnt = sqlite3_column_bytes(s, column);
	char *copy = malloc((size_t)byte_cnt + 1);

	if (copy == NULL)
		return NULL;
	if (byte_cnt > 0)
		memcpy(copy, bytes, (size_t)byte_cnt);
	copy[byte_cnt] = '\0';
	*len = (size_t)byte_cnt;
	return copy;
}

/* row_find steps a SELECT with ?1 = id to its one row. */
static int
row_find(struct catalogue *c, enum statement which, uint32_t id, struct fail *fail)
{
	sqlite3_stmt *s = use(c, which);

	sqlite3_bind_int64(s, 1, id);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		return 0;
	int err = code == SQLITE_DONE
	              ? fail_set(fail, ENOENT, "catalogue %s: no torrent %" PRIu32, c->path, id)
	              : db_fail(c, fail);
	sqlite3_reset(s);
	return err;
}

uint32_t
catalogue_unit_max(struct catalogue *catalogue)
{
	sqlite3_stmt *s = use(catalogue, SQL_UNIT_MAX);
	uint32_t unit_max = 0;

	if (sqlite3_step(s) == SQLITE_ROW)
		unit_max = (uint32_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return unit_max;
}

int
catalogue_source(struct catalogue *catalogue, uint32_t id, struct catalogue_source *source,
                 struct fail *fail)
{
	sqlite3_stmt *s = catalogue->stmt[SQL_SOURCE];
	size_t data_dir_len;
	int err = row_find(catalogue, SQL_SOURCE, id, fail);

	*source = (struct catalogue_source){0};
	if (err != 0)
		return err;
	source->metainfo = column_copy(s, 0, &source->metainfo_len);
	source->data_dir = column_copy(s, 1, &data_dir_len);
	sqlite3_reset(s);
	if (source->metainfo == NULL || source->data_dir == NULL) {
		catalogue_source_free(source);
		return fail_set(fail, ENOMEM, "catalogue %s: out of memory", catalogue->path);
	}
	return 0;
}

void
catalogue_source_free(struct catalogue_source *source)
{
	free(source->metainfo);
	free(source->data_dir);
	*source = (struct catalogue_source){0};
}

static int
pins_read(struct catalogue *c, uint32_t id, struct catalogue_verified *verified, struct fail *fail)
{
	sqlite3_stmt *s = use(c, SQL_FILES);
	size_t room = 0;
	int code;

	sqlite3_bind_int64(s, 1, id);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		if (verified->pin_cnt == room) {
			room = room ? 2 * room : 8;
			void *grown = realloc(verified->pins, room * sizeof(*verified->pins));
			if (grown == NULL)
				break;
			verified->pins = grown;
		}
		if (sqlite3_column_int64(s, 3) != (int64_t)verified->pin_cnt)
			break; /* a hole: some row was lost */
		verified->pins[verified->pin_cnt++] = (struct content_pin){
			.size = (uint64_t)sqlite3_column_int64(s, 0),
			.mtime_ns = sqlite3_column_int64(s, 1),
			.inode = (uint64_t)sqlite3_column_int64(s, 2),
		};
	}
	int err = 0;
	if (code == SQLITE_ROW)
		err = fail_set(fail, EIO, "catalogue %s: files of torrent %" PRIu32 " cannot be read",
		               c->path, id);
	else if (code != SQLITE_DONE)
		err = db_fail(c, fail);
	sqlite3_reset(s);
	return err;
}

int
catalogue_verified(struct catalogue *catalogue, uint32_t id, struct catalogue_verified *verified,
                   struct fail *fail)
{
	sqlite3_stmt *s = catalogue->stmt[SQL_VERIFIED];
	size_t len = 0;
	int err = row_find(catalogue, SQL_VERIFIED, id, fail);

	*verified = (struct catalogue_verified){0};
	if (err != 0)
		return err;
	verified->have = column_copy(s, 0, &verified->have_len);
	verified->fingerprints = column_copy(s, 1, &len);
	verified->fingerprint_cnt = len / sizeof(uint64_t);
	verified->unit_len = (uint32_t)sqlite3_column_int64(s, 2);
	verified->have_cnt = (uint32_t)sqlite3_column_int64(s, 3);
	sqlite3_reset(s);
	if (verified->have == NULL || verified->fingerprints == NULL)
		err = fail_set(fail, ENOMEM, "catalogue %s: out of memory", catalogue->path);
	if (err == 0)
		err = pins_read(catalogue, id, verified, fail);
	if (err != 0)
		catalogue_verified_free(verified);
	return err;
}

void
catalogue_verified_free(struct catalogue_verified *verified)
{
	free(verified->have);
	free(verified->fingerprints);
	free(verified->pins);
	*verified = (struct catalogue_verified){0};
}

/* ---- Writing. */

static void
bind_text(sqlite3_stmt *s, int index, const char *text)
{
	sqlite3_bind_text(s, index, text, -1, SQLITE_STATIC);
}

static void
bind_blob(sqlite3_stmt *s, int index, const void *bytes, size_t len)
{
	/* An empty blob must not become NULL. */
	sqlite3_bind_blob64(s, index, len > 0 ? bytes : "", len, SQLITE_STATIC);
}

int
catalogue_add(struct catalogue *catalogue, struct catalogue_row *row,
              const struct catalogue_source *source, struct fail *fail)
{
	sqlite3_stmt *s = use(catalogue, SQL_ADD);

	bind_blob(s, 1, row->info_hash, sizeof(row->info_hash));
	sqlite3_bind_int(s, 2, row->state);
	bind_text(s, 3, row->name);
	bind_text(s, 4, row->reason);
	sqlite3_bind_int64(s, 5, row->added_at);
	sqlite3_bind_int64(s, 6, (int64_t)row->total_len);
	sqlite3_bind_int64(s, 7, row->file_cnt);
	sqlite3_bind_int64(s, 8, row->piece_cnt);
	bind_text(s, 9, source->data_dir);
	bind_blob(s, 10, source->metainfo, source->metainfo_len);
	bind_text(s, 11, row->class_name);
	int err = run(catalogue, s, fail);
	if (err != 0 && sqlite3_extended_errcode(catalogue->db) == SQLITE_CONSTRAINT_UNIQUE)
		return fail_set(fail, EEXIST, "catalogue %s: the info_hash is already there",
		                catalogue->path);
	if (err == 0 && sqlite3_last_insert_rowid(catalogue->db) > UINT32_MAX)
		return fail_set(fail, EOVERFLOW, "catalogue %s: all ids are used", catalogue->path);
	if (err == 0)
		row->id = (uint32_t)sqlite3_last_insert_rowid(catalogue->db);
	return err;
}

int
catalogue_remove(struct catalogue *catalogue, uint32_t id, struct fail *fail)
{
	sqlite3_stmt *s = use(catalogue, SQL_REMOVE);

	sqlite3_bind_int64(s, 1, id);
	return run(catalogue, s, fail);
}

int
catalogue_set_state(struct catalogue *catalogue, uint32_t id, enum torrent_state state,
                    const char *reason, struct fail *fail)
{
	sqlite3_stmt *s = use(catalogue, SQL_STATE);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int(s, 2, state);
	bind_text(s, 3, reason);
	return run(catalogue, s, fail);
}

int
catalogue_set_data_dir(struct catalogue *catalogue, uint32_t id, const char *data_dir,
                       struct fail *fail)
{
	sqlite3_stmt *s = use(catalogue, SQL_DATA_DIR);

	sqlite3_bind_int64(s, 1, id);
	bind_text(s, 2, data_dir);
	return run(catalogue, s, fail);
}

int
catalogue_set_class(struct catalogue *catalogue, uint32_t id, const char *class_name,
                    struct fail *fail)
{
	sqlite3_stmt *s = use(catalogue, SQL_CLASS);

	sqlite3_bind_int64(s, 1, id);
	bind_text(s, 2, class_name);
	return run(catalogue, s, fail);
}

static int
pins_write(struct catalogue *c, uint32_t id, const struct catalogue_verified *verified,
           struct fail *fail)
{
	sqlite3_stmt *s = use(c, SQL_FILES_CLEAR);

	sqlite3_bind_int64(s, 1, id);
	int err = run(c, s, fail);
	for (size_t i = 0; err == 0 && i < verified->pin_cnt; i++) {
		s = use(c, SQL_FILE_PUT);
		sqlite3_bind_int64(s, 1, id);
		sqlite3_bind_int64(s, 2, (int64_t)i);
		sqlite3_bind_int64(s, 3, (int64_t)verified->pins[i].size);
		sqlite3_bind_int64(s, 4, verified->pins[i].mtime_ns);
		sqlite3_bind_int64(s, 5, (int64_t)verified->pins[i].inode);
		err = run(c, s, fail);
	}
	return err;
}

static int
verified_write(struct catalogue *c, uint32_t id, const struct catalogue_verified *verified,
               struct fail *fail)
{
	sqlite3_stmt *s = use(c, SQL_VERIFIED_PUT);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, verified->unit_len);
	bind_blob(s, 3, verified->have, verified->have_len);
	bind_blob(s, 4, verified->fingerprints, verified->fingerprint_cnt * sizeof(uint64_t));
	int err = run(c, s, fail);
	return err == 0 ? pins_write(c, id, verified, fail) : err;
}

int
catalogue_set_verified(struct catalogue *catalogue, uint32_t id,
                       const struct catalogue_verified *verified, int64_t verified_at,
                       struct fail *fail)
{
	int err = begin(catalogue, fail);

	if (err != 0)
		return err;
	err = verified_write(catalogue, id, verified, fail);
	if (err == 0) {
		sqlite3_stmt *s = use(catalogue, SQL_TORRENT_VERIFIED);
		sqlite3_bind_int64(s, 1, id);
		sqlite3_bind_int(s, 2, TORRENT_SEEDING);
		sqlite3_bind_int64(s, 3, verified_at);
		sqlite3_bind_int64(s, 4, verified->have_cnt);
		err = run(catalogue, s, fail);
	}
	return finish(catalogue, err, fail);
}

int
catalogue_withdraw(struct catalogue *catalogue, const struct catalogue_row *row,
                   const uint8_t *have, size_t have_len, struct fail *fail)
{
	int err = begin(catalogue, fail);

	if (err != 0)
		return err;
	sqlite3_stmt *s = use(catalogue, SQL_WITHDRAW);
	sqlite3_bind_int64(s, 1, row->id);
	sqlite3_bind_int64(s, 2, row->have_cnt);
	sqlite3_bind_int64(s, 3, row->withdrawn_cnt);
	bind_text(s, 4, row->reason);
	err = run(catalogue, s, fail);
	if (err == 0) {
		s = use(catalogue, SQL_HAVE);
		sqlite3_bind_int64(s, 1, row->id);
		bind_blob(s, 2, have, have_len);
		err = run(catalogue, s, fail);
	}
	return finish(catalogue, err, fail);
}

int
catalogue_add_uploaded(struct catalogue *catalogue, uint32_t id, uint64_t bytes,
                       struct fail *fail)
{
	sqlite3_stmt *s = use(catalogue, SQL_UPLOADED);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)bytes);
	return run(catalogue, s, fail);
}
