/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Lines of a manifest: what is taken, and why what is not. */
#include "control/work/manifest.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
read_line(const char *text, struct manifest_item *item, struct fail *fail)
{
	return manifest_line(text, strlen(text), "/base", item, fail);
}

static void
what_is_not_said_is_preset(void **state)
{
	struct manifest_item item;
	struct fail fail;

	(void)state;
	assert_int_equal(read_line("{\"torrent\":\"a\",\"data\":\"/b\"}", &item, &fail), 1);
	assert_string_equal(item.torrent, "/base/a");
	assert_string_equal(item.data, "/b");
	assert_string_equal(item.labels, "");
	assert_string_equal(item.class_name, "");
	assert_int_equal(item.settings.weight, TORRENT_WEIGHT_PRESET);
	assert_int_equal(item.settings.rate_bytes_per_s, 0);
	assert_false(item.settings.paused || item.settings.super_seed || item.partial);
	manifest_item_free(&item);
	assert_null(item.torrent);
}

static void
all_is_read(void **state)
{
	struct manifest_item item;
	struct fail fail;

	(void)state;
	assert_int_equal(read_line("\t{\"torrent\": \"/t\", \"data\": \"d/e\", \"labels\": [\"z\","
	                           " \"a\", \"z\"], \"class\": \"bulk\", \"partial\": true,"
	                           " \"rate_bytes_per_s\": 1048576, \"weight\": 1000,"
	                           " \"connections_max\": 3, \"paused\": true,"
	                           " \"super_seed\": true} \r",
	                           &item, &fail),
	                 1);
	assert_string_equal(item.data, "/base/d/e");
	assert_string_equal(item.labels, "a,z");
	assert_string_equal(item.class_name, "bulk");
	assert_int_equal(item.settings.rate_bytes_per_s, 1048576);
	assert_int_equal(item.settings.weight, 1000);
	assert_int_equal(item.settings.connections_max, 3);
	assert_true(item.settings.paused && item.settings.super_seed && item.partial);
	manifest_item_free(&item);
}

static void
comments_are_nothing(void **state)
{
	static const char *const nothing[] = {"", " ", "\t\r", "#", "  # {", "#{\"torrent\": 1}"};
	struct manifest_item item;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		assert_int_equal(read_line(nothing[i], &item, &fail), 0);
}

static void
mistakes_are_named(void **state)
{
	static const struct {
		const char *members; /* after torrent and data */
		const char *word;
	} cases[] = {
		{", \"weight\": 1001", "\"weight\""},
		{", \"weight\": 1.5", "\"weight\""},
		{", \"weight\": \"5\"", "\"weight\""},
		{", \"rate_bytes_per_s\": -1", "\"rate_bytes_per_s\""},
		{", \"rate_bytes_per_s\": 99999999999999999999", "JSON"},
		{", \"connections_max\": 1048577", "\"connections_max\""},
		{", \"paused\": null", "\"paused\""},
		{", \"labels\": {}", "\"labels\""},
		{", \"labels\": [null]", "label"},
		{", \"labels\": [\"a,b\"]", "label"},
		{", \"class\": 5", "\"class\""},
		{", \"class\": \"A B\"", "A B"},
		{", \"data\": \"/c\"", "JSON"},
		{", \"lables\": []", "\"lables\" is unknown"},
		{", \"a\\nb\": []", "\"a?b\" is unknown"},
		{", \"labels\": [\"a\\u0000\"]", "JSON"},
	};
	struct manifest_item item;
	struct fail fail;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "{\"torrent\": \"a\", \"data\": \"/b\"%s}",
		         cases[i].members);
		assert_true(read_line(text, &item, &fail) < 0);
		if (strstr(fail.text, cases[i].word) == NULL)
			fail_msg("%s: %s", text, fail.text);
		assert_null(item.torrent);
		assert_null(strchr(fail.text, '\n'));
	}
	assert_int_equal(read_line("{\"torrent\": \"a\"}", &item, &fail), -EINVAL);
	assert_int_equal(read_line("{\"torrent\": \"\", \"data\": \"b\"}", &item, &fail), -EINVAL);
	assert_int_equal(read_line("[1]", &item, &fail), -EINVAL);
	assert_int_equal(manifest_line("{}\0x", 4, "/", &item, &fail), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_is_preset),
		cmocka_unit_test(all_is_read),
		cmocka_unit_test(comments_are_nothing),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
