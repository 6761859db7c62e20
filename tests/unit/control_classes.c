/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Classes of torrents: what is read, what is refused, and which congestion control follows. */
#include "control/base/classes.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct classes classes;
static struct fail fail;

static void
classes_are_read(void **state)
{
	(void)state;
	classes.preset = ABI_CONGESTION_CUBIC;
	assert_int_equal(classes_parse(&classes, "bulk=bbr,lan=newreno,a-1_b=cubic", &fail), 0);
	assert_int_equal(classes.cnt, 3);
	assert_int_equal(classes_congestion(&classes, "bulk"), ABI_CONGESTION_BBR);
	assert_int_equal(classes_congestion(&classes, "lan"), ABI_CONGESTION_NEWRENO);
	assert_int_equal(classes_congestion(&classes, "a-1_b"), ABI_CONGESTION_CUBIC);
	assert_int_equal(classes_known_check(&classes, "lan", &fail), 0);
}

static void
what_has_no_class_gets_the_default(void **state)
{
	(void)state;
	assert_int_equal(classes_parse(&classes, "bulk=bbr", &fail), 0);
	classes.preset = ABI_CONGESTION_NEWRENO;
	assert_int_equal(classes_congestion(&classes, ""), ABI_CONGESTION_NEWRENO);
	assert_int_equal(classes_congestion(&classes, "gone"), ABI_CONGESTION_NEWRENO);
	assert_int_equal(classes_congestion(&classes, "bul"), ABI_CONGESTION_NEWRENO);
	assert_int_equal(classes_known_check(&classes, "gone", &fail), -ENOENT);
	assert_non_null(strstr(fail.text, "bulk"));
	assert_int_equal(classes_parse(&classes, "", &fail), 0);
	assert_int_equal(classes.cnt, 0);
	assert_int_equal(classes_known_check(&classes, "bulk", &fail), -ENOENT);
}

static void
nonsense_is_refused(void **state)
{
	static const char *const wrong[] = {
		"bulk", "=", "=bbr", "bulk=", "bulk=reno", "bulk=bbr,", ",bulk=bbr", "a=bbr,,b=bbr",
		"Bulk=bbr", "a b=bbr", "a=bbr, b=bbr", "a=bbr,a=cubic", "a=b=bbr", "a\n=bbr",
		"abcdefghijklmnopqrstuvwxyz012345=bbr", "a=BBR", "a=bbrr", "a=bb", "a=bbr\xc3\xa4",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fail.text[0] = '\0';
		if (classes_parse(&classes, wrong[i], &fail) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
		assert_true(fail.text[0] != '\0');
	}
	assert_int_equal(
		classes_parse(&classes, "abcdefghijklmnopqrstuvwxyz01234=bbr", &fail), 0);
}

static void
too_many_are_refused(void **state)
{
	char text[CLASSES_TEXT_MAX] = "";

	(void)state;
	for (int i = 0; i < CLASSES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sc%d=bbr", i ? "," : "", i);
	assert_int_equal(classes_parse(&classes, text, &fail), 0);
	strcat(text, ",more=bbr");
	assert_int_equal(classes_parse(&classes, text, &fail), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_read),
		cmocka_unit_test(what_has_no_class_gets_the_default),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
