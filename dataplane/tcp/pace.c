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

void
pace_follow(struct pace *pace, uint32_t byte_time, uint32_t mss)
{
	uint64_t segment_us = (uint64_t)byte_time * mss >> PACE_SHIFT;
	uint64_t least_us = segment_us < SEGMENT_SLOW_US ? 2 * segment_us : segment_us;
	uint32_t quantum_us = MIN((uint32_t)QUANTUM_US, byte_time >> (PACE_SHIFT - QUANTUM_SHIFT));
	uint32_t burst_us = MIN((uint32_t)BURST_US, byte_time >> (PACE_SHIFT - BURST_SHIFT));

	if (byte_time == pace->byte_time)
		return;
	pace->byte_time = byte_time;
	pace->quantum_us = (uint32_t)MAX(least_us, quantum_us);
	pace->burst_us = MAX(burst_us, pace->quantum_us + 2 * TIMER_TICK_US);
	if (byte_time == 0)
		pace->shut = false;
}
