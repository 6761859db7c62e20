/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Changes to the catalogue. */
#include "control/catalogue/catalogue_db.h"

#include <errno.h>

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

static void
bind_settings(sqlite3_stmt *s, int index, const struct torrent_settings *settings)
{
	sqlite3_bind_int64(s, index, (int64_t)settings->rate_bytes_per_s);
	sqlite3_bind_int64(s, index + 1, settings->weight);
	sqlite3_bind_int64(s, index + 2, settings->connections_max);
	sqlite3_bind_int(s, index + 3, settings->paused);
	sqlite3_bind_int(s, index + 4, settings->super_seed);
}

static int
source_add(struct catalogue *c, const struct catalogue_source *source, int64_t *source_id,
           struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(c, SQL_SOURCE_ADD);

	bind_blob(s, 1, source->metainfo, source->metainfo_len);
	int err = catalogue_run(c, s, fail);
	*source_id = sqlite3_last_insert_rowid(c->db);
	return err;
}

static int
row_add(struct catalogue *c, struct catalogue_row *row, const char *data_dir, int64_t source_id,
        struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(c, SQL_ADD);

	bind_blob(s, 1, row->info_hash, sizeof(row->info_hash));
	sqlite3_bind_int(s, 2, row->state);
	bind_text(s, 3, row->name);
	bind_text(s, 4, row->reason);
	sqlite3_bind_int64(s, 5, row->added_at);
	sqlite3_bind_int64(s, 6, (int64_t)row->total_len);
	sqlite3_bind_int64(s, 7, row->file_cnt);
	sqlite3_bind_int64(s, 8, row->piece_cnt);
	bind_text(s, 9, data_dir);
	bind_text(s, 10, row->class_name);
	bind_text(s, 11, row->labels);
	sqlite3_bind_int64(s, 12, source_id);
	sqlite3_bind_int(s, 13, row->partial);
	sqlite3_bind_int(s, 14, row->managed);
	bind_settings(s, 15, &row->settings);
	int err = catalogue_run(c, s, fail);
	if (err != 0 && sqlite3_extended_errcode(c->db) == SQLITE_CONSTRAINT_UNIQUE)
		return fail_set(fail, EEXIST, "catalogue %s: the info_hash is already there", c->path);
	if (err == 0 && sqlite3_last_insert_rowid(c->db) > UINT32_MAX)
		return fail_set(fail, EOVERFLOW, "catalogue %s: all ids are used", c->path);
	if (err == 0)
		row->id = (uint32_t)sqlite3_last_insert_rowid(c->db);
	return err;
}

int
catalogue_add(struct catalogue *catalogue, struct catalogue_row *row,
              const struct catalogue_source *source, struct fail *fail)
{
	int64_t source_id;
	int err = catalogue_begin(catalogue, fail);

	if (err != 0)
		return err;
	err = source_add(catalogue, source, &source_id, fail);
	if (err == 0)
		err = row_add(catalogue, row, source->data_dir, source_id, fail);
	return catalogue_finish(catalogue, err, fail);
}

int
catalogue_remove(struct catalogue *catalogue, uint32_t id, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_REMOVE);

	sqlite3_bind_int64(s, 1, id);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_unstage(struct catalogue *catalogue, struct fail *fail)
{
	return catalogue_run(catalogue, catalogue_use(catalogue, SQL_GARBAGE_UNSTAGE), fail);
}

/* garbage_delete runs a DELETE of one id. */
static int
garbage_delete(struct catalogue *c, enum statement which, int64_t id, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(c, which);

	sqlite3_bind_int64(s, 1, id);
	return catalogue_run(c, s, fail);
}

int
catalogue_add_staged(struct catalogue *catalogue, struct catalogue_row *row, const char *data_dir,
                     int64_t source_id, struct fail *fail)
{
	return row_add(catalogue, row, data_dir, source_id, fail);
}

int
catalogue_adopt(struct catalogue *catalogue, struct fail *fail)
{
	return catalogue_run(catalogue, catalogue_use(catalogue, SQL_GARBAGE_ADOPT), fail);
}

int
catalogue_sweep(struct catalogue *catalogue, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_GARBAGE);
	int code = sqlite3_step(s);
	int64_t source_id = sqlite3_column_int64(s, 0), torrent_id = sqlite3_column_int64(s, 1);

	sqlite3_reset(s);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? 0 : catalogue_fail(catalogue, fail);
	int err = catalogue_begin(catalogue, fail);
	if (err != 0)
		return err;
	err = garbage_delete(catalogue, SQL_GARBAGE_FILES, torrent_id, fail);
	if (err == 0)
		err = garbage_delete(catalogue, SQL_RANGES_CLEAR, torrent_id, fail);
	if (err == 0)
		err = garbage_delete(catalogue, SQL_GARBAGE_VERIFIED, torrent_id, fail);
	if (err == 0)
		err = garbage_delete(catalogue, SQL_GARBAGE_SOURCE, source_id, fail);
	if (err == 0)
		err = garbage_delete(catalogue, SQL_GARBAGE_DONE, source_id, fail);
	err = catalogue_finish(catalogue, err, fail);
	return err == 0 ? 1 : err;
}

