/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Metainfo of torrents to come. */
#include "control/catalogue/catalogue_stage.h"

#include "control/catalogue/catalogue_schema.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BUSY_MS = 20000,          /* for the loop to end a transaction */
	BATCH_LEN_MAX = 1 << 20,  /* bytes in one transaction: the loop may have to wait for it */
};

struct stage {
	sqlite3 *db;
	const char *path;
	sqlite3_stmt *source;
	sqlite3_stmt *garbage;
	size_t batch_len; /* 0: no transaction is open */
};

static int
stage_fail(struct stage *s, struct fail *fail)
{
	return catalogue_db_fail(s->db, s->path, fail);
}

int
stage_open(struct stage **stage, const char *path, struct fail *fail)
{
	static const char source[] = "INSERT INTO sources(metainfo) VALUES(?1)";
	static const char garbage[] = "INSERT INTO garbage VALUES(?1, -1)";
	struct stage *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	s->path = path;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	        SQLITE_OK ||
	    sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, source, -1, &s->source, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, garbage, -1, &s->garbage, NULL) != SQLITE_OK) {
		int err = stage_fail(s, fail);
		stage_close(s);
		return err;
	}
	*stage = s;
	return 0;
}

void
stage_close(struct stage *stage)
{
	if (stage == NULL)
		return;
	sqlite3_finalize(stage->source);
	sqlite3_finalize(stage->garbage);
	sqlite3_close(stage->db);
	free(stage);
}

static int
step(struct stage *s, sqlite3_stmt *stmt, struct fail *fail)
{
	int err = sqlite3_step(stmt) == SQLITE_DONE ? 0 : stage_fail(s, fail);

	sqlite3_reset(stmt);
	return err;
}

int
stage_add(struct stage *stage, const uint8_t *metainfo, size_t len, int64_t *source_id,
          struct fail *fail)
{
	if (stage->batch_len == 0 &&
	    sqlite3_exec(stage->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return stage_fail(stage, fail);
	stage->batch_len += len + 1;
	sqlite3_bind_blob64(stage->source, 1, metainfo, len, SQLITE_STATIC);
	int err = step(stage, stage->source, fail);
	if (err != 0)
		return err;
	*source_id = sqlite3_last_insert_rowid(stage->db);
	sqlite3_bind_int64(stage->garbage, 1, *source_id);
	err = step(stage, stage->garbage, fail);
	return err == 0 && stage->batch_len >= BATCH_LEN_MAX ? stage_flush(stage, fail) : err;
}

int
stage_flush(struct stage *stage, struct fail *fail)
{
	if (stage->batch_len == 0)
		return 0;
	if (sqlite3_exec(stage->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return stage_fail(stage, fail);
	stage->batch_len = 0;
	return 0;
}

int
stage_settle(struct stage *stage, struct fail *fail)
{
	int code = sqlite3_wal_checkpoint_v2(stage->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	return code == SQLITE_OK || code == SQLITE_BUSY ? 0 : stage_fail(stage, fail);
}
