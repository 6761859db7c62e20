/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* listen.h makes connections: LISTEN to SYN-RECEIVED to ESTABLISHED. What an active open does as
 * well is here too.
 *
 * Memory. A connection takes its tcb with the SYN while fewer than half_open_max wait for their
 * ACK, and fewer than TCP_SOURCE_HALF_OPEN_MAX of its address. Beyond that SYNs are answered with
 * cookies (cookie.h), which cost nothing until they come back: those that wait already stay, and
 * SYNs that nobody completes keep no one out.
 * Clauses. RFC 9293 3.10.7.2, 3.10.7.4 (SYN-RECEIVED), 3.7.1 (MSS); 7323; 2018; 6528; 4987 3.6.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_LISTEN_H
#define SPILLWAY_DATAPLANE_TCP_LISTEN_H

#include "dataplane/tcp/stack.h"

/* listen_syn makes a connection in SYN-RECEIVED and owes it a SYN-ACK, or answers with a cookie;
 * or drops the SYN, counted, when connections_max are open, or source_max of its address, or the
 * gate is shut to it. A cookie that was sent before that is still good.
 *
 * beyond  our SND.NXT of the connection of the same flow that has just left TIME-WAIT, NULL when
 *         there was none: our new numbers begin above it (RFC 1122 4.2.2.13), a cookie's do not. */
void
listen_syn(struct tcp_stack *stack, const struct tcp_seg *seg, const uint32_t *beyond);

/* listen_cookie takes a segment with ACK that no connection waits for.
 *
 * stray  what it is counted as when no cookie is under way.
 * Returns the connection, in SYN-RECEIVED, that the cookie in it stood for: the segment is to be
 * taken through it. NULL when there is none, or no room: answered with RST, counted. */
struct tcb *
listen_cookie(struct tcp_stack *stack, const struct tcp_seg *seg, enum counter stray);
/* tcb_start makes a tcb of undefined contents a connection in CLOSED, in the table, with its
 * initial sequence number iss. */
void
tcb_start(struct tcp_stack *stack, struct tcb *tcb, const struct flow_key *key, uint32_t iss);

/* tcb_take_syn takes what the peer's SYN says: its number irs, its window, and its options, which
 * leave no more of ours than the peer has too. */
void
tcb_take_syn(struct tcp_stack *stack, struct tcb *tcb, uint32_t irs, uint16_t wnd,
             const struct tcp_options *opt);

/* tcb_establish readies a connection for data and moves it to ESTABLISHED; TCP_EV_OPEN is set.
 * seg is the segment that acknowledges our SYN. */
void
tcb_establish(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

/* listen_ack takes the ACK of a segment in SYN-RECEIVED.
 *
 * Returns true when the connection is now ESTABLISHED (TCP_EV_OPEN is set); false when the
 * segment needs no more: the ACK was of something else, answered by a reset, or there are too
 * many connections, in all or of its address. */
bool
listen_ack(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

#endif