int
catalogue_set_state(struct catalogue *catalogue, uint32_t id, enum torrent_state state,
                    const char *reason, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_STATE);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int(s, 2, state);
	bind_text(s, 3, reason);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_set_class(struct catalogue *catalogue, uint32_t id, const char *class_name,
                    struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_CLASS);

	sqlite3_bind_int64(s, 1, id);
	bind_text(s, 2, class_name);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_set_settings(struct catalogue *catalogue, uint32_t id,
                       const struct torrent_settings *settings, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_SETTINGS);

	sqlite3_bind_int64(s, 1, id);
	bind_settings(s, 2, settings);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_set_labels(struct catalogue *catalogue, uint32_t id, const char *labels,
                     struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_LABELS);

	sqlite3_bind_int64(s, 1, id);
	bind_text(s, 2, labels);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_setting_set(struct catalogue *catalogue, const char *key, const char *value,
                      struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_SETTING_SET);

	bind_text(s, 1, key);
	bind_text(s, 2, value);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_set_place(struct catalogue *catalogue, uint32_t id, const char *data_dir, bool partial,
                    struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_PLACE);

	sqlite3_bind_int64(s, 1, id);
	bind_text(s, 2, data_dir);
	sqlite3_bind_int(s, 3, partial);
	sqlite3_bind_int(s, 4, TORRENT_VERIFYING);
	return catalogue_run(catalogue, s, fail);
}

int
catalogue_set_managed(struct catalogue *catalogue, uint32_t id, struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_MANAGED);

	sqlite3_bind_int64(s, 1, id);
	return catalogue_run(catalogue, s, fail);
}

static int
pins_write(struct catalogue *c, uint32_t id, const struct catalogue_verified *verified,
           struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(c, SQL_FILES_CLEAR);

	sqlite3_bind_int64(s, 1, id);
	int err = catalogue_run(c, s, fail);
	for (size_t i = 0; err == 0 && i < verified->pin_cnt; i++) {
		s = catalogue_use(c, SQL_FILE_PUT);
		sqlite3_bind_int64(s, 1, id);
		sqlite3_bind_int64(s, 2, (int64_t)i);
		sqlite3_bind_int64(s, 3, (int64_t)verified->pins[i].size);
		sqlite3_bind_int64(s, 4, verified->pins[i].mtime_ns);
		sqlite3_bind_int64(s, 5, (int64_t)verified->pins[i].inode);
		err = catalogue_run(c, s, fail);
	}
	return err;
}

static int
verified_write(struct catalogue *c, uint32_t id, const struct catalogue_verified *verified,
               struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(c, SQL_VERIFIED_PUT);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, verified->unit_len);
	bind_blob(s, 3, verified->have, verified->have_len);
	bind_blob(s, 4, verified->fingerprints, verified->fingerprint_cnt * sizeof(uint64_t));
	int err = catalogue_run(c, s, fail);
	return err == 0 ? pins_write(c, id, verified, fail) : err;
}

int
catalogue_set_verified(struct catalogue *catalogue, uint32_t id,
                       const struct catalogue_verified *verified, int64_t verified_at,
                       struct fail *fail)
{
	int err = catalogue_begin(catalogue, fail);

	if (err != 0)
		return err;
	err = verified_write(catalogue, id, verified, fail);
	if (err == 0) {
		sqlite3_stmt *s = catalogue_use(catalogue, SQL_TORRENT_VERIFIED);
		sqlite3_bind_int64(s, 1, id);
		sqlite3_bind_int(s, 2, TORRENT_SEEDING);
		sqlite3_bind_int64(s, 3, verified_at);
		sqlite3_bind_int64(s, 4, verified->have_cnt);
		err = catalogue_run(catalogue, s, fail);
	}
	return catalogue_finish(catalogue, err, fail);
}

int
catalogue_set_failed(struct catalogue *catalogue, uint32_t id, const struct content_pin *pin,
                     size_t pin_cnt, struct fail *fail)
{
	const struct catalogue_verified failed = {
		.pins = (struct content_pin *)(uintptr_t)pin,
		.pin_cnt = pin_cnt,
	};
	int err = catalogue_begin(catalogue, fail);

	if (err == 0)
		err = catalogue_finish(catalogue, verified_write(catalogue, id, &failed, fail), fail);
	return err;
}

int
catalogue_withdraw(struct catalogue *catalogue, const struct catalogue_row *row,
                   const uint8_t *have, size_t have_len, struct fail *fail)
{
	int err = catalogue_begin(catalogue, fail);

	if (err != 0)
		return err;
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_WITHDRAW);
	sqlite3_bind_int64(s, 1, row->id);
	sqlite3_bind_int64(s, 2, row->have_cnt);
	sqlite3_bind_int64(s, 3, row->withdrawn_cnt);
	bind_text(s, 4, row->reason);
	err = catalogue_run(catalogue, s, fail);
	if (err == 0) {
		s = catalogue_use(catalogue, SQL_HAVE);
		sqlite3_bind_int64(s, 1, row->id);
		bind_blob(s, 2, have, have_len);
		err = catalogue_run(catalogue, s, fail);
	}
	return catalogue_finish(catalogue, err, fail);
}

int
catalogue_add_uploaded(struct catalogue *catalogue, uint32_t id, uint64_t bytes,
                       struct fail *fail)
{
	sqlite3_stmt *s = catalogue_use(catalogue, SQL_UPLOADED);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)bytes);
	return catalogue_run(catalogue, s, fail);
}
