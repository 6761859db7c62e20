/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The buckets of histograms. */
#include "dataplane/base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
buckets_are_those_of_the_table(void **state)
{
	static const struct {
		uint64_t value;
		uint32_t bucket;
	} rows[] = {
		{ 0, 0 }, { 3, 3 }, { 4, 4 }, { 7, 7 }, { 8, 8 }, { 9, 8 }, { 10, 9 }, { 15, 11 },
		{ 16, 12 }, { 1000, 35 }, { 50331647, 97 }, { 50331648, 98 }, { 58720255, 98 },
		{ 58720256, 99 }, { UINT32_MAX, 99 }, { UINT64_C(1) << 32, 99 },
		{ UINT64_C(1) << 40, 99 }, { UINT64_MAX, 99 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(histogram_bucket(rows[i].value), rows[i].bucket);
}

/* Each value is in one bucket, none below that of a smaller one, and a bucket is no wider than a
 * quarter of what it begins with. */
static void
buckets_share_the_values_out(void **state)
{
	(void)state;
	for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t most = histogram_most(i);
		uint64_t next = histogram_most(i + 1);

		assert_int_equal(histogram_bucket(most), i);
		assert_int_equal(histogram_bucket(most + 1), i + 1);
		assert_true(next > most);
		if (i + 2 < HISTOGRAM_BUCKETS)
			assert_true(next - most <= 1 + (most + 1) / 4);
	}
	assert_true(histogram_most(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void
values_are_recorded(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	histogram_record(&histogram, 9);
	histogram_record(&histogram, 8);
	histogram_record(&histogram, UINT64_C(1) << 33);
	assert_int_equal(histogram.sum, (UINT64_C(1) << 33) + 17);
	assert_int_equal(histogram.bucket[8], 2);
	assert_int_equal(histogram.bucket[HISTOGRAM_BUCKETS - 1], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_those_of_the_table),
		cmocka_unit_test(buckets_share_the_values_out),
		cmocka_unit_test(values_are_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
