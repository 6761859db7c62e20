/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* JSON as text: what jansson reads of it is what was written. */
#include "control/base/json_text.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
values_are_written(void **state)
{
	static const char wanted[] =
		"{\"id\":-9223372036854775808,\"list\":[\"a\",{},0,true],\"none\":null,\"no\":false,"
		"\"hash\":\"00ff7a\",\"empty\":[]}";
	const uint8_t bytes[] = {0x00, 0xff, 0x7a};
	struct json_text out = {0};

	(void)state;
	json_text_open(&out, NULL, '{');
	json_text_int(&out, "id", INT64_MIN);
	json_text_open(&out, "list", '[');
	json_text_str(&out, NULL, "a");
	json_text_open(&out, NULL, '{');
	json_text_close(&out, '}');
	json_text_int(&out, NULL, 0);
	json_text_bool(&out, NULL, true);
	json_text_close(&out, ']');
	json_text_null(&out, "none");
	json_text_bool(&out, "no", false);
	json_text_hex(&out, "hash", bytes, sizeof(bytes));
	json_text_open(&out, "empty", '[');
	json_text_close(&out, ']');
	json_text_close(&out, '}');
	assert_false(out.failed);
	assert_int_equal(out.len, sizeof(wanted) - 1);
	assert_memory_equal(out.text, wanted, out.len);
	free(out.text);
}

/* string_check writes a text, alone in an array, and reads it again. */
static void
string_check(const char *text, const char *wanted)
{
	struct json_text out = {0};

	json_text_open(&out, NULL, '[');
	json_text_str(&out, NULL, text);
	json_text_close(&out, ']');
	json_t *read = json_loadb(out.text, out.len, 0, NULL);
	assert_non_null(read);
	assert_string_equal(json_string_value(json_array_get(read, 0)), wanted);
	json_decref(read);
	free(out.text);
}

static void
every_text_can_be_read(void **state)
{
	char all[256], text[8192];

	(void)state;
	for (int i = 1; i < 0x80; i++)
		all[i - 1] = (char)i;
	all[0x7f] = '\0';
	string_check(all, all);
	string_check("", "");
	string_check("\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x82", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x82");
	/* cut short, overlong, a surrogate, beyond the last, a lead that is none */
	string_check("a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd");
	string_check("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
	string_check("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	string_check("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	string_check("\xff", "\xef\xbf\xbd");
	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	string_check(text, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written),
		cmocka_unit_test(every_text_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
