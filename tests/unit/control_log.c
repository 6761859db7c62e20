/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A value of a log line can neither end its line nor pass for another pair. */
#include "control/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void
values_are_quoted(void **state)
{
	static const struct {
		const char *text, *quoted;
	} cases[] = {
		{"plain", "plain"},
		{"/a/b.bin", "/a/b.bin"},
		{"", "\"\""},
		{NULL, "\"\""},
		{"two words", "\"two words\""},
		{"a=b", "\"a=b\""},
		{"say \"x\"", "\"say \\\"x\\\"\""},
		{"back\\slash", "\"back\\\\slash\""},
		{"line\nlevel=error", "\"line\\x0alevel=error\""},
		{"\033[31m", "\"\\x1b[31m\""},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(LOG_QUOTE(cases[i].text), cases[i].quoted);
}

static void
long_values_are_cut(void **state)
{
	char text[2 * LOG_VALUE_MAX];

	(void)state;
	for (int fill = 1; fill < 256; fill += 17) {
		memset(text, fill, sizeof(text));
		text[sizeof(text) - 1] = '\0';
		const char *quoted = LOG_QUOTE(text);
		assert_true(strlen(quoted) < LOG_VALUE_MAX);
		assert_null(strchr(quoted, '\n'));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_quoted),
		cmocka_unit_test(long_values_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
