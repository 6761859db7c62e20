/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Ranges as rows. */
#include "control/catalogue/catalogue_ranges.h"

#include "control/catalogue/catalogue_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
bind_blob(sqlite3_stmt *s, int index, const void *bytes, size_t len)
{
	/* An empty blob must not become NULL. */
	sqlite3_bind_blob64(s, index, len > 0 ? bytes : "", len, SQLITE_STATIC);
}

int
catalogue_range_put(struct catalogue *catalogue, uint32_t id, const struct verify_saved *saved,
                    struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_RANGE_PUT);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, saved->range);
	sqlite3_bind_int64(s, 3, (int64_t)saved->key);
	bind_blob(s, 4, saved->piece, saved->piece_cnt);
	bind_blob(s, 5, saved->fingerprint, saved->unit_cnt * sizeof(*saved->fingerprint));
	return catalogue_run(catalogue, s, fail);
}

/* row_read copies a row. Returns false when memory ran out. */
static bool
row_read(sqlite3_stmt *s, struct verify_saved *saved)
{
	size_t piece_len = (size_t)sqlite3_column_bytes(s, 2);
	size_t fingerprint_len = (size_t)sqlite3_column_bytes(s, 3);

	*saved = (struct verify_saved){
		.range = (uint32_t)sqlite3_column_int64(s, 0),
		.key = (uint64_t)sqlite3_column_int64(s, 1),
		.piece_cnt = (uint32_t)piece_len,
		.unit_cnt = (uint32_t)(fingerprint_len / sizeof(*saved->fingerprint)),
		.piece = malloc(piece_len + 1),
		.fingerprint = malloc(fingerprint_len + 1),
	};
	if (saved->piece == NULL || saved->fingerprint == NULL) {
		verify_saved_free(saved);
		return false;
	}
	if (piece_len > 0)
		memcpy(saved->piece, sqlite3_column_blob(s, 2), piece_len);
	if (fingerprint_len > 0)
		memcpy(saved->fingerprint, sqlite3_column_blob(s, 3), fingerprint_len);
	return true;
}

/* Ranges that can be had. */
struct ranges {
	struct verify_saved *at;
	uint32_t cnt;
	uint32_t room;
};

static bool
ranges_add(struct ranges *ranges, sqlite3_stmt *s)
{
	if (ranges->cnt == ranges->room) {
		uint32_t room = ranges->room > 0 ? 2 * ranges->room : 16;
		struct verify_saved *at = realloc(ranges->at, room * sizeof(*at));
		if (at == NULL)
			return false;
		ranges->at = at;
		ranges->room = room;
	}
	if (!row_read(s, &ranges->at[ranges->cnt]))
		return false;
	ranges->cnt++;
	return true;
}

int
catalogue_ranges(struct catalogue *catalogue, uint32_t id, struct verify_saved **saved,
                 uint32_t *cnt, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_RANGES);
	struct ranges ranges = {0};
	bool good = true;
	int code = SQLITE_DONE;

	sqlite3_bind_int64(s, 1, id);
	while (good && (code = sqlite3_step(s)) == SQLITE_ROW)
		good = ranges_add(&ranges, s);
	int err = 0;
	if (!good)
		err = fail_set(fail, ENOMEM, "catalogue %s: out of memory", catalogue->path);
	else if (code != SQLITE_DONE)
		err = catalogue_fail(catalogue, fail);
	sqlite3_reset(s);
	for (uint32_t i = 0; err != 0 && i < ranges.cnt; i++)
		verify_saved_free(&ranges.at[i]);
	if (err != 0) {
		free(ranges.at);
		ranges = (struct ranges){0};
	}
	*saved = ranges.at;
	*cnt = ranges.cnt;
	return err;
}

int
catalogue_ranges_clear(struct catalogue *catalogue, uint32_t id, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_RANGES_CLEAR);

	sqlite3_bind_int64(s, 1, id);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_ranges_ask(struct catalogue *catalogue, const uint32_t *ids, uint32_t cnt,
                     struct fail *fail)
{
	/* A range that no torrent has. */
	const struct verify_saved asked = {.range = UINT32_MAX};
	int err = catalogue_begin(catalogue, fail);

	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < cnt; i++) {
		err = catalogue_ranges_clear(catalogue, ids[i], fail);
		if (err == 0)
			err = catalogue_range_put(catalogue, ids[i], &asked, fail);
	}
	return catalogue_finish(catalogue, err, fail);
}

uint32_t
catalogue_ranges_after(struct catalogue *catalogue, uint32_t id)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_RANGES_AFTER);
	uint32_t next = 0;

	sqlite3_bind_int64(s, 1, id);
	if (sqlite3_step(s) == SQLITE_ROW)
		next = (uint32_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return next;
}
