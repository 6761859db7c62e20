/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Tables and quantities for people. */
#include "control/cli/cli_table.h"

#include "control/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	GAP = 2, /* between columns */
};

size_t
cli_terminal_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	const char *columns = getenv("COLUMNS");
	long asked = columns != NULL ? strtol(columns, NULL, 10) : 0;
	if (asked > 0 && asked < 10000)
		return (size_t)asked;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static bool
begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t
text_columns(const char *text)
{
	size_t cnt = 0;

	for (; *text != '\0'; text++)
		cnt += begins_character(*text);
	return cnt;
}

void
cli_text_cut(const char *text, size_t columns)
{
	char *cut = columns > 0 && text_columns(text) > columns ? strdup(text) : NULL;

	if (cut != NULL) {
		char *p = cut;
		for (size_t cnt = 0; *p != '\0'; p++) {
			cnt += begins_character(*p);
			if (cnt == columns)
				break;
		}
		*p = '\0';
	}
	cli_text(stdout, cut != NULL ? cut : text);
	fputs(cut != NULL ? "~" : "", stdout);
	free(cut);
}

/* ---- Tables. */

static const char *
cell_text(const struct cli_table *table, long row, size_t column)
{
	return row < 0 ? table->column[column].name
	               : table->cell[(size_t)row * table->column_cnt + column];
}

static size_t
column_width(const struct cli_table *table, size_t column)
{
	size_t width = 0;

	for (long row = -1; row < (long)table->row_cnt; row++) {
		size_t columns = text_columns(cell_text(table, row, column));
		width = columns > width ? columns : width;
	}
	return width;
}

size_t
cli_table_width(const struct cli_table *table)
{
	size_t width = 0;

	for (size_t i = 0; i + 1 < table->column_cnt; i++)
		width += column_width(table, i) + GAP;
	return width;
}

void
cli_table_line(const struct cli_table *table, long row, size_t width)
{
	size_t at = 0;

	for (size_t i = 0; i < table->column_cnt; i++) {
		const char *text = cell_text(table, row, i);
		size_t wide = column_width(table, i);
		bool is_last = i + 1 == table->column_cnt;
		int pad = (int)(wide - text_columns(text));

		if (table->column[i].right)
			printf("%*s", pad, "");
		cli_text_cut(text, is_last && width > at ? width - at : 0);
		if (!is_last)
			printf("%*s", table->column[i].right ? GAP : pad + GAP, "");
		at += wide + GAP;
	}
	putchar('\n');
}

/* ---- Quantities. */

char *
cli_bytes(char out[CLI_QUANTITY_MAX], double bytes, const char *suffix)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	size_t unit = 0;

	while (bytes >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(out, CLI_QUANTITY_MAX, "%.*f %s%s", unit > 0 && bytes < 99.95, bytes, units[unit],
	         suffix);
	return out;
}

char *
cli_delay(char out[CLI_QUANTITY_MAX], double us)
{
	double ms = us / 1000;

	if (us <= 0)
		snprintf(out, CLI_QUANTITY_MAX, "-");
	else if (ms < 999.5)
		snprintf(out, CLI_QUANTITY_MAX, "%.*f ms", ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
	else
		snprintf(out, CLI_QUANTITY_MAX, "%.2f s", ms / 1000);
	return out;
}

char *
cli_span(char out[CLI_QUANTITY_MAX], double us)
{
	static const struct {
		long seconds;
		const char *text;
	} units[] = {{86400, "%ldd%02ldh"}, {3600, "%ldh%02ldm"}, {60, "%ldm%02lds"}};
	static const long minor[] = {3600, 60, 1};
	long seconds = (long)(us / 1e6);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (seconds < units[i].seconds)
			continue;
		snprintf(out, CLI_QUANTITY_MAX, units[i].text, seconds / units[i].seconds,
		         seconds % units[i].seconds / minor[i]);
		return out;
	}
	snprintf(out, CLI_QUANTITY_MAX, "%lds", seconds);
	return out;
}
