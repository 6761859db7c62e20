/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* listen.h makes connections: LISTEN to SYN-RECEIVED to ESTABLISHED.
 *
 * Memory. A connection takes its tcb with the SYN; at most half_open_max wait for their ACK; the
 * oldest of them makes room for a new one, so that SYNs that nobody completes keep no one out.
 * Clauses. RFC 9293 3.10.7.2, 3.10.7.4 (SYN-RECEIVED), 3.7.1 (MSS); 7323; 2018; 6528.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_LISTEN_H
#define SPILLWAY_DATAPLANE_TCP_LISTEN_H

#include "dataplane/tcp/stack.h"

/* listen_syn makes a connection in SYN-RECEIVED and owes it a SYN-ACK, or drops the SYN, counted,
 * when connections_max are open. When half_open_max are in SYN-RECEIVED the oldest ends,
 * counted. */
void
listen_syn(struct tcp_stack *stack, const struct tcp_seg *seg);

/* listen_remove takes a connection that is about to leave SYN-RECEIVED from those that wait. */
void
listen_remove(struct tcp_stack *stack, struct tcb *tcb);

/* listen_ack takes the ACK of a segment in SYN-RECEIVED.
 *
 * Returns true when the connection is now ESTABLISHED (TCP_EV_OPEN is set); false when the
 * segment needs no more: the ACK was of something else, answered by a reset, or there are too
 * many connections. */
bool
listen_ack(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

#endif
