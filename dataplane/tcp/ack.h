/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ack.h takes the acknowledgement that a segment carries: the fifth check of RFC 9293 3.10.7.4. */
#ifndef SPILLWAY_DATAPLANE_TCP_ACK_H
#define SPILLWAY_DATAPLANE_TCP_ACK_H

#include "dataplane/tcp/stack.h"

/* ack_acceptable tells whether a segment's ACK is of something sent, and not of long ago
 * (RFC 5961 5). */
bool
ack_acceptable(const struct tcb *tcb, const struct tcp_seg *seg);

/* ack_arrives takes an acceptable ACK: window, scoreboard, queue, RTT, recovery, congestion
 * window, in this order. The connection is not settled (tcb_settle). */
void
ack_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

#endif
