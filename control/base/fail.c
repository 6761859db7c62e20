/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The text of a failure. */
#include "control/base/fail.h"

#include <stdarg.h>
#include <stdio.h>

int
fail_set(struct fail *fail, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(fail->text, sizeof(fail->text), fmt, args);
	va_end(args);
	return -err;
}
