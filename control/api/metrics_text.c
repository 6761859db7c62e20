/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Families and samples as text. */
#include "control/api/metrics_text.h"

#include <inttypes.h>
#include <math.h>

static const char *const kind_names[] = {
	[METRICS_COUNTER] = "counter",
	[METRICS_GAUGE] = "gauge",
	[METRICS_HISTOGRAM] = "histogram",
	[METRICS_INFO] = "info",
};

/* escaped writes text with what would end it escaped; quotes only where it is quoted. */
static void
escaped(FILE *out, const char *text, bool quoted)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || (quoted && *text == '"'))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

void
metrics_family(const struct metrics_text *text, const char *name, enum metrics_kind kind,
               const char *help)
{
	const char *behind = "", *called = kind_names[kind];

	if (!text->open && kind == METRICS_COUNTER)
		behind = "_total";
	if (!text->open && kind == METRICS_INFO) {
		behind = "_info";
		called = "gauge";
	}
	fprintf(text->out, "# HELP spillway_%s%s ", name, behind);
	escaped(text->out, help, text->open);
	fprintf(text->out, "\n# TYPE spillway_%s%s %s\n", name, behind, called);
}

void
metrics_begin(const struct metrics_text *text, const char *name, const char *suffix)
{
	fprintf(text->out, "spillway_%s%s", name, suffix);
}

void
metrics_label(const struct metrics_text *text, bool is_first, const char *name, const char *value)
{
	fprintf(text->out, "%c%s=\"", is_first ? '{' : ',', name);
	escaped(text->out, value, true);
	fputc('"', text->out);
}

void
metrics_value(const struct metrics_text *text, bool has_labels, double value)
{
	fputs(has_labels ? "} " : " ", text->out);
	/* Whole numbers keep every digit: counters of bytes pass what %g shows. */
	if (value == floor(value) && fabs(value) < 9e15)
		fprintf(text->out, "%" PRId64 "\n", (int64_t)value);
	else
		fprintf(text->out, "%.9g\n", value);
}

void
metrics_plain(const struct metrics_text *text, const char *name, enum metrics_kind kind,
              const char *help, double value)
{
	metrics_family(text, name, kind, help);
	metrics_begin(text, name, kind == METRICS_COUNTER ? "_total" : "");
	metrics_value(text, false, value);
}

void
metrics_end(const struct metrics_text *text)
{
	if (text->open)
		fputs("# EOF\n", text->out);
}
