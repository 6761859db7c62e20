/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* fail.h is how control's functions say what went wrong: a negative errno for the program and one
 * line of text for the operator. */
#ifndef SPILLWAY_CONTROL_BASE_FAIL_H
#define SPILLWAY_CONTROL_BASE_FAIL_H

enum fail_limit {
	FAIL_TEXT_MAX = 512,
};

struct fail {
	char text[FAIL_TEXT_MAX]; /* one line, no newline, NUL-terminated */
};

/* fail_set writes the text (cut to fit, control characters as '?') and returns -err, so that a
 * function can end in "return fail_set(fail, ENOENT, ...)". err > 0. */
int
fail_set(struct fail *fail, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
