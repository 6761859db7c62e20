/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_lane.h: some of a run's connections, with what they share: opened when they are due, let
 * go and brought back, counted. A lane is a thread's share of the kernel's sockets, or one queue of
 * a port.
 *
 * Threads. A lane belongs to one thread at a time.
 * Memory. Taken by leech_lane_init; what was seen outlives the run.
 */
#ifndef SPILLWAY_PERF_LEECH_LANE_H
#define SPILLWAY_PERF_LEECH_LANE_H

#include "perf/leech_carrier.h"

struct leech_lane {
	const struct leech_carrier *carrier;
	struct leech_context context;
	struct leech_assembly_pool pool;
	struct leech_tally tally;
	struct leech_due due;
};

/* leech_lane_init fills in a lane whose context has options, torrents, language, conns, conn_cnt,
 * and first; its connections are due one after the other from start_us on, by the ramp.
 *
 * Returns 0 or -ENOMEM; leech_lane_fini in either case. */
int
leech_lane_init(struct leech_lane *lane, const struct leech_carrier *carrier, uint64_t start_us);

/* leech_lane_fini frees what leech_lane_init took. */
void
leech_lane_fini(struct leech_lane *lane);

/* leech_lane_due does what is due: opens, wakes and lets go.
 *
 * Returns 0, or -1 after one clear line on stderr: the run cannot go on. */
int
leech_lane_due(struct leech_lane *lane, uint64_t now_us);

/* leech_lane_restart forgets what came before now_us. */
void
leech_lane_restart(struct leech_lane *lane, uint64_t now_us);

/* leech_lane_is_over tells whether every connection has ended for good. */
bool
leech_lane_is_over(const struct leech_lane *lane);

#endif
