/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a rate means for the gate. */
#include "dataplane/tcp/pace.h"

enum {
	QUANTUM_US = 1000,
	QUANTUM_SHIFT = 16,        /* 64 KiB */
	BURST_US = 4000,
	BURST_SHIFT = 18,          /* 256 KiB */
	SEGMENT_SLOW_US = 50000,   /* a segment at a time when it takes longer than that */
};

/* burst_segs returns how many segments of so long each there are in a quantum. */
static uint16_t
burst_segs(const struct pace *pace, uint64_t segment_time)
{
	uint64_t segs_max = pace_segments(pace, UINT16_MAX);

	if (segment_time == 0)
		return (uint16_t)segs_max;
	return (uint16_t)MIN(MAX(((uint64_t)pace->quantum_us << PACE_SHIFT) / segment_time, 1u),
	                     segs_max);
}

void
pace_follow(struct pace *pace, uint32_t byte_time, uint32_t mss)
{
	uint64_t segment_time = (uint64_t)byte_time * mss;
	uint64_t segment_us = segment_time >> PACE_SHIFT;
	uint64_t least_us = segment_us < SEGMENT_SLOW_US ? 2 * segment_us : segment_us;
	uint32_t quantum_us = MIN((uint32_t)QUANTUM_US, byte_time >> (PACE_SHIFT - QUANTUM_SHIFT));
	uint32_t burst_us = MIN((uint32_t)BURST_US, byte_time >> (PACE_SHIFT - BURST_SHIFT));

	if (byte_time == pace->byte_time && mss == pace->mss)
		return;
	if (mss != pace->mss)
		pace->mss_inverse = UINT32_MAX / mss + 1;
	pace->mss = (uint16_t)mss;
	pace->byte_time = byte_time;
	pace->quantum_us = (uint32_t)MAX(least_us, quantum_us);
	pace->burst_us = MAX(burst_us, pace->quantum_us + 2 * TIMER_TICK_US);
	pace->burst_segs = burst_segs(pace, segment_time);
	if (byte_time == 0)
		pace->shut = false;
}
