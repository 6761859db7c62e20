/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Labels of a torrent as one sorted text. */
#include "control/base/labels.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
labels_are_sorted_and_once(void **state)
{
	char labels[LABELS_TEXT_MAX] = "", label[LABEL_MAX];
	struct fail fail;

	(void)state;
	assert_int_equal(labels_add(labels, "linux", &fail), 0);
	assert_int_equal(labels_add(labels, "archive", &fail), 0);
	assert_int_equal(labels_add(labels, "linux", &fail), 0);
	assert_int_equal(labels_add(labels, "linux-live", &fail), 0);
	assert_string_equal(labels, "archive,linux,linux-live");
	assert_true(labels_sound(labels));
	assert_true(labels_have(labels, "linux"));
	assert_false(labels_have(labels, "linu"));
	assert_false(labels_have(labels, "live"));
	const char *p = labels_next(labels, label);
	assert_string_equal(label, "archive");
	p = labels_next(p, label);
	p = labels_next(p, label);
	assert_string_equal(label, "linux-live");
	assert_null(labels_next(p, label));
	labels_remove(labels, "linux");
	labels_remove(labels, "never");
	assert_string_equal(labels, "archive,linux-live");
	labels_remove(labels, "linux-live");
	labels_remove(labels, "archive");
	assert_string_equal(labels, "");
	assert_true(labels_sound(""));
}

static void
bad_labels_are_refused(void **state)
{
	static const char *const bad[] = {"", "a,b", "+a", "-a", " a", "a ", "a\nb", "a\x7f"};
	char labels[LABELS_TEXT_MAX] = "", longest[LABEL_MAX + 1] = "";
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(labels_add(labels, bad[i], &fail), -EINVAL);
	memset(longest, 'x', LABEL_MAX);
	assert_int_equal(labels_add(labels, longest, &fail), -EINVAL);
	assert_string_equal(labels, "");
	for (int i = 0; i < LABELS_MAX; i++) {
		snprintf(longest, sizeof(longest), "%063d", i);
		assert_int_equal(labels_add(labels, longest, &fail), 0);
	}
	assert_true(labels_sound(labels));
	assert_int_equal(labels_add(labels, longest, &fail), 0);
	assert_int_equal(labels_add(labels, "more", &fail), -ENOSPC);
}

static void
unsound_texts_are_known(void **state)
{
	static const char *const bad[] = {",", "a,", ",a", "b,a", "a,a", "a,,b", "a,-b"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(labels_sound(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_sorted_and_once),
		cmocka_unit_test(bad_labels_are_refused),
		cmocka_unit_test(unsound_texts_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
