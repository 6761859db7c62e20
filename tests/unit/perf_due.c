/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's calendar: what is due comes in order of time, each seat once. */
#include "perf/leech_due.h"
#include "perf/leech_rate.h"
#include "perf/leech_torrent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEATS = 200 };

static void
nothing_is_due_at_first(void **state)
{
	struct leech_due due;

	(void)state;
	assert_int_equal(leech_due_init(&due, SEATS), 0);
	assert_true(leech_due_next_us(&due) == LEECH_NEVER);
	leech_due_set(&due, 3, LEECH_NEVER);
	assert_true(leech_due_next_us(&due) == LEECH_NEVER);
	leech_due_fini(&due);
}

/* Seats are set, moved and taken off at random; a plain array says what is right. */
static void
seats_come_in_order_of_time(void **state)
{
	uint64_t at_us[SEATS], least_us;
	struct leech_due due;
	uint32_t i, seat;

	(void)state;
	leech_due_init(&due, SEATS);
	for (i = 0; i < SEATS; i++)
		at_us[i] = LEECH_NEVER;
	for (i = 0; i < 20000; i++) {
		uint64_t random = leech_mix64(i);

		seat = (uint32_t)(random % SEATS);
		at_us[seat] = random % 7 == 0 ? LEECH_NEVER : random >> 40;
		leech_due_set(&due, seat, at_us[seat]);
		for (least_us = LEECH_NEVER, seat = 0; seat < SEATS; seat++)
			least_us = at_us[seat] < least_us ? at_us[seat] : least_us;
		assert_true(leech_due_next_us(&due) == least_us);
		if (i % 3 != 0 || least_us == LEECH_NEVER)
			continue;
		seat = leech_due_pop(&due);
		assert_true(at_us[seat] == least_us);
		at_us[seat] = LEECH_NEVER;
	}
	leech_due_fini(&due);
}

static void
a_rate_is_kept_and_nothing_is_saved_up(void **state)
{
	struct leech_rate rate = {.bytes_per_s = 1000000};

	(void)state;
	leech_rate_take(&rate, 500, 1000);
	assert_int_equal(rate.free_us, 1500);
	leech_rate_take(&rate, 500, 1000);
	assert_int_equal(rate.free_us, 2000);
	leech_rate_take(&rate, 100, 900000);
	assert_int_equal(rate.free_us, 900100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_due_at_first),
		cmocka_unit_test(seats_come_in_order_of_time),
		cmocka_unit_test(a_rate_is_kept_and_nothing_is_saved_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
