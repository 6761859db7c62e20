/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Log-linear buckets: the index is the octave and the next LEECH_HIST_SUB_BITS bits. */
#include "perf/leech_hist.h"

static uint32_t
hist_index(uint64_t value_us)
{
	uint32_t shift, index;

	if (value_us < LEECH_HIST_SUB)
		return (uint32_t)value_us;
	shift = 63u - (uint32_t)__builtin_clzll(value_us) - LEECH_HIST_SUB_BITS;
	if (shift >= LEECH_HIST_OCTAVES)
		return LEECH_HIST_BUCKETS - 1;
	index = (uint32_t)(value_us >> shift) - LEECH_HIST_SUB;
	return (shift + 1) * LEECH_HIST_SUB + index;
}

uint64_t
leech_hist_edge_us(uint32_t index)
{
	uint32_t octave = index / LEECH_HIST_SUB;
	uint64_t sub = index % LEECH_HIST_SUB;

	if (octave == 0)
		return sub;
	return ((sub + LEECH_HIST_SUB + 1) << (octave - 1)) - 1;
}

void
leech_hist_add(struct leech_hist *hist, uint64_t value_us)
{
	hist->cnt++;
	hist->sum_us += value_us;
	hist->bucket[hist_index(value_us)]++;
	if (value_us > hist->max_us)
		hist->max_us = value_us;
}

void
leech_hist_merge(struct leech_hist *hist, const struct leech_hist *other)
{
	uint32_t i;

	hist->cnt += other->cnt;
	hist->sum_us += other->sum_us;
	if (other->max_us > hist->max_us)
		hist->max_us = other->max_us;
	for (i = 0; i < LEECH_HIST_BUCKETS; i++)
		hist->bucket[i] += other->bucket[i];
}

uint64_t
leech_hist_quantile(const struct leech_hist *hist, double q)
{
	uint64_t rank = (uint64_t)(q * (double)hist->cnt + 0.5);
	uint64_t seen = 0;
	uint64_t edge_us;
	uint32_t i;

	if (hist->cnt == 0)
		return 0;
	if (rank == 0)
		rank = 1;
	for (i = 0; i < LEECH_HIST_BUCKETS - 1; i++) {
		seen += hist->bucket[i];
		if (seen >= rank)
			break;
	}
	edge_us = leech_hist_edge_us(i);
	return edge_us < hist->max_us ? edge_us : hist->max_us;
}
