/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The end of a program that found itself wrong. */
#include "dataplane/base/common.h"

#include <stdio.h>
#include <stdlib.h>

void
dp_assert_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
	abort();
}
