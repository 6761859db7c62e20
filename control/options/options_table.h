/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* options_table.h is the option table as the files of options see it: options.c (the rows, setting
 * and comparing), options_file.c, options_words.c (the command line), options_text.c and
 * options_man.c (what is generated).
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_OPTIONS_OPTIONS_TABLE_H
#define SPILLWAY_CONTROL_OPTIONS_OPTIONS_TABLE_H

#include "control/options/options.h"

enum option_kind {
	OPTION_TEXT,   /* char[max], length in [min, max), and what check says */
	OPTION_NUMBER, /* int64_t in [min, max] */
	OPTION_CHOICE, /* int64_t, index into choices; min and max follow from it */
};

/* When a change takes effect. */
enum option_scope {
	START, /* when spillwayd is started again */
	LIVE,  /* when the configuration is read again, see reload.h */
};

struct option_row {
	const char *name;
	enum option_scope scope;
	enum option_kind kind;
	const char *unit;
	const char *preset;
	int64_t min;
	int64_t max;
	const char *const *choices;
	size_t offset;
	const char *help;
	int (*check)(const char *value, struct fail *fail); /* NULL: any text */
};

enum {
	OPTION_ROWS_MAX = OPTION_CHANGES_MAX, /* room for a mark per row */
	NAME_WIDTH = 28,
	OPTION_BOUNDS_MAX = 96, /* bytes of a text of bounds */
};

extern const struct option_row option_rows[];
extern const size_t option_row_cnt; /* [1, OPTION_ROWS_MAX] */

/* options_row_find returns the row of a name, with '-' or '_' between words, or NULL. */
const struct option_row *
options_row_find(const char *name, size_t name_len);

/* options_row_set reads value into its field. Returns 0, or a negative errno with fail naming the
 * option and its bounds. */
int
options_row_set(struct options *options, const struct option_row *row, const char *value,
                struct fail *fail);

/* options_row_bounds writes what values an option may have, "" for a text. */
void
options_row_bounds(const struct option_row *row, char out[OPTION_BOUNDS_MAX]);

#endif
