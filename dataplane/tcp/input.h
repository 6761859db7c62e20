/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* input.h takes one segment through RFC 9293 3.10.7, with a short way for those that are as
 * expected. What its connection owes then is not settled yet.
 *
 * Threads. The stack's worker. Memory. None.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_INPUT_H
#define SPILLWAY_DATAPLANE_TCP_INPUT_H

#include "dataplane/tcp/stack.h"

/* input_expected tells whether a segment is what comes next on a connection where nothing is
 * amiss: in order, acceptable, with nothing but data and an acknowledgement. */
bool
input_expected(const struct tcp_stack *stack, const struct tcb *tcb, const struct tcp_seg *seg);

/* input_arrives takes a segment of a flow, NULL: of none that is known.
 *
 * Returns the connection that has it, to be settled unless it is TCP_CLOSED; its events tell what
 * came of it. NULL: none has it, nothing to settle. */
struct tcb *
input_arrives(struct tcp_stack *stack, struct flow *flow, const struct tcp_seg *seg);

#endif
