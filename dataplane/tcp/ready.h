/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ready.h is the list of connections that owe something, in the order of their turns.
 *
 * Threads. The stack's worker. Memory. None; the list goes through the connections.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_READY_H
#define SPILLWAY_DATAPLANE_TCP_READY_H

#include "dataplane/tcp/stack.h"

/* ready_add puts a connection at the end of the ready list, unless it is in it. */
void
ready_add(struct tcp_stack *stack, struct tcb *tcb);

/* ready_remove takes a connection out of the ready list, if it is in it. */
void
ready_remove(struct tcp_stack *stack, struct tcb *tcb);

/* ready_prefetch calls for what the next two connections of the round look at: the second's own
 * lines, and where the first's lead, which were called for a turn ago. */
void
ready_prefetch(const struct tcb *tcb);

#endif
