/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* timers.h is the one timer of a connection, set to the earliest of its deadlines.
 *
 * A deadline that moves away leaves the timer where it is: it fires, finds nothing due and is set
 * anew. An acknowledgement therefore costs the wheel nothing.
 * Clauses. RFC 6298 5; 8985 8 (RTO, probe and reordering share it); 9293 3.8.6.1 (persist); 1122
 * 4.2.3.2 (delayed ACK), 4.2.3.5 (R2), 4.2.3.6 (keepalive); 6429.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TIMERS_H
#define SPILLWAY_DATAPLANE_TCP_TIMERS_H

#include "dataplane/tcp/stack.h"

/* tcb_deadline_set sets or moves one deadline. */
void
tcb_deadline_set(struct tcp_stack *stack, struct tcb *tcb, enum tcp_deadline which,
                 uint64_t deadline_us);

/* tcb_deadline_clear takes one deadline away. */
static inline void
tcb_deadline_clear(struct tcb *tcb, enum tcp_deadline which)
{
	tcb->deadline_us[which] = TCP_NEVER;
}

/* tcb_settle brings a connection's timers and its place in the ready list in line with what it
 * owes. Call after anything that changed its queues, its window or its flight. */
void
tcb_settle(struct tcp_stack *stack, struct tcb *tcb);

/* tcb_settle_owing is tcb_settle where it is known whether the connection owes anything, and that
 * its gate of pacing has not opened since. */
void
tcb_settle_owing(struct tcp_stack *stack, struct tcb *tcb, bool owes);

#endif
