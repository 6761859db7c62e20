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
	memset(&trace, 0, sizeof(trace));
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

/* a large value is rounded down by less than one part in 1024, a far one kept at its largest */
static void
large_values_keep_their_size(void **state)
{
	const uint64_t values[] = {2048, 2049, 65535, 65536, 16777215, UINT32_MAX, 1ull << 40};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(values); i++) {
		trace_add(&trace, TRACE_shut, 1 + i, values[i], values[i]);
		trace_read(&trace, events);
		assert_true(events[i].a <= values[i]);
		assert_true(values[i] - events[i].a <= values[i] >> 10);
	}
	trace_add(&trace, TRACE_shut, 100, UINT64_MAX, 0);
	assert_int_equal(trace_read(&trace, events), ARRAY_CNT(values) + 1);
	assert_int_equal(events[ARRAY_CNT(values)].a, 2047ull << 31);
}

static void
a_long_silence_keeps_its_length(void **state)
{
	const uint64_t day_us = 24ull * 3600 * 1000 * 1000;

	(void)state;
	trace_add(&trace, TRACE_state, 1000, 3, 4);
	trace_add(&trace, TRACE_state, 1000 + day_us, 4, 7);
	trace_read(&trace, events);
	assert_int_equal(events[1].at_us, 1000 + day_us);
	assert_true(events[0].at_us >= 1000);
	assert_true(events[0].at_us - 1000 <= day_us >> 21);
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

/* Sums are of what was added, not of what the records could keep. */
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
	assert_in_range(events[0].a, 14480000 - (14480000 >> 10), 14480000);
	assert_in_range(events[0].b, 10000 - (10000 >> 10), 10000);
	assert_in_range(events[1].b, 10000 - (10000 >> 10), 10000);
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
		struct trace_event event = {1, kind, UINT64_MAX, UINT64_MAX};

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
		cmocka_unit_test_setup(large_values_keep_their_size, set_up),
		cmocka_unit_test_setup(a_long_silence_keeps_its_length, set_up),
		cmocka_unit_test_setup(the_oldest_go_first, set_up),
		cmocka_unit_test_setup(runs_are_summed_until_something_else, set_up),
		cmocka_unit_test_setup(every_kind_has_words, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
