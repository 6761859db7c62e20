/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* flood_live.h: the connections that this namespace's kernel has to the target, as an attacker
 * would know them who has guessed all but the sequence numbers. Single thread. */
#ifndef SPILLWAY_PERF_FLOOD_LIVE_H
#define SPILLWAY_PERF_FLOOD_LIVE_H

#include "perf/flood_options.h"
#include "perf/flood_packet.h"

#include <stdbool.h>
#include <stdint.h>

enum flood_live_limit { FLOOD_LIVE_MAX = 256, FLOOD_LIVE_US = 100000 };

struct flood_live {
	const struct flood_options *options;
	uint64_t random;
	uint64_t read_us;   /* when the kernel was last asked */
	uint32_t cnt;
	uint32_t peak_cnt;
	struct flood_tuple tuple[FLOOD_LIVE_MAX];
};

/* flood_live_init knows no connection yet. */
void
flood_live_init(struct flood_live *live, const struct flood_options *options);

/* flood_live_next makes the next packet of a flood at one of the connections, or a SYN that is
 * nobody's; asks the kernel every FLOOD_LIVE_US.
 *
 * Returns false when there is no connection. */
bool
flood_live_next(struct flood_live *live, uint64_t now_us, struct flood_packet *packet);

#endif
