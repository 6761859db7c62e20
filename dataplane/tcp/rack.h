/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rack.h detects loss by time (RFC 8985 6): what was sent before something that has arrived, and a
 * reordering window longer ago, is lost; retransmissions too.
 *
 * The window is nothing while no reordering was seen, once three segments have overtaken or
 * recovery runs; else min RTT / 4, times a factor that a needless retransmission raises, at most
 * srtt (6.2 step 4). Where the peer's timestamps tell how late the original came, the factor is
 * raised as far as that at once, else by one in a round.
 *
 * Threads. The stack's worker. Memory. In the connection.
 * Hostile peers. A peer that pretends reordering delays its own repairs by at most srtt; nothing
 * it says lets more be sent.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_RACK_H
#define SPILLWAY_DATAPLANE_TCP_RACK_H

#include "dataplane/tcp/scoreboard.h"

struct ack_news;
struct tcb;
struct tcp_stack;

struct rack {
	struct sent_mark last; /* RACK.xmit_ts, end_seq: the latest transmission that arrived */
	uint32_t rtt_us;       /* its round trip */
	uint32_t fack;         /* where the highest that arrived ends */
	uint32_t round_seq;    /* the window has grown in the round that ends here, ... */
	bool in_round;         /* ... if it runs */
	bool reordering_seen;
	uint8_t reo_mult;      /* [1, RACK_MULT_MAX] */
	uint8_t reo_persist;   /* recoveries until reo_mult is 1 again */
};

/* rack_start readies a connection whose first byte of data has number una. */
void
rack_start(struct rack *rack, uint32_t una);

/* rack_acked learns from what an ACK delivered: RACK.xmit_ts, reordering, D-SACK (6.2 steps 2, 3,
 * 4). */
void
rack_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news);

/* rack_spurious widens the window, once in a round: a retransmission was needless.
 *
 * late_us  how much later than its round trip the original came; 0: not known. */
void
rack_spurious(struct tcb *tcb, uint64_t late_us);

/* rack_recovered notes that a recovery has ended (6.2 step 4). */
void
rack_recovered(struct rack *rack);

/* rack_detect marks what is lost now and sets TCP_DUE_REO for what may be soon (6.2 step 5). */
struct lost
rack_detect(struct tcp_stack *stack, struct tcb *tcb);

/* rack_due_us returns the time at or before which what is not acknowledged was sent, if it is to
 * be taken for lost when the retransmission timer expires (6.3). UINT64_MAX: all of it. */
uint64_t
rack_due_us(const struct tcp_stack *stack, const struct tcb *tcb);

#endif
