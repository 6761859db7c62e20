/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Who holds how much, and the owner's calls that give up and refill. */
#include "dataplane/tcp/holding.h"

#include "dataplane/tcp/stack.h"
#include "dataplane/tcp/timers.h"

#include <errno.h>
#include <string.h>

enum {
	GIVE_ONCE = 16,        /* references of one connection before its rank is looked at again */
	RANK_SHIFT = 13,       /* rank 1 is below 8 KiB */
};

int
holdings_init(struct holdings *holdings, uint32_t connections_max)
{
	return pool_init(&holdings->pool, sizeof(struct holding),
	                 MIN(connections_max, (uint32_t)TCP_HOLDINGS));
}

/* ---- the lists */

static void
rank_leave(struct holdings *holdings, struct holding *hold)
{
	uint32_t rank = hold->rank;

	if (rank == 0)
		return;
	if (hold->prev != NULL)
		hold->prev->next = hold->next;
	else
		holdings->first[rank] = hold->next;
	if (hold->next != NULL)
		hold->next->prev = hold->prev;
	else
		holdings->last[rank] = hold->prev;
	hold->rank = 0;
}

static void
rank_enter(struct holdings *holdings, struct holding *hold, uint32_t rank)
{
	hold->rank = (uint8_t)rank;
	hold->next = NULL;
	hold->prev = holdings->last[rank];
	if (hold->prev != NULL)
		hold->prev->next = hold;
	else
		holdings->first[rank] = hold;
	holdings->last[rank] = hold;
}

static uint32_t
rank_of(uint32_t held_bytes)
{
	uint32_t units = held_bytes >> RANK_SHIFT;
	uint32_t bits = units == 0 ? 0 : 32 - (uint32_t)__builtin_clz(units);

	return held_bytes == 0 ? 0 : MIN(1 + bits, (uint32_t)HOLDING_RANKS - 1);
}

static void
rank_settle(struct holdings *holdings, struct holding *hold)
{
	uint32_t rank = rank_of(hold->held_bytes);

	if (LIKELY(rank == hold->rank))
		return;
	rank_leave(holdings, hold);
	if (rank > 0)
		rank_enter(holdings, hold, rank);
}

static void
want_enter(struct holdings *holdings, struct holding *hold)
{
	hold->told_due = true;
	hold->want_next = NULL;
	hold->want_prev = holdings->want_last;
	if (hold->want_prev != NULL)
		hold->want_prev->want_next = hold;
	else
		holdings->want_first = hold;
	holdings->want_last = hold;
}

static void
want_leave(struct holdings *holdings, struct holding *hold)
{
	if (!hold->told_due)
		return;
	if (hold->want_prev != NULL)
		hold->want_prev->want_next = hold->want_next;
	else
		holdings->want_first = hold->want_next;
	if (hold->want_next != NULL)
		hold->want_next->want_prev = hold->want_prev;
	else
		holdings->want_last = hold->want_prev;
	hold->told_due = false;
}

/* ---- a connection's record */

void
holding_open(struct holdings *holdings, struct tcb *tcb)
{
	struct holding *hold;

	if (LIKELY(tcb->sendq.hold != NULL))
		return;
	hold = pool_get(&holdings->pool);
	if (hold == NULL)
		return;
	memset(hold, 0, sizeof(*hold));
	hold->tcb = tcb;
	tcb->sendq.hold = hold;
}

void
holding_close(struct holdings *holdings, struct sendq *queue)
{
	struct holding *hold = queue->hold;

	if (hold == NULL)
		return;
	dp_assert(queue->head == NULL && hold->held_bytes == 0 && queue->given_cnt == 0);
	rank_leave(holdings, hold);
	want_leave(holdings, hold);
	queue->hold = NULL;
	pool_put(&holdings->pool, hold);
}

void
holding_settle(struct holdings *holdings, struct sendq *queue)
{
	struct holding *hold = queue->hold;

	if (queue->head == NULL) {
		holding_close(holdings, queue);
		return;
	}
	rank_settle(holdings, hold);
	if (UNLIKELY(queue->given_cnt > 0) && hold->wanted != NULL &&
	    hold->wanted != hold->asked && !hold->told_due)
		want_enter(holdings, hold);
}

/* ---- the owner's calls */

uint32_t
tcp_give_up(struct tcp_stack *stack, uint32_t max)
{
	struct holdings *holdings = &stack->holdings;
	uint32_t steps = TCP_GIVE_STEPS;
	uint32_t rank = HOLDING_RANKS - 1;
	uint32_t cnt = 0;

	while (cnt < max && steps > 0 && rank > 0) {
		struct holding *hold = holdings->first[rank];

		if (hold == NULL) {
			rank--;
			continue;
		}
		cnt += sendq_give_up(&hold->tcb->sendq, hold->tcb->snd_nxt,
		                     MIN(max - cnt, (uint32_t)GIVE_ONCE), &steps);
		rank_leave(holdings, hold);
		if (hold->held_bytes > 0)
			rank_enter(holdings, hold, rank_of(hold->held_bytes));
	}
	count_add(stack->ctr, CTR_tcp_given_up, cnt);
	return cnt;
}

uint32_t
tcp_give_up_unsent(struct tcp_stack *stack, struct tcb *tcb)
{
	uint32_t steps = TCP_SEND_ENTRIES_MAX;
	uint32_t cnt;

	if (tcb->state == TCP_CLOSED || tcb->sendq.hold == NULL)
		return 0;
	cnt = sendq_give_up_unsent(&tcb->sendq, tcb->snd_nxt, UINT32_MAX, &steps);
	count_add(stack->ctr, CTR_tcp_given_up, cnt);
	tcb_settle(stack, tcb);
	return cnt;
}

uint32_t
tcp_missing(struct tcp_stack *stack, struct tcp_missing *missing, uint32_t max)
{
	struct holding *hold;
	uint32_t cnt = 0;

	while (cnt < max && (hold = stack->holdings.want_first) != NULL) {
		struct sendq_entry *entry = hold->wanted;

		want_leave(&stack->holdings, hold);
		if (entry == NULL || entry == hold->asked || !(entry->flags & SENDQ_GIVEN))
			continue;
		hold->asked = entry;
		missing[cnt].tcb = hold->tcb;
		missing[cnt].seq = entry->seq;
		missing[cnt].len = entry->len;
		missing[cnt++].origin = entry->origin;
	}
	return cnt;
}

int
tcp_refill(struct tcp_stack *stack, struct tcb *tcb, uint32_t seq, const struct span *spans,
           uint32_t cnt)
{
	bool waits;
	int err;

	if (tcb->state == TCP_CLOSED)
		return -ENOENT;
	waits = holding_waits(&tcb->sendq, tcb->snd_nxt);
	err = sendq_refill(&tcb->sendq, &stack->entries, seq, spans, cnt);
	if (err == 0 && waits)
		tcb_deadline_clear(tcb, TCP_DUE_RTO);  /* it runs from when the bytes leave */
	tcb_settle(stack, tcb);
	return err;
}
