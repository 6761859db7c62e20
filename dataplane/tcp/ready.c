/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The list of connections that owe something. */
#include "dataplane/tcp/ready.h"

void
ready_add(struct tcp_stack *stack, struct tcb *tcb)
{
	if (tcb->ready)
		return;
	tcb->ready = true;
	tcb->ready_next = NULL;
	tcb->ready_prev = stack->ready_tail;
	if (stack->ready_tail == NULL)
		stack->ready_head = tcb;
	else
		stack->ready_tail->ready_next = tcb;
	stack->ready_tail = tcb;
}

void
ready_remove(struct tcp_stack *stack, struct tcb *tcb)
{
	if (!tcb->ready)
		return;
	if (tcb->ready_prev == NULL)
		stack->ready_head = tcb->ready_next;
	else
		tcb->ready_prev->ready_next = tcb->ready_next;
	if (tcb->ready_next == NULL)
		stack->ready_tail = tcb->ready_prev;
	else
		tcb->ready_next->ready_prev = tcb->ready_prev;
	tcb->ready = false;
}

void
ready_prefetch(const struct tcb *tcb)
{
	const struct tcb *next = tcb->ready_next;

	if (next == NULL)
		return;
	__builtin_prefetch(next->sendq.hint);
	__builtin_prefetch(next->board.tail);
	if (next->ready_next == NULL)
		return;
	__builtin_prefetch(next->ready_next);
	__builtin_prefetch(&next->ready_next->last_send_us);
	__builtin_prefetch(&next->ready_next->path);
	tcb_prefetch(next->ready_next);
}
