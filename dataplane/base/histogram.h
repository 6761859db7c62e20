/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* histogram.h counts times by how long they were: log-linear buckets, four to each power of two, so
 * that a bucket's bounds lie within a quarter of each other; up to 3 us exactly, from 58.7 s on all
 * in the last. To record takes a shift or two and no division.
 *
 *   bucket   0  1  2  3  4  5  6  7   8    9 ...  98               99
 *   us       0  1  2  3  4  5  6  7  8-9 10-11    50331648-...  58720256-
 *
 * Threads. A histogram belongs to one worker, as counters do. */
#ifndef SPILLWAY_DATAPLANE_BASE_HISTOGRAM_H
#define SPILLWAY_DATAPLANE_BASE_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_BUCKETS = 100,
	HISTOGRAM_SPLIT_SHIFT = 2, /* buckets to a power of two, its logarithm */
	HISTOGRAM_BITS = 26,       /* of the values that are told apart */
};

/* struct histogram. Each value is in one bucket, so that their sum is how many there were. */
struct histogram {
	uint64_t sum;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* histogram_bucket returns the bucket of a value, [0, HISTOGRAM_BUCKETS). */
static inline uint32_t
histogram_bucket(uint64_t value)
{
	uint32_t top;

	if (value < 1u << HISTOGRAM_SPLIT_SHIFT)
		return (uint32_t)value;
	if (__builtin_expect(value >> HISTOGRAM_BITS != 0, 0))
		return HISTOGRAM_BUCKETS - 1;
	top = 31 - (uint32_t)__builtin_clz((uint32_t)value) - HISTOGRAM_SPLIT_SHIFT;
	return (top << HISTOGRAM_SPLIT_SHIFT) + (uint32_t)(value >> top);
}

/* histogram_most returns the largest value of a bucket, UINT64_MAX of the last. */
static inline uint64_t
histogram_most(uint32_t bucket)
{
	uint32_t top = (bucket >> HISTOGRAM_SPLIT_SHIFT) - 1;
	uint64_t first = bucket - (top << HISTOGRAM_SPLIT_SHIFT);

	if (bucket < 1u << HISTOGRAM_SPLIT_SHIFT)
		return bucket;
	if (bucket >= HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	return ((first + 1) << top) - 1;
}

/* histogram_record counts a value. */
static inline void
histogram_record(struct histogram *histogram, uint64_t value)
{
	histogram->sum += value;
	histogram->bucket[histogram_bucket(value)]++;
}

#endif
