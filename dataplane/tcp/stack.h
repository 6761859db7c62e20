/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* stack.h is struct tcp_stack, as the files of tcp/ share it, and what they ask of it.
 *
 * Threads. One worker. Memory. Everything is taken by tcp_create.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_STACK_H
#define SPILLWAY_DATAPLANE_TCP_STACK_H

#include "dataplane/tcp/burst.h"
#include "dataplane/tcp/challenge.h"
#include "dataplane/tcp/control.h"
#include "dataplane/tcp/holding.h"
#include "dataplane/tcp/ports.h"
#include "dataplane/tcp/cookie.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/source.h"
#include "dataplane/tcp/tcb.h"
#include "dataplane/tcp/timewait.h"

/* struct reader is what tcp_read has yet to give of the connection last input to. */
struct reader {
	struct tcb *tcb;           /* NULL: nothing */
	const uint8_t *data;       /* the arrived segment's, then out-of-order ones follow */
	uint32_t len;
	uint32_t seq;              /* next to give */
	uint32_t end;              /* all before it is given by tcp_read */
	struct ooo_seg *held;      /* given last */
};

struct tcp_stack {
	uint64_t now_us;           /* of the call that runs, or ran last */
	struct counters *ctr;
	struct tcb *ready_head;    /* connections that may have something to send, in turn */
	struct tcb *ready_tail;
	struct tcb *dead;          /* ended; reported, freed by the next call */
	struct reader reader;
	struct table table;
	struct pool tcbs;
	struct pool entries;       /* struct sendq_entry */
	struct pool records;       /* struct sent */
	struct holdings holdings;
	struct pool ooo;           /* struct ooo_seg */
	uint32_t ooo_hand;         /* as of reasm_insert */
	struct pool traces;        /* struct trace */
	uint32_t half_open_cnt;    /* connections in SYN-RECEIVED */
	uint32_t half_open_max;
	uint32_t open_cnt;         /* connections told to an owner, not yet closed */
	struct sources sources;
	struct cookie_use cookie_use;
	struct challenge challenge;
	struct ports ports;
	struct control control;
	struct timewait timewait;
	struct timer_wheel wheel;
	struct tcp_config config;
	struct tcp_gate gate;
	bool gated;                /* the gate is looked at */
	struct burst burst;        /* that tcp_burst_next goes through */
};

/* tcp_enter begins a call into the stack: sets the time and frees what ended in the last one. */
void
tcp_enter(struct tcp_stack *stack, uint64_t now_us);

/* tcb_count and tcb_uncount note that a connection is now, or no longer, half open or open, in all
 * and of its address. tcb_uncount goes by its state. */
void
tcb_count(struct tcp_stack *stack, const struct tcb *tcb, enum source_kind kind);
void
tcb_uncount(struct tcp_stack *stack, const struct tcb *tcb);

/* tcb_end ends a connection: its queues are given up and it leaves the table. It stays readable
 * until the next call into the stack. tcb->state is TCP_CLOSED afterwards. */
void
tcb_end(struct tcp_stack *stack, struct tcb *tcb);

/* tcb_finish ends a connection and lets its owner know, unless it has none yet. */
void
tcb_finish(struct tcp_stack *stack, struct tcb *tcb, enum counter why);

/* tcb_reset_peer sends RST for a connection that is about to end (RFC 9293 3.10.5). */
void
tcb_reset_peer(struct tcp_stack *stack, const struct tcb *tcb);

/* tcb_challenge answers with an ACK that lets an honest peer find out (RFC 5961 3, 4, 5), within
 * the rate limit. */
void
tcb_challenge(struct tcp_stack *stack, struct tcb *tcb);

/* tcb_read_drop gives up what tcp_read has not given of a connection, counted. */
void
tcb_read_drop(struct tcp_stack *stack, const struct tcb *tcb);

/* tcp_ts_now returns our timestamp clock in ticks of 1024 us, before the connection's offset. */
static inline uint32_t
tcp_ts_now(const struct tcp_stack *stack)
{
	return (uint32_t)(stack->now_us >> 10);
}

/* tcp_seg_key returns the flow that a received segment belongs to. */
static inline struct flow_key
tcp_seg_key(const struct tcp_seg *seg)
{
	return (struct flow_key){
		.remote_be = seg->ip->src_be,
		.local_be = seg->ip->dst_be,
		.remote_port = seg->src_port,
		.local_port = seg->dst_port,
	};
}

/* tcp_offered_mss returns what we announce: what the link takes (RFC 9293 3.7.1). */
static inline uint16_t
tcp_offered_mss(const struct tcp_stack *stack)
{
	return (uint16_t)(stack->config.local.mtu - IPV4_HDR_LEN - TCP_HDR_LEN);
}

/* tcp_offered_wscale returns the shift that lets our window be told in 16 bits, at least 1. */
static inline uint8_t
tcp_offered_wscale(const struct tcp_stack *stack)
{
	uint8_t shift = 1;

	while (stack->config.rcv_wnd_bytes >> shift > 65535)
		shift++;
	return shift;
}

#endif
