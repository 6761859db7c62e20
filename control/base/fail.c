/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The text of a failure. */
#include "control/base/fail.h"

#include <stdarg.h>
#include <stdio.h>

/* controls_hide makes '?' of what a terminal would obey: texts quote what anybody wrote. */
static void
controls_hide(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* U+0080 to U+009F */
			p[0] = p[1] = '?';
}

int
fail_set(struct fail *fail, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(fail->text, sizeof(fail->text), fmt, args);
	va_end(args);
	controls_hide(fail->text);
	return -err;
}
