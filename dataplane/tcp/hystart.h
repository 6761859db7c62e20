/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* hystart.h ends the first slow start before it overflows the bottleneck's queue: when round trips
 * grow longer, the window grows at a quarter of the pace for some rounds, and then by congestion
 * avoidance; when they grow short again it was a false alarm.
 *
 *      round trips longer by an eighth, 4 to 16 ms           5 rounds
 *   FULL ──────────────────────────────────────────► SLOW ────────────► over
 *     ▲                 shorter than when it began     │
 *     └────────────────────────────────────────────────┘
 *
 * A round lasts until what was sent next when it began is acknowledged.
 *
 * Threads, memory. State lives in the connection.
 * Clauses. RFC 9406. L, the limit on what one ACK counts (4.2), is infinite while the connection
 * is paced, else 8 segments.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_HYSTART_H
#define SPILLWAY_DATAPLANE_TCP_HYSTART_H

#include "dataplane/base/common.h"

struct cc_ack;

enum hystart_phase {
	HYSTART_FULL,          /* standard slow start */
	HYSTART_SLOW,          /* conservative slow start, CSS */
	HYSTART_OVER,
};

struct hystart {
	uint32_t end_seq;      /* windowEnd: the round lasts until it is acknowledged */
	uint32_t last_min_us;  /* lastRoundMinRTT; 0: unknown */
	uint32_t min_us;       /* currentRoundMinRTT; 0: unknown */
	uint32_t baseline_us;  /* cssBaselineMinRtt */
	uint8_t sample_cnt;    /* of the round, [0, 8] */
	uint8_t rounds;        /* of CSS that have ended */
	uint8_t phase;         /* enum hystart_phase */
	bool started;
};

/* hystart_init begins slow start. */
void
hystart_init(struct hystart *hystart);

/* hystart_acked takes an acknowledgement into account. Returns the phase: at HYSTART_OVER ssthresh
 * becomes cwnd. */
enum hystart_phase
hystart_acked(struct hystart *hystart, const struct cc_ack *ack);

/* hystart_growth returns by how much the window grows for bytes that slow start counts. */
static inline uint32_t
hystart_growth(const struct hystart *hystart, uint32_t bytes)
{
	return hystart->phase == HYSTART_SLOW ? bytes / 4 : bytes;     /* CSS_GROWTH_DIVISOR */
}

#endif
