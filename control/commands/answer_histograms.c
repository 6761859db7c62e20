/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Histograms as JSON. */
#include "control/commands/answer_histograms.h"

#include "control/commands/answer.h"

static json_int_t
number(uint64_t value)
{
	return (json_int_t)(value > INT64_MAX ? INT64_MAX : value);
}

/* most_answer is a bucket's largest value; the last has none. */
static json_t *
most_answer(uint64_t most)
{
	return most > INT64_MAX ? json_null() : json_integer((json_int_t)most);
}

static json_t *
quantile_answer(const struct stats_histogram *histogram, double share)
{
	if (histogram->cnt == 0)
		return json_null();
	return most_answer(stats_histogram_quantile(histogram, share));
}

static json_t *
histogram_answer(const struct stats_histogram *histogram)
{
	const struct abi_histogram_desc *desc = &histogram->desc;
	json_t *buckets = json_array();

	for (uint32_t i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		json_array_append_new(buckets,
		                      json_pack("[o, I]", most_answer(desc->most[i]),
		                                number(histogram->bucket[i])));
	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
	                 "unit", answer_text(desc->unit), "text", answer_text(desc->text),
	                 "count", number(histogram->cnt), "sum", number(histogram->sum),
	                 "p50", quantile_answer(histogram, 0.5),
	                 "p99", quantile_answer(histogram, 0.99),
	                 "p99_9", quantile_answer(histogram, 0.999),
	                 "buckets", buckets);
}

json_t *
answer_histograms(const struct stats *stats)
{
	json_t *histograms = json_object();

	for (uint32_t i = 0; stats != NULL && i < stats_histogram_cnt(stats); i++) {
		struct stats_histogram histogram;

		stats_histogram(stats, i, &histogram);
		json_object_set_new(histograms, histogram.desc.name, histogram_answer(&histogram));
	}
	return histograms;
}
