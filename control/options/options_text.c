/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is generated from the option table: --help and the configuration file. */
#include "control/options/options_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static void
value_text(const struct options *options, const struct option_row *row, char *out, size_t out_len)
{
	const char *field = (const char *)options + row->offset;

	if (row->kind == OPTION_TEXT)
		snprintf(out, out_len, "%s", field);
	else if (row->kind == OPTION_CHOICE)
		snprintf(out, out_len, "%s", row->choices[*(const int64_t *)field]);
	else
		snprintf(out, out_len, "%" PRId64, *(const int64_t *)field);
}

void
options_row_bounds(const struct option_row *row, char out[OPTION_BOUNDS_MAX])
{
	const size_t out_len = OPTION_BOUNDS_MAX;
	const char *gap = row->unit[0] ? " " : "";

	out[0] = '\0';
	if (row->kind == OPTION_NUMBER)
		snprintf(out, out_len, "%" PRId64 " to %" PRId64 "%s%s", row->min, row->max, gap,
		         row->unit);
	for (size_t i = 0; row->kind == OPTION_CHOICE && row->choices[i] != NULL; i++)
		snprintf(out + strlen(out), out_len - strlen(out), "%s%s", i ? " or " : "",
		         row->choices[i]);
}

void
options_usage(FILE *out)
{
	fputs("usage: spillwayd [--config FILE] [--OPTION VALUE ...]\n\n"
	      "Seeds the torrents of its catalogue; the spillway command tells it what to seed.\n\n"
	      "  --config FILE               read options from FILE, lines of \"option: value\"\n"
	      "  --print-config              print the configuration as such a file, and end\n"
	      "  --print-man                 print the manual page, in roff, and end\n"
	      "  --no-huge                   same as --huge no\n"
	      "  --help, --version\n\nOptions:\n",
	      out);
	for (size_t i = 0; i < option_row_cnt; i++) {
		char flag[NAME_WIDTH * 2], bounds[OPTION_BOUNDS_MAX];

		snprintf(flag, sizeof(flag), "--%s", option_rows[i].name);
		for (char *p = flag; *p != '\0'; p++)
			if (*p == '_')
				*p = '-';
		options_row_bounds(&option_rows[i], bounds);
		fprintf(out, "  %-*s%s\n  %*s%s%s[%s]%s\n", NAME_WIDTH, flag, option_rows[i].help,
		        NAME_WIDTH, "", bounds, bounds[0] ? " " : "", option_rows[i].preset,
		        option_rows[i].scope == LIVE ? " live" : "");
	}
	fputs("\nAn option marked live takes effect when the configuration is read again (HUP, or\n"
	      "spillway reload), the others when spillwayd is started again.\n"
	      "Signals: TERM or INT stop the dataplane and end; QUIT ends and leaves it serving; HUP\n"
	      "reads the configuration again.\n",
	      out);
}

/* needs_quotes is true for text that YAML would not read back as the same plain scalar. */
static bool
needs_quotes(const char *text)
{
	if (strchr("-?:,[]{}#&*!|>'\"%@` ~", text[0]) != NULL)
		return true;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f || *p == '\\' || *p == '"' ||
		    (*p == '#' && p > text && p[-1] == ' ') ||
		    ((p[0] == ':' || p[0] == ' ') && (p[1] == ' ' || p[1] == '\0')))
			return true;
	return false;
}

/* escape_print writes a character that YAML does not read, or takes for the end of a line.
 * Returns its bytes in text, 0 for any other. */
static int
escape_print(const char *text, FILE *out)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < ' ' || p[0] == 0x7f)
		return fprintf(out, "\\x%02x", p[0]) > 0;
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
		fprintf(out, "\\x%02x", p[1]);
		return 2;
	}
	bool breaks = p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
	bool mark = p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
	bool none = p[0] == 0xef && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf);
	if (!breaks && !mark && !none)
		return 0;
	fprintf(out, "\\u%04x", (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u));
	return 3;
}

static void
print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	while (*text != '\0') {
		int len = escape_print(text, out);

		text += len;
		if (len > 0)
			continue;
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text++, out);
	}
	fputc('"', out);
}

void
options_print(const struct options *options, FILE *out)
{
	fputs("# Configuration of spillwayd: lines of \"option: value\".\n"
	      "# This file is what spillwayd --print-config writes. What is marked live takes effect\n"
	      "# when it is read again (spillway reload), the rest when spillwayd is started again.\n",
	      out);
	for (size_t i = 0; i < option_row_cnt; i++) {
		char value[PATH_MAX], bounds[OPTION_BOUNDS_MAX];

		value_text(options, &option_rows[i], value, sizeof(value));
		options_row_bounds(&option_rows[i], bounds);
		fprintf(out, "\n# %s", option_rows[i].help);
		if (bounds[0] != '\0')
			fprintf(out, "\n# %s", bounds);
		if (option_rows[i].scope == LIVE)
			fputs("\n# live", out);
		fprintf(out, "\n%s: ", option_rows[i].name);
		if (option_rows[i].kind == OPTION_TEXT && needs_quotes(value))
			print_quoted(value, out);
		else
			fputs(value, out);
		fputc('\n', out);
	}
}
