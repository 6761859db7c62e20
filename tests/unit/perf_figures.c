/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's figures: quantiles stay within a bucket of the truth, shares are summed up
 * by Jain's index. */
#include "perf/leech_hist.h"
#include "perf/leech_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct leech_hist *
hist_new(void)
{
	struct leech_hist *hist = calloc(1, sizeof(*hist));

	assert_non_null(hist);
	return hist;
}

static void
an_empty_histogram_is_zero(void **state)
{
	struct leech_hist *hist = hist_new();

	(void)state;
	assert_int_equal(leech_hist_quantile(hist, 0.5), 0);
	free(hist);
}

static void
small_values_are_exact(void **state)
{
	struct leech_hist *hist = hist_new();
	uint64_t value;

	(void)state;
	for (value = 1; value <= 50; value++)
		leech_hist_add(hist, value);
	assert_int_equal(leech_hist_quantile(hist, 0.5), 25);
	assert_int_equal(leech_hist_quantile(hist, 0.98), 49);
	assert_int_equal(leech_hist_quantile(hist, 1.0), 50);
	assert_int_equal(leech_hist_quantile(hist, 0.0), 1);
	free(hist);
}

static void
a_quantile_is_at_most_one_sub_bucket_above(void **state)
{
	uint64_t value_us;

	(void)state;
	for (value_us = 1; value_us < 1ull << 31; value_us = value_us * 5 / 3 + 1) {
		struct leech_hist *hist = hist_new();
		uint64_t got;

		leech_hist_add(hist, value_us);
		leech_hist_add(hist, value_us * 100);
		got = leech_hist_quantile(hist, 0.5);
		assert_true(got >= value_us);
		assert_true(got - value_us <= value_us / LEECH_HIST_SUB);
		free(hist);
	}
}

static void
values_beyond_the_last_bucket_are_held_in_it(void **state)
{
	struct leech_hist *hist = hist_new();

	(void)state;
	leech_hist_add(hist, 7);
	leech_hist_add(hist, UINT64_MAX);
	assert_int_equal(hist->bucket[LEECH_HIST_BUCKETS - 1], 1);
	assert_int_equal(leech_hist_quantile(hist, 0.5), 7);
	assert_true(leech_hist_quantile(hist, 1.0) > 1ull << 32);
	free(hist);
}

static void
equal_shares_have_index_one(void **state)
{
	uint64_t bytes[4] = {500, 500, 500, 500};
	struct leech_spread spread = leech_spread_of(bytes, 4, 2.0);

	(void)state;
	assert_true(spread.jain > 0.999999 && spread.jain < 1.000001);
	assert_true(spread.median_bytes_per_s == 250.0);
}

static void
one_that_has_all_has_index_one_nth(void **state)
{
	uint64_t bytes[4] = {0, 1000, 0, 0};
	struct leech_spread spread = leech_spread_of(bytes, 4, 1.0);

	(void)state;
	assert_true(spread.jain > 0.249999 && spread.jain < 0.250001);
	assert_true(spread.min_bytes_per_s == 0 && spread.max_bytes_per_s == 1000.0);
	assert_true(spread.median_bytes_per_s == 0);
}

static void
no_payload_has_index_zero(void **state)
{
	uint64_t bytes[2] = {0, 0};

	(void)state;
	assert_true(leech_spread_of(bytes, 2, 1.0).jain == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_histogram_is_zero),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(a_quantile_is_at_most_one_sub_bucket_above),
		cmocka_unit_test(values_beyond_the_last_bucket_are_held_in_it),
		cmocka_unit_test(equal_shares_have_index_one),
		cmocka_unit_test(one_that_has_all_has_index_one_nth),
		cmocka_unit_test(no_payload_has_index_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
