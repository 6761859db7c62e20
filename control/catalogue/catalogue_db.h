/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* catalogue_db.h is what the parts of the catalogue share: catalogue.c (its life, its statements),
 * catalogue_read.c, catalogue_write.c and catalogue_ranges.c.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_DB_H
#define SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_DB_H

#include "control/catalogue/catalogue.h"
#include "control/catalogue/catalogue_schema.h"

enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_PART_BEGIN,
	SQL_PART_KEEP,
	SQL_PART_UNDO,
	SQL_NEXT,
	SQL_ADD,
	SQL_SOURCE_ADD,
	SQL_REMOVE,
	SQL_STATE,
	SQL_CLASS,
	SQL_PLACE,
	SQL_MANAGED,
	SQL_DATA_DIR_GET,
	SQL_SETTINGS,
	SQL_LABELS,
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
	SQL_RANGE_PUT,
	SQL_RANGES,
	SQL_RANGES_CLEAR,
	SQL_RANGES_AFTER,
	SQL_SETTING_GET,
	SQL_SETTING_SET,
	SQL_GARBAGE,
	SQL_GARBAGE_UNSTAGE,
	SQL_GARBAGE_ADOPT,
	SQL_GARBAGE_FILES,
	SQL_GARBAGE_VERIFIED,
	SQL_GARBAGE_SOURCE,
	SQL_GARBAGE_DONE,
	SQL_CNT
};

struct catalogue {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_CNT];
	uint32_t depth; /* of transactions in each other */
	const char *path; /* owned by SQLite */
};

/* catalogue_fail is catalogue_db_fail of the last error. */
int
catalogue_fail(struct catalogue *catalogue, struct fail *fail);

/* catalogue_use returns a statement, reset, without bindings. */
sqlite3_stmt *
catalogue_use(struct catalogue *catalogue, enum statement which);

/* catalogue_run steps a statement that gives no rows, and resets it. Returns 0 or -errno with fail.
 */
int
catalogue_run(struct catalogue *catalogue, sqlite3_stmt *stmt, struct fail *fail);

#endif
