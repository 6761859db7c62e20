/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The sliding maximum against one that remembers everything. */
#include "dataplane/tcp/winmax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 4000, WINDOW = 10 };

static uint32_t value[STEPS];

static uint32_t
exact(uint32_t step, uint32_t window)
{
	uint32_t most = 0;

	for (uint32_t i = step > window ? step - window : 0; i <= step; i++)
		most = MAX(most, value[i]);
	return most;
}

/* what it tells was in the window, and is never less than the latest or more than there was */
static void
stays_within_the_window(void **state)
{
	struct winmax winmax = {0};
	uint32_t rng = 1;

	(void)state;
	for (uint32_t step = 0; step < STEPS; step++) {
		rng = rng * 1664525 + 1013904223;
		value[step] = rng >> 22;
		winmax_add(&winmax, WINDOW, (uint16_t)(UINT16_MAX - 2000 + step), value[step]);
		assert_true(winmax_get(&winmax) <= exact(step, WINDOW));
		assert_true(winmax_get(&winmax) >= value[step]);
		assert_true(winmax_get(&winmax) >= exact(step, WINDOW / 4 - 1));
	}
}

static void
a_peak_lasts_as_long_as_the_window(void **state)
{
	struct winmax winmax = {0};

	(void)state;
	winmax_add(&winmax, WINDOW, 100, 1000);
	for (uint16_t at = 101; at <= 100 + WINDOW; at++) {
		winmax_add(&winmax, WINDOW, at, 10);
		assert_int_equal(winmax_get(&winmax), 1000);
	}
	winmax_add(&winmax, WINDOW, 101 + WINDOW, 10);
	assert_int_equal(winmax_get(&winmax), 10);
	winmax_add(&winmax, WINDOW, 102 + WINDOW, 11);
	assert_int_equal(winmax_get(&winmax), 11);
}

/* the runner-up is of a later part of the window than the best: it is there when that expires */
static void
the_next_best_follows(void **state)
{
	struct winmax winmax = {0};

	(void)state;
	winmax_add(&winmax, WINDOW, 100, 1000);
	for (uint16_t at = 101; at <= 100 + WINDOW; at++)
		winmax_add(&winmax, WINDOW, at, at == 104 ? 500 : at == 107 ? 300 : 10);
	winmax_add(&winmax, WINDOW, 101 + WINDOW, 10);
	assert_int_equal(winmax_get(&winmax), 500);
	winmax_add(&winmax, WINDOW, 105 + WINDOW, 10);
	assert_int_equal(winmax_get(&winmax), 300);
}

static void
falling_values_are_followed(void **state)
{
	struct winmax winmax = {0};

	(void)state;
	for (uint16_t at = 0; at < 100; at++) {
		winmax_add(&winmax, WINDOW, at, 1000 - at);
		assert_in_range(winmax_get(&winmax), 1000 - at, 1000 - at + WINDOW);
	}
}

static void
a_pause_forgets_all(void **state)
{
	struct winmax winmax = {0};

	(void)state;
	winmax_add(&winmax, WINDOW, 5, 1000);
	winmax_add(&winmax, WINDOW, 8, 900);
	winmax_add(&winmax, WINDOW, 500, 3);
	assert_int_equal(winmax_get(&winmax), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_within_the_window),
		cmocka_unit_test(a_peak_lasts_as_long_as_the_window),
		cmocka_unit_test(the_next_best_follows),
		cmocka_unit_test(falling_values_are_followed),
		cmocka_unit_test(a_pause_forgets_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
