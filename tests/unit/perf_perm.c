/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Shuffled orders: every number once, other ones for other keys, the rare before the common. */
#include "perf/leech_perm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CNT_MAX = 3000 };

static const uint32_t cnts[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 64, 1000, 1023, 1025, CNT_MAX};

static void
each_number_comes_once(void **state)
{
	uint8_t seen[CNT_MAX], seen_rarest[CNT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cnts) / sizeof(cnts[0]); i++) {
		memset(seen, 0, sizeof(seen));
		memset(seen_rarest, 0, sizeof(seen_rarest));
		for (uint32_t at = 0; at < cnts[i]; at++) {
			uint32_t plain = leech_perm_at(cnts[i], 42, at);
			uint32_t rarest = leech_perm_rarest(cnts[i], 7, 42, at);

			assert_true(plain < cnts[i] && rarest < cnts[i]);
			assert_int_equal(seen[plain]++, 0);
			assert_int_equal(seen_rarest[rarest]++, 0);
		}
	}
}

static void
the_order_is_shuffled_by_its_key(void **state)
{
	uint32_t in_place = 0, alike = 0;

	(void)state;
	for (uint32_t at = 0; at < CNT_MAX; at++) {
		in_place += leech_perm_at(CNT_MAX, 1, at) == at;
		alike += leech_perm_at(CNT_MAX, 1, at) == leech_perm_at(CNT_MAX, 2, at);
	}
	assert_true(in_place < 20);
	assert_true(alike < 20);
}

/* The pieces of one class are the same for every key, whatever the order within it. */
static void
all_agree_on_what_is_rare(void **state)
{
	const uint32_t cnt = 80, class_cnt = cnt / LEECH_PERM_CLASSES;
	uint32_t differ = 0;

	(void)state;
	for (uint32_t from = 0; from < cnt; from += class_cnt) {
		uint64_t sets[2][2] = {{0}};

		for (uint32_t at = from; at < from + class_cnt; at++) {
			uint32_t a = leech_perm_rarest(cnt, 7, 100, at);
			uint32_t b = leech_perm_rarest(cnt, 7, 200, at);

			sets[0][a / 64] |= 1ull << a % 64;
			sets[1][b / 64] |= 1ull << b % 64;
			differ += a != b;
		}
		assert_memory_equal(sets[0], sets[1], sizeof(sets[0]));
	}
	assert_true(differ > cnt / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_number_comes_once),
		cmocka_unit_test(the_order_is_shuffled_by_its_key),
		cmocka_unit_test(all_agree_on_what_is_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
