/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* relay_line.h: one direction of the relay: the packets under way, in the order they are due.
 *
 * Packets come from a pool that both directions share; a line owns those that it was given until
 * relay_line_due hands them out. Frames that are neither IPv4 nor IPv6 (ARP) only take the delay.
 * All memory is taken by relay_line_init. Single thread.
 */
#ifndef SPILLWAY_PERF_RELAY_LINE_H
#define SPILLWAY_PERF_RELAY_LINE_H

#include "perf/leech_hist.h"
#include "perf/relay_path.h"

#include <stdint.h>

enum relay_line_limit {
	RELAY_FRAME_BYTES_MAX = 2032,
	RELAY_HELD_MAX = 64,  /* packets held back for reordering at once */
	RELAY_HOLD_MS = 100,  /* a held packet that nothing follows goes after so long */
	RELAY_LATE_US = 100,  /* departures later than this are reported as late */
};

struct relay_packet {
	uint64_t arrival_ns;
	uint32_t frame_bytes;
	uint32_t unused;
	uint8_t frame[RELAY_FRAME_BYTES_MAX];
};

/* struct relay_pool holds the packets that no line owns. */
struct relay_pool {
	struct relay_packet *packets;
	struct relay_packet **free;
	uint32_t free_cnt;
	uint32_t cnt;
};

struct relay_due {
	uint64_t due_ns;
	uint64_t order; /* of arrival, among equals */
	struct relay_packet *packet;
};

struct relay_held {
	uint64_t until_ns;
	uint64_t later_cnt; /* that must still pass it */
	struct relay_packet *packet;
};

/* struct relay_tally is what a line has seen. */
struct relay_tally {
	uint64_t taken_cnt;
	uint64_t taken_bytes;
	uint64_t sent_cnt;
	uint64_t sent_bytes;
	uint64_t verdict_cnt[RELAY_VERDICT_CNT];
	uint64_t marked_cnt;
	uint64_t duplicated_cnt;
	uint64_t held_cnt;
	uint64_t not_held_cnt;  /* to be held, but RELAY_HELD_MAX were */
	uint64_t no_memory_cnt; /* dropped: the pool was empty */
	uint64_t not_sent_cnt;  /* dropped: the interface took no more */
	uint64_t late_cnt;      /* left more than RELAY_LATE_US after they were due */
	struct leech_hist late; /* microseconds after due, of all that left */
};

struct relay_line {
	struct relay_path path;
	struct relay_pool *pool;
	struct relay_due *heap; /* the next due first */
	uint32_t heap_cnt;
	uint32_t held_cnt;
	uint64_t order;
	struct relay_held held[RELAY_HELD_MAX];
	struct relay_tally tally;
};

/* relay_pool_init takes memory for cnt packets. Returns 0, or -1 when there is none. */
int
relay_pool_init(struct relay_pool *pool, uint32_t cnt);

/* relay_pool_fini gives it back; no line may use it afterwards. */
void
relay_pool_fini(struct relay_pool *pool);

/* relay_pool_take gives a packet, or NULL when all are under way. */
struct relay_packet *
relay_pool_take(struct relay_pool *pool);

/* relay_pool_give returns a packet to the pool. */
void
relay_pool_give(struct relay_pool *pool, struct relay_packet *packet);

/* relay_line_init prepares an empty line over an initialised pool.
 *
 * Returns 0, or -1 when there is no memory. */
int
relay_line_init(struct relay_line *line, struct relay_pool *pool,
		const struct relay_path_options *options, uint64_t seed);

/* relay_line_fini frees the line; what was under way is lost. */
void
relay_line_fini(struct relay_line *line);

/* relay_line_add gives the line a packet that arrived: it will be due, or is dropped now. */
void
relay_line_add(struct relay_line *line, struct relay_packet *packet);

/* relay_line_due takes out packets that are due, soonest first.
 *
 * packets  out, [0, max); the caller gives each back to the pool.
 * Returns their number. */
uint32_t
relay_line_due(struct relay_line *line, uint64_t now_ns, struct relay_packet **packets,
	       uint32_t max);

/* relay_line_next_ns is when the next packet is due, UINT64_MAX when none is under way. */
uint64_t
relay_line_next_ns(const struct relay_line *line);

#endif
