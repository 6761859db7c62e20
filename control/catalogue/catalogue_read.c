/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the catalogue knows. */
#include "control/catalogue/catalogue_db.h"

#include "control/base/labels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The columns of SQL_NEXT. */
enum column {
	COLUMN_ID,
	COLUMN_INFO_HASH,
	COLUMN_STATE,
	COLUMN_NAME,
	COLUMN_REASON,
	COLUMN_ADDED_AT,
	COLUMN_VERIFIED_AT,
	COLUMN_TOTAL_LEN,
	COLUMN_UPLOADED,
	COLUMN_FILE_CNT,
	COLUMN_PIECE_CNT,
	COLUMN_HAVE_CNT,
	COLUMN_WITHDRAWN_CNT,
	COLUMN_CLASS,
	COLUMN_LABELS,
	COLUMN_RATE,
	COLUMN_WEIGHT,
	COLUMN_CONNECTIONS,
	COLUMN_PAUSED,
	COLUMN_SUPER_SEED,
	COLUMN_PARTIAL,
	COLUMN_MANAGED,
};

static const char *
column_text(sqlite3_stmt *s, enum column column)
{
	return (const char *)sqlite3_column_text(s, column);
}

static uint32_t
column_u32(sqlite3_stmt *s, enum column column)
{
	return (uint32_t)sqlite3_column_int64(s, column);
}

static uint64_t
column_u64(sqlite3_stmt *s, enum column column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

static void
columns_read(sqlite3_stmt *s, struct catalogue_row *row)
{
	*row = (struct catalogue_row){
		.id = column_u32(s, COLUMN_ID),
		.state = (enum torrent_state)column_u32(s, COLUMN_STATE),
		.name = column_text(s, COLUMN_NAME),
		.reason = column_text(s, COLUMN_REASON),
		.class_name = column_text(s, COLUMN_CLASS),
		.labels = column_text(s, COLUMN_LABELS),
		.added_at = sqlite3_column_int64(s, COLUMN_ADDED_AT),
		.verified_at = sqlite3_column_int64(s, COLUMN_VERIFIED_AT),
		.total_len = column_u64(s, COLUMN_TOTAL_LEN),
		.uploaded_bytes = column_u64(s, COLUMN_UPLOADED),
		.file_cnt = column_u32(s, COLUMN_FILE_CNT),
		.piece_cnt = column_u32(s, COLUMN_PIECE_CNT),
		.have_cnt = column_u32(s, COLUMN_HAVE_CNT),
		.withdrawn_cnt = column_u32(s, COLUMN_WITHDRAWN_CNT),
		.settings.rate_bytes_per_s = column_u64(s, COLUMN_RATE),
		.settings.weight = column_u32(s, COLUMN_WEIGHT),
		.settings.connections_max = column_u32(s, COLUMN_CONNECTIONS),
		.settings.paused = column_u32(s, COLUMN_PAUSED) != 0,
		.settings.super_seed = column_u32(s, COLUMN_SUPER_SEED) != 0,
		.partial = column_u32(s, COLUMN_PARTIAL) != 0,
		.managed = column_u32(s, COLUMN_MANAGED) != 0,
	};
}

static bool
row_sound(sqlite3_stmt *s, const struct catalogue_row *row)
{
	int64_t id = sqlite3_column_int64(s, COLUMN_ID);
	int64_t state = sqlite3_column_int64(s, COLUMN_STATE);
	int64_t weight = sqlite3_column_int64(s, COLUMN_WEIGHT);

	return id >= 1 && id <= UINT32_MAX && row->name != NULL && row->reason != NULL &&
	       row->class_name != NULL && strlen(row->class_name) < CLASS_NAME_MAX &&
	       row->labels != NULL && labels_sound(row->labels) &&
	       state >= TORRENT_VERIFYING && state < TORRENT_STATE_CNT &&
	       weight >= TORRENT_WEIGHT_MIN && weight <= TORRENT_WEIGHT_MAX;
}

static int
row_read(struct catalogue *c, sqlite3_stmt *s, struct catalogue_row *row, struct fail *fail)
{
	const void *info_hash = sqlite3_column_blob(s, COLUMN_INFO_HASH);

	columns_read(s, row);
	if (!row_sound(s, row) || info_hash == NULL ||
	    sqlite3_column_bytes(s, COLUMN_INFO_HASH) != sizeof(row->info_hash))
		return fail_set(fail, EIO, "catalogue %s: torrent %" PRId64 " is damaged", c->path,
		                (int64_t)sqlite3_column_int64(s, COLUMN_ID));
	memcpy(row->info_hash, info_hash, sizeof(row->info_hash));
	return 1;
}

int
catalogue_next(struct catalogue *catalogue, struct catalogue_row *row, struct fail *fail)
{
	sqlite3_stmt *s = catalogue->stmt[SQL_NEXT];
	int code = sqlite3_step(s);

	if (code != SQLITE_ROW) {
		int err = code == SQLITE_DONE ? 0 : catalogue_fail(catalogue, fail);
		sqlite3_reset(s);
		return err;
	}
	return row_read(catalogue, s, row, fail);
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
	sqlite3_stmt *s = catalogue_use(c, which);

	sqlite3_bind_int64(s, 1, id);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		return 0;
	int err = code == SQLITE_DONE
	              ? fail_set(fail, ENOENT, "catalogue %s: no torrent %" PRIu32, c->path, id)
	              : catalogue_fail(c, fail);
	sqlite3_reset(s);
	return err;
}

uint32_t
catalogue_unit_max(struct catalogue *catalogue)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_UNIT_MAX);
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

int
catalogue_data_dir(struct catalogue *catalogue, uint32_t id, char **data_dir, struct fail *fail)
{
	sqlite3_stmt *s = catalogue->stmt[SQL_DATA_DIR_GET];
	size_t len;
	int err = row_find(catalogue, SQL_DATA_DIR_GET, id, fail);

	*data_dir = NULL;
	if (err != 0)
		return err;
	*data_dir = column_copy(s, 0, &len);
	sqlite3_reset(s);
	if (*data_dir == NULL)
		return fail_set(fail, ENOMEM, "catalogue %s: out of memory", catalogue->path);
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
	sqlite3_stmt *s = catalogue_use(c, SQL_FILES);
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
		err = catalogue_fail(c, fail);
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

int
catalogue_setting_get(struct catalogue *catalogue, const char *key, char **value,
                      struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_SETTING_GET);
	size_t len;
	int err = 0;

	*value = NULL;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		*value = column_copy(s, 0, &len);
		if (*value == NULL)
			err = fail_set(fail, ENOMEM, "catalogue %s: out of memory", catalogue->path);
	} else {
		err = code == SQLITE_DONE ? fail_set(fail, ENOENT, "catalogue %s: no setting \"%s\"",
		                                     catalogue->path, key)
		                          : catalogue_fail(catalogue, fail);
	}
	sqlite3_reset(s);
	return err;
}
