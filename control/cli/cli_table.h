/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cli_table.h prints rows of text in columns as wide as what is in them, and quantities in the unit
 * in which people read them. Columns are counted in characters, not bytes. */
#ifndef SPILLWAY_CONTROL_CLI_CLI_TABLE_H
#define SPILLWAY_CONTROL_CLI_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cli_table_limit {
	CLI_COLUMNS_MAX = 16,
	CLI_QUANTITY_MAX = 24, /* bytes of one written by the functions below */
};

struct cli_column {
	const char *name;
	bool right; /* aligned */
};

/* A table of rows in cell[row * column_cnt + column]; texts are borrowed. */
struct cli_table {
	const struct cli_column *column;
	size_t column_cnt; /* [1, CLI_COLUMNS_MAX] */
	const char *const *cell;
	size_t row_cnt;
};

/* cli_terminal_columns returns the width of the terminal that stdout is, 0 when it is none. */
size_t
cli_terminal_columns(void);

/* cli_table_width returns the columns that the table takes, without its last column. */
size_t
cli_table_width(const struct cli_table *table);

/* cli_table_line prints one row, or the names of the columns for row < 0.
 *
 * width  lines are cut there; 0: nowhere. */
void
cli_table_line(const struct cli_table *table, long row, size_t width);

/* cli_text_cut prints text as cli_text does, cut to so many columns; 0: not cut. */
void
cli_text_cut(const char *text, size_t columns);

/* cli_bytes writes "12.3 MiB"; suffix follows the unit: "/s". Returns out. */
char *
cli_bytes(char out[CLI_QUANTITY_MAX], double bytes, const char *suffix);

/* cli_delay writes "0.42 ms", "-" for 0. Returns out. */
char *
cli_delay(char out[CLI_QUANTITY_MAX], double us);

/* cli_span writes "1m12s". Returns out. */
char *
cli_span(char out[CLI_QUANTITY_MAX], double us);

#endif
