/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A value of a log line can neither end its line nor pass for another pair, and is read back. */
#include "control/base/log.h"
#include "control/base/log_sink.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
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
		{"\xc2\x9b" "31m", "\"\\xc2\\x9b31m\""},
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

static void
pairs_are_read_back(void **state)
{
	static const char *const values[] = {
		"plain", "", "two words", "a=b c=d", "say \"x\"", "back\\slash", "line\nid=9",
		"\xc2\x9b", "caf\xc3\xa9", "\x01",
	};
	char line[LOG_LINE_MAX];
	struct log_pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *at = line;

		snprintf(line, sizeof(line), "id=7 name=%s last=x", LOG_QUOTE(values[i]));
		assert_int_equal(log_pair_next(&at, &pair), 1);
		assert_string_equal(pair.key, "id");
		assert_int_equal(log_pair_next(&at, &pair), 1);
		assert_string_equal(pair.key, "name");
		assert_string_equal(pair.value, values[i]);
		assert_int_equal(log_pair_next(&at, &pair), 1);
		assert_string_equal(pair.value, "x");
		assert_int_equal(log_pair_next(&at, &pair), 0);
	}
}

/* Cut or odd lines end; nothing is read beyond them. */
static void
broken_pairs_end(void **state)
{
	static const char *const lines[] = {"", "   ", "word", "=x", "a=\"", "a=\"\\", "a=\"\\x",
	                                    "a=\"\\x1", "a=", "a=\"b\"c=d"};
	struct log_pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *at = lines[i];
		int cnt = 0;

		while (log_pair_next(&at, &pair))
			assert_true(++cnt < 3);
		assert_true(at <= lines[i] + strlen(lines[i]));
	}
}

static void
json_is_one_line(void **state)
{
	char out[4 * LOG_LINE_MAX];
	struct log_entry entry = {
		.level = LOG_LEVEL_WARN,
		.level_name = "warn",
		.time = "2026-08-01T12:00:00.123Z",
		.event = "torrent_added",
		.pairs = "id=7 name=\"a\\x0ab\" raw=\xff",
	};

	(void)state;
	size_t len = log_json(&entry, out, sizeof(out));
	assert_true(len > 0 && len < sizeof(out));
	out[len] = '\0';
	assert_string_equal(out, "{\"time\":\"2026-08-01T12:00:00.123Z\",\"level\":\"warn\","
	                         "\"event\":\"torrent_added\",\"id\":\"7\",\"name\":\"a\\nb\","
	                         "\"raw\":\"?\"}\n");
	assert_int_equal(log_json(&entry, out, 20), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_quoted),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(pairs_are_read_back),
		cmocka_unit_test(broken_pairs_end),
		cmocka_unit_test(json_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
