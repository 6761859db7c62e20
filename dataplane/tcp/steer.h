/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* steer.h brings together what decides how much and how fast a connection sends: delivery rate,
 * window validation, congestion control, pacing.
 *
 * Threads. The stack's worker. Memory. State lives in the connection.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_STEER_H
#define SPILLWAY_DATAPLANE_TCP_STEER_H

#include "dataplane/tcp/stack.h"

/* steer_start begins with the stack's congestion control; mss and the round trip of the handshake
 * are known. syn_lost: the handshake lost a segment (RFC 5681 3.1). */
void
steer_start(const struct tcp_stack *stack, struct tcb *tcb, bool syn_lost);

/* steer_acked tells of an acknowledgement that brought news; fills ack->rate and
 * ack->lost_bytes. */
void
steer_acked(const struct tcp_stack *stack, struct tcb *tcb, struct cc_ack *ack,
            struct rate_pick *pick);

/* steer_queued is called before data is queued: a connection that has sent all it had, and could
 * send more, has been limited by its owner. */
void
steer_queued(const struct tcp_stack *stack, struct tcb *tcb);

/* steer_resumed is called before data is sent while nothing is in flight. */
void
steer_resumed(const struct tcp_stack *stack, struct tcb *tcb);

#endif
