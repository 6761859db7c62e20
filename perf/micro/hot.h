/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* hot.h is the hot paths by themselves, each as rounds of many operations: same seeds, same work,
 * no time of day, no waiting, so that a round takes the same instructions on every machine.
 *
 * Lifecycle of a path. open; then rounds, each prepare (not measured) and round (measured); close.
 * One path is open at a time: its state is static.
 */
#ifndef SPILLWAY_PERF_MICRO_HOT_H
#define SPILLWAY_PERF_MICRO_HOT_H

#include <stdint.h>

/* What is measured is seen by its symbol: perf/micro/instructions.py counts from the entry of
 * hot_round_* to its return. */
#define HOT_ROUND __attribute__((noinline))

struct hot_path {
	const char *name;
	uint32_t size;             /* given to open: connections, or entries */
	uint32_t rounds;           /* in a benchmark; at most 8192 */
	void (*open)(uint32_t size);
	void (*prepare)(void);     /* NULL: nothing */
	uint32_t (*round)(void);   /* returns how many operations it did, > 0 */
	void (*close)(void);
};

/* Acknowledgements taken in 64 at once from so many connections, in order, of two segments each. */
void
hot_ack_open(uint32_t conns);
void
hot_ack_prepare(void);
uint32_t
hot_round_ack(void);

/* Bursts of 64 segments out, and of 16 packets for the device to cut. */
void
hot_segment_open(uint32_t conns);
void
hot_segment_prepare(void);
uint32_t
hot_round_segment(void);
void
hot_tso_open(uint32_t conns);
void
hot_tso_prepare(void);
uint32_t
hot_round_tso(void);
void
hot_tcp_close(void);

/* Requests of blocks as peers send them, some at once, into the queues of so many peers. */
void
hot_wire_open(uint32_t peers);
void
hot_wire_prepare(void);
uint32_t
hot_round_request(void);
void
hot_wire_close(void);

/* Units of the block cache: found and used, or taken from others that give way. */
void
hot_cache_open(uint32_t units);
uint32_t
hot_round_cache_hit(void);
uint32_t
hot_round_cache_take(void);
void
hot_cache_close(void);

/* Flows found among so many, and flows that are not there. */
void
hot_flow_open(uint32_t flows);
void
hot_flow_prepare(void);
void
hot_flow_none_prepare(void);
uint32_t
hot_round_flow(void);
void
hot_flow_close(void);

#endif
