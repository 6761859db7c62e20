/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* burst.h is the segments of one receive burst on their way in: taken apart together, so that the
 * memory of one is on its way while others are looked at, and had by one connection after the
 * other, each in the order in which its own came.
 *
 *   A1 B1 A2 x A3 B2   ──►   A1 A2 A3 · B1 B2 · x      x: of no connection yet
 *
 * Of acknowledgements of one connection that follow each other, each further on than the one before
 * and all but the last without data, the last stands for all, as if the others had been lost on
 * the way or a receiver had stretched its ACKs (RFC 5681 4.2), with their number, so that growth
 * that counts ACKs is as it would have been. Duplicate ACKs, SACKs, echoes of congestion marks, and
 * whatever arrives while a loss is being repaired, are taken one by one.
 * What a connection owes after its segments is settled once, after its last.
 *
 * Threads. The stack's worker. Memory. In the stack.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_BURST_H
#define SPILLWAY_DATAPLANE_TCP_BURST_H

#include "dataplane/base/limits.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/table.h"

struct burst_seg {
	struct tcp_seg seg;
	struct flow *flow;     /* as the table was when changes were table_changes; NULL: none */
	uint32_t hash;
	uint8_t next;          /* its connection's next one in the burst; 0: none */
	bool follows;          /* it is the next one of another */
};

struct burst {
	uint8_t cnt;           /* [0, BURST_MAX]; dropped segments are none of them */
	uint8_t first;         /* those before it have had their turn, or follow others */
	uint8_t next;          /* of the connection that has its turn; 0: none */
	uint8_t lines_called;          /* those before it have been called for: a connection's ... */
	uint8_t queues_called;         /* ... lines, and its queues' */
	uint32_t table_changes;        /* of the table, when flows were looked up */
	struct burst_seg segs[BURST_MAX];
};
static_assert(BURST_MAX <= UINT8_MAX, "places in a burst are bytes");

/* burst_over tells whether all segments of a burst have had their turn. */
static inline bool
burst_over(const struct burst *burst)
{
	return burst->first == burst->cnt && burst->next == 0;
}

#endif
