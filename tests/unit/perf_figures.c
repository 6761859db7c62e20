/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's figures: quantiles stay within a bucket of the truth, shares are summed up
 * by Jain's index. */
#include "perf/leech_hist.h"
#include "perf/leech_report.h"
#include "perf/leech_tally.h"

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

/* Every quantile beside the exact one of the same values, sorted. */
static void
quantiles_are_those_of_the_values(void **state)
{
	const double wanted[] = {0.01, 0.5, 0.9, 0.99, 0.999, 1.0};
	enum { CNT = 20000 };
	uint64_t *values = calloc(CNT, sizeof(*values));
	struct leech_hist *hist = hist_new();
	uint64_t sum_us = 0;

	(void)state;
	for (uint32_t i = 0; i < CNT; i++) {
		values[i] = (uint64_t)(i + 1) * (i + 1) / 7; /* ascending */
		sum_us += values[i];
		leech_hist_add(hist, values[i]);
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint64_t exact = values[(uint32_t)(wanted[i] * CNT + 0.5) - 1];
		uint64_t got = leech_hist_quantile(hist, wanted[i]);

		assert_true(got >= exact && got <= exact + exact / 64 + 1);
	}
	assert_int_equal(hist->sum_us, sum_us);
	assert_int_equal(leech_hist_quantile(hist, 1.0), values[CNT - 1]);
	free(values);
	free(hist);
}

static void
merging_is_as_good_as_one_histogram(void **state)
{
	struct leech_hist *one = hist_new(), *two = hist_new(), *all = hist_new();

	(void)state;
	for (uint64_t i = 1; i < 5000; i++) {
		leech_hist_add(i % 3 == 0 ? one : two, i * 31);
		leech_hist_add(all, i * 31);
	}
	leech_hist_merge(one, two);
	assert_memory_equal(one, all, sizeof(*one));
	free(one);
	free(two);
	free(all);
}

static void
json_tells_each_bucket_that_has_any(void **state)
{
	struct leech_hist *hist = hist_new();
	char text[500] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	leech_hist_add(hist, 5);
	leech_hist_add(hist, 5);
	leech_hist_add(hist, 1000);
	leech_hist_json(out, hist);
	fclose(out);
	assert_string_equal(text, "{\"cnt\":3,\"mean_us\":336.7,\"p50_us\":5,\"p90_us\":1000,"
				  "\"p99_us\":1000,\"p99_9_us\":1000,\"max_us\":1000,"
				  "\"buckets\":[[5,2],[1007,1]]}");
	free(hist);
}

static void
shares_are_parts_of_an_equal_one(void **state)
{
	uint64_t bytes[4] = {100, 300, 200, 200};
	struct leech_spread spread = leech_spread_of(bytes, 4, 1.0);

	(void)state;
	assert_true(spread.min_share == 0.5 && spread.max_share == 1.5);
	assert_int_equal(leech_spread_of(bytes, 0, 1.0).cnt, 0);
}

static void
counting_begins_anew(void **state)
{
	static struct leech_tally tally;

	(void)state;
	tally.payload_bytes = 5;
	tally.block_cnt = 1;
	tally.closed_cnt = 2;
	tally.last_payload_us = 9;
	leech_hist_add(&tally.last, 7);
	leech_hist_add(&tally.first, 7);
	leech_tally_restart(&tally, 11);
	assert_int_equal(tally.payload_bytes + tally.block_cnt + tally.last_payload_us, 0);
	assert_int_equal(tally.first_request_us, 11);
	assert_int_equal(tally.closed_cnt, 2);
	assert_int_equal(tally.last.cnt + tally.first.cnt, 0);
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
		cmocka_unit_test(quantiles_are_those_of_the_values),
		cmocka_unit_test(merging_is_as_good_as_one_histogram),
		cmocka_unit_test(json_tells_each_bucket_that_has_any),
		cmocka_unit_test(shares_are_parts_of_an_equal_one),
		cmocka_unit_test(counting_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
