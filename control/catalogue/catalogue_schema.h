/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* catalogue_schema.h makes a database into a catalogue of the present schema: an empty one gets its
 * tables, one of an older schema is changed step by step, each in a transaction of its own.
 *
 * Threads: the catalogue's.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_SCHEMA_H
#define SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_SCHEMA_H

#include "control/base/fail.h"

#include <sqlite3.h>

/* catalogue_schema_apply looks at what lies in db before anything is written to it.
 *
 * path  for texts.
 * Returns 0, or a negative errno with fail: another program's database, one written by a newer
 * Spillway (both left as they were), or what SQLite says. */
int
catalogue_schema_apply(sqlite3 *db, const char *path, struct fail *fail);

/* catalogue_db_fail turns the last error of db into fail. Returns -ENOMEM, -ENOSPC or -EIO. */
int
catalogue_db_fail(sqlite3 *db, const char *path, struct fail *fail);

#endif
