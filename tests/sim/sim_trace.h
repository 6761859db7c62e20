/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sim_trace.h writes what the first flow of a world sends and gets: a line for each segment, those
 * that follow each other at the same time in one. Sequence numbers count from the ISN.
 *
 *   ms after the start   > first:end of what leaves (segments)      cwnd, flight, both after it
 *                        < ack, window, SACK blocks of what arrives
 *
 * It is text that a test compares exactly, so no number in it depends on the machine.
 */
#ifndef SPILLWAY_TESTS_SIM_SIM_TRACE_H
#define SPILLWAY_TESTS_SIM_SIM_TRACE_H

#include "tests/sim/net.h"

#include <stdio.h>

struct sim;
struct sim_flow;

/* struct sim_run is segments sent together, not yet written. */
struct sim_run {
	uint64_t at_us;
	uint32_t first;
	uint32_t end;
	uint32_t cnt;              /* 0: none */
	uint32_t cwnd_bytes;
	uint32_t flight_bytes;
	uint8_t flags;
};

/* sim_trace_out and sim_trace_in note a packet that the stack sent, or took. Nothing happens when
 * the world has no trace, or the flow is not the first. */
void
sim_trace_out(struct sim *sim, const struct sim_flow *flow, const struct net_packet *packet);
void
sim_trace_in(struct sim *sim, const struct sim_flow *flow, const struct net_packet *packet);

/* sim_trace_flush writes what is not written yet. */
void
sim_trace_flush(struct sim *sim);

#endif
