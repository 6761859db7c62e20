/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_hist.h: a histogram of latencies with logarithmic buckets.
 *
 * Values are microseconds. Each power of two is divided into LEECH_HIST_SUB equal buckets, so that
 * a quantile is at most 1/64 (1.6 %) above the true value. Values past the last bucket are held
 * in it. Single thread; no memory beyond the struct.
 */
#ifndef SPILLWAY_PERF_LEECH_HIST_H
#define SPILLWAY_PERF_LEECH_HIST_H

#include <stdint.h>

enum leech_hist_limit {
	LEECH_HIST_SUB_BITS = 6,
	LEECH_HIST_SUB = 1 << LEECH_HIST_SUB_BITS,
	LEECH_HIST_OCTAVES = 27, /* the last bucket begins near 2^32 microseconds */
	LEECH_HIST_BUCKETS = LEECH_HIST_SUB * (LEECH_HIST_OCTAVES + 1),
};

struct leech_hist {
	uint64_t cnt;
	uint64_t sum_us;
	uint64_t max_us;
	uint64_t bucket[LEECH_HIST_BUCKETS];
};

/* leech_hist_add records one value of value_us microseconds. */
void
leech_hist_add(struct leech_hist *hist, uint64_t value_us);

/* leech_hist_merge adds every value of other to hist. */
void
leech_hist_merge(struct leech_hist *hist, const struct leech_hist *other);

/* leech_hist_edge_us gives the largest value that falls into bucket index. */
uint64_t
leech_hist_edge_us(uint32_t index);

/* leech_hist_quantile gives the value below or at which the fraction q of the values lies.
 *
 * q        in [0, 1].
 * Returns microseconds: the upper edge of the bucket that holds it, at most max_us; 0 when the
 * histogram is empty. */
uint64_t
leech_hist_quantile(const struct leech_hist *hist, double q);

#endif
