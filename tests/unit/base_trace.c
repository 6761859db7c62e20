/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The trace keeps the last events, sums runs, and says when each was. */
#include "dataplane/base/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct trace trace;
static struct trace_event events[TRACE_EVENTS_MAX];

static int
set_up(void **state)
{
	(void)state;
	memset(&trace, 0xa5, sizeof(trace));
	trace_init(&trace);
	return 0;
}

static void
an_empty_trace_has_nothing(void **state)
{
	(void)state;
	assert_int_equal(trace_read(&trace, events), 0);
}

static void
times_and_values_come_back(void **state)
{
	(void)state;
	trace_add(&trace, TRACE_mss, 1000, 1448, 1200);
	trace_add(&trace, TRACE_timeout, 1000 + 4000000, 2047, 0);
	trace_add(&trace, TRACE_state, 5000000, 3, 4);
	assert_int_equal(trace_read(&trace, events), 3);
	assert_int_equal(events[0].at_us, 1000);
	assert_int_equal(events[0].kind, TRACE_mss);
	assert_int_equal(events[0].a, 1448);
	assert_int_equal(events[0].b, 1200);
	assert_int_equal(events[1].at_us, 4001000);
	assert_int_equal(events[1].a, 2047);
	assert_int_equal(events[2].at_us, 5000000);
}

static void
values_stop_at_the_largest(void **state)
{
	(void)state;
	trace_add(&trace, TRACE_shut, 1, UINT64_MAX, UINT32_MAX + 1ull);
	trace_add(&trace, TRACE_flow, 2, UINT32_MAX - 1u, 5);
	trace_add(&trace, TRACE_flow, 3, UINT64_MAX, 5);
	assert_int_equal(trace_read(&trace, events), 2);
	assert_int_equal(events[0].a, UINT32_MAX);
	assert_int_equal(events[0].b, UINT32_MAX);
	assert_int_equal(events[1].a, UINT32_MAX);
	assert_int_equal(events[1].b, 10);
}

static void
the_oldest_go_first(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3 * TRACE_EVENTS_MAX; i++)
		trace_add(&trace, TRACE_mss, 10 * i + 10, i, 0);
	assert_int_equal(trace_read(&trace, events), TRACE_EVENTS_MAX);
	for (uint32_t i = 0; i < TRACE_EVENTS_MAX; i++) {
		assert_int_equal(events[i].a, 2 * TRACE_EVENTS_MAX + i);
		assert_int_equal(events[i].at_us, 10 * events[i].a + 10);
	}
}

static void
runs_are_summed_until_something_else(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		trace_add(&trace, TRACE_resent, 100 + i, 1448, 1);
		trace_add(&trace, TRACE_duplicate, 100 + i, 0, 1);
	}
	assert_int_equal(trace_read(&trace, events), 2);
	assert_int_equal(events[0].kind, TRACE_resent);
	assert_int_equal(events[0].at_us, 100);
	assert_int_equal(events[0].a, 14480000);
	assert_int_equal(events[0].b, 10000);
	assert_int_equal(events[1].b, 10000);
	trace_add(&trace, TRACE_recovered, 20000, 1, 1);
	trace_add(&trace, TRACE_duplicate, 20001, 7, 1);
	assert_int_equal(trace_read(&trace, events), 4);
	assert_int_equal(events[3].a, 7);
}

static void
every_kind_has_words(void **state)
{
	char text[64];

	(void)state;
	for (uint32_t kind = 0; kind < TRACE_KIND_CNT; kind++) {
		struct trace_event event = {1, UINT32_MAX, UINT32_MAX, kind};

		trace_text(&event, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text) - 1);
		assert_non_null(strstr(text, "4294967295"));
		assert_true(strlen(trace_name(kind)) < 16);
		assert_true(strlen(trace_value_name(kind, 0)) < 16);
		assert_true(strlen(trace_value_name(kind, 1)) < 16);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_trace_has_nothing, set_up),
		cmocka_unit_test_setup(times_and_values_come_back, set_up),
		cmocka_unit_test_setup(values_stop_at_the_largest, set_up),
		cmocka_unit_test_setup(the_oldest_go_first, set_up),
		cmocka_unit_test_setup(runs_are_summed_until_something_else, set_up),
		cmocka_unit_test_setup(every_kind_has_words, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
