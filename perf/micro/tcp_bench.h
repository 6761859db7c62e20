/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_bench.h is connections for measuring the stack without a port: handshakes done, windows
 * full, acknowledgements prepared as bytes, packets thrown away.
 *
 * A round: acknowledge some segments of each connection, hand content in, let packets leave. What
 * is in flight is the peer's window; the congestion window is beyond it.
 * Memory. Payload is never touched: all blocks are one.
 */
#ifndef SPILLWAY_PERF_MICRO_TCP_BENCH_H
#define SPILLWAY_PERF_MICRO_TCP_BENCH_H

#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

enum {
	BENCH_MSS = 1448,
	BENCH_BURST = 64,
	BENCH_ACK_LEN = TCP_HDR_LEN + TCP_OPT_TS_LEN,
	BENCH_L4_MAX = 64,
	BENCH_ROUND_US = 1000,
};

/* struct bench_l4 is the bytes of a segment without data. */
struct bench_l4 {
	uint8_t bytes[BENCH_L4_MAX];
};

struct bench_conn {
	struct tcb *tcb;
	uint32_t una;
	uint32_t nxt;
	uint32_t irs;
	uint32_t ts_offset;
};

struct bench {
	struct tcp_stack *stack;
	struct counters ctr;
	uint64_t now_us;
	uint32_t cnt;              /* connections that are open */
	uint32_t active_cnt;       /* of which so many have content to send ... */
	uint32_t *active;          /* ... in an order of no use to a prefetcher */
	uint32_t window_segs;
	struct bench_conn *conns;
	struct ip_seg *segs;       /* prepared, of ack_cnt acknowledgements */
	struct bench_l4 *l4;
	struct buf_pool *bufs;
	struct buf *block;         /* one reference is the bench's */
	struct pkt_out pkts[BENCH_BURST];
};

/* struct bench_shape is what a bench has. */
struct bench_shape {
	uint32_t open_cnt;         /* connections */
	uint32_t active_cnt;       /* of which so many send, [1, open_cnt] */
	uint32_t window_segs;
	uint32_t ack_cnt;          /* acknowledgements that can be prepared at once */
	uint32_t tso_max;          /* bytes of a packet that a device cuts; 0: it cuts none */
};

/* bench_init opens connections, and fills the windows of those that are active. */
void
bench_init(struct bench *bench, const struct bench_shape *shape);

/* bench_fini ends them. */
void
bench_fini(struct bench *bench);

/* bench_ack_prepare writes, as the acknowledgement at a place, what acknowledges the next segs
 * segments of a connection. */
void
bench_ack_prepare(struct bench *bench, uint32_t place, uint32_t conn, uint32_t segs);

/* bench_ack_give gives the stack cnt prepared acknowledgements at once, from a place on. */
static inline void
bench_ack_give(struct bench *bench, uint32_t place, uint32_t cnt)
{
	uint32_t events;

	tcp_burst_begin(bench->stack, bench->segs + place, cnt, bench->now_us);
	while (tcp_burst_next(bench->stack, &events) != NULL)
		;
}

/* bench_feed hands in content for what may be sent next. */
void
bench_feed(struct bench *bench, uint32_t conn);

/* bench_noted takes the packets in bench->pkts as sent. Returns how many carry data. */
uint32_t
bench_noted(struct bench *bench, uint32_t cnt);

/* bench_tick moves the clock by a round, runs the timers that are due and lets packets leave. */
void
bench_tick(struct bench *bench);

#endif
