/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* open.h opens connections: CLOSED to SYN-SENT to ESTABLISHED, or by way of SYN-RECEIVED when both
 * ends open at once. tcp_connect is in tcp.h.
 *
 * Memory. A connection takes its tcb with tcp_connect and is one of connections_max from then on.
 * Clauses. RFC 9293 3.10.1, 3.10.7.3, 3.5 (figure 7); 5961 3.2; 6056 3.3.3; 7323; 2018; 6528.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_OPEN_H
#define SPILLWAY_DATAPLANE_TCP_OPEN_H

#include "dataplane/tcp/stack.h"

/* open_answer_arrives takes a segment in SYN-SENT: opens, crosses with the peer's own SYN, ends
 * the connection, or resets what acknowledges something else.
 *
 * Returns true when the connection is now ESTABLISHED (TCP_EV_OPEN is set, an ACK is owed). */
bool
open_answer_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

/* open_crossed tells whether a segment is the SYN-ACK of a peer whose SYN crossed with ours: it
 * opens the connection although its number was taken with that SYN. */
bool
open_crossed(const struct tcb *tcb, const struct tcp_seg *seg);

#endif
