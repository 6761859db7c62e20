/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The timer wheel against a sorted list, over short and long deadlines and random steps. */
#include "dataplane/base/timer_wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMERS = 300 };

static uint64_t rng_state = 42;

static uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void
fires_in_time(void **state)
{
	struct timer_wheel *wheel = malloc(sizeof(*wheel));
	struct timer timer;

	(void)state;
	timer_wheel_init(wheel, 1000);
	timer_init(&timer);
	assert_true(timer_wheel_next_us(wheel) == UINT64_MAX);
	timer_set(wheel, &timer, 5000);
	assert_true(timer_wheel_next_us(wheel) <= 5000 + TIMER_TICK_US);
	assert_null(timer_wheel_expire(wheel, 4999));
	assert_ptr_equal(timer_wheel_expire(wheel, 5000 + TIMER_TICK_US), &timer);
	assert_false(timer_is_set(&timer));
	assert_null(timer_wheel_expire(wheel, 1000000));
	free(wheel);
}

static void
cancel_and_move(void **state)
{
	struct timer_wheel *wheel = malloc(sizeof(*wheel));
	struct timer a, b;

	(void)state;
	timer_wheel_init(wheel, 0);
	timer_init(&a);
	timer_init(&b);
	timer_set(wheel, &a, 100000);
	timer_set(wheel, &b, 200000);
	timer_set(wheel, &a, 300000);
	timer_cancel(wheel, &b);
	timer_cancel(wheel, &b);
	assert_null(timer_wheel_expire(wheel, 299999));
	assert_ptr_equal(timer_wheel_expire(wheel, 300100), &a);
	assert_int_equal(wheel->cnt, 0);
	free(wheel);
}

static uint64_t
some_delay(void)
{
	static const uint64_t reach[] = {200, 20000, 5000000, 900000000, 400000000000ull,
	                                 4000000000000ull};

	return rng() % reach[rng() % 6];
}

/* Each timer fires once, not early, and less than two ticks late, whatever the clock's steps. */
static void
agrees_with_a_list(void **state)
{
	struct timer_wheel *wheel = malloc(sizeof(*wheel));
	struct timer *timers = calloc(TIMERS, sizeof(*timers));
	uint64_t now_us = 123456789;
	uint64_t before_us;
	uint32_t fired = 0;

	(void)state;
	timer_wheel_init(wheel, now_us);
	for (uint32_t i = 0; i < TIMERS; i++)
		timer_set(wheel, &timers[i], now_us + some_delay());
	for (uint32_t turn = 0; turn < 20000 && wheel->cnt > 0; turn++) {
		struct timer *timer;

		before_us = now_us;
		now_us = rng() % 4 == 0 ? timer_wheel_next_us(wheel) : now_us + some_delay() / 50;
		now_us = MAX(now_us, before_us);
		while ((timer = timer_wheel_expire(wheel, now_us)) != NULL) {
			assert_true(timer->deadline_us <= now_us);
			assert_true(timer->deadline_us + 2 * TIMER_TICK_US > before_us);
			fired++;
			if (rng() % 3 == 0 && fired < 5 * TIMERS)
				timer_set(wheel, timer, now_us + some_delay());
		}
		for (uint32_t i = 0; i < TIMERS; i++)
			assert_true(!timer_is_set(&timers[i]) ||
			            timers[i].deadline_us + TIMER_TICK_US > now_us);
	}
	assert_true(fired >= TIMERS);
	free(timers);
	free(wheel);
}

/* The next due time is never later than the earliest deadline. */
static void
next_is_a_lower_bound(void **state)
{
	struct timer_wheel *wheel = malloc(sizeof(*wheel));
	struct timer timer;
	uint64_t now_us = 1;

	(void)state;
	timer_wheel_init(wheel, now_us);
	timer_init(&timer);
	for (uint32_t i = 0; i < 500; i++) {
		uint64_t deadline_us = now_us + rng() % 5000000;

		timer_set(wheel, &timer, deadline_us);
		while (timer_is_set(&timer)) {
			uint64_t next_us = timer_wheel_next_us(wheel);

			assert_true(next_us < deadline_us + TIMER_TICK_US);
			now_us = MAX(now_us, next_us);
			timer_wheel_expire(wheel, now_us);
		}
	}
	free(wheel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_in_time),
		cmocka_unit_test(cancel_and_move),
		cmocka_unit_test(agrees_with_a_list),
		cmocka_unit_test(next_is_a_lower_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
