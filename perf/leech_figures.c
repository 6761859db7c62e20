/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Fairness in figures, and histograms in JSON. */
#include "perf/leech_report.h"

#include <inttypes.h>
#include <stdlib.h>

static int
bytes_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

struct leech_spread
leech_spread_of(uint64_t *payload_bytes, uint32_t cnt, double seconds)
{
	struct leech_spread spread = {.cnt = cnt};
	double sum = 0, sum_of_squares = 0;
	uint32_t i;

	if (cnt == 0)
		return spread;
	qsort(payload_bytes, cnt, sizeof(*payload_bytes), bytes_compare);
	for (i = 0; i < cnt; i++) {
		sum += (double)payload_bytes[i];
		sum_of_squares += (double)payload_bytes[i] * (double)payload_bytes[i];
	}
	spread.min_bytes_per_s = (double)payload_bytes[0] / seconds;
	spread.max_bytes_per_s = (double)payload_bytes[cnt - 1] / seconds;
	spread.median_bytes_per_s = ((double)payload_bytes[(cnt - 1) / 2] +
				     (double)payload_bytes[cnt / 2]) / 2 / seconds;
	if (sum == 0)
		return spread;
	spread.min_share = (double)payload_bytes[0] * cnt / sum;
	spread.max_share = (double)payload_bytes[cnt - 1] * cnt / sum;
	spread.jain = sum * sum / (cnt * sum_of_squares);
	return spread;
}

void
leech_hist_json(FILE *out, const struct leech_hist *hist)
{
	const char *comma = "";
	uint32_t i;

	fprintf(out,
		"{\"cnt\":%" PRIu64 ",\"mean_us\":%.1f,\"p50_us\":%" PRIu64 ",\"p90_us\":%" PRIu64
		",\"p99_us\":%" PRIu64 ",\"p99_9_us\":%" PRIu64 ",\"max_us\":%" PRIu64
		",\"buckets\":[",
		hist->cnt, hist->cnt > 0 ? (double)hist->sum_us / (double)hist->cnt : 0.0,
		leech_hist_quantile(hist, 0.50), leech_hist_quantile(hist, 0.90),
		leech_hist_quantile(hist, 0.99), leech_hist_quantile(hist, 0.999), hist->max_us);
	for (i = 0; i < LEECH_HIST_BUCKETS; i++) {
		if (hist->bucket[i] == 0)
			continue;
		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", comma, leech_hist_edge_us(i),
			hist->bucket[i]);
		comma = ",";
	}
	fputs("]}", out);
}
