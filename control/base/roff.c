/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Text for manual pages. */
#include "control/base/roff.h"

#include <stdbool.h>

#define ROFF_DATE "2026-11-28" /* of the pages' last change in kind */

void
roff_text(FILE *out, const char *text)
{
	bool line_begins = true;

	for (; *text != '\0'; text++) {
		if (line_begins && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
		line_begins = *text == '\n';
	}
}

void
roff_title(FILE *out, const char *name, const char *section, const char *kind)
{
	fprintf(out, ".TH %s %s \"%s\" \"Spillway %s\" \"%s\"\n", name, section, ROFF_DATE,
	        SPILLWAY_VERSION, kind);
}
