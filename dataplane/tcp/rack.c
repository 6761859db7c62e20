/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Loss detection by time. */
#include "dataplane/tcp/rack.h"

#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/timers.h"

enum {
	RACK_MULT_MAX = 64,
	RACK_PERSIST = 16,         /* 6.2 step 4, RACK.reo_wnd_persist */
};

void
rack_start(struct rack *rack, uint32_t una)
{
	*rack = (struct rack){.fack = una, .reo_mult = 1};
}

/* reo_wnd_us returns the reordering window (6.2 step 4). */
static uint64_t
reo_wnd_us(const struct tcb *tcb)
{
	const struct rack *rack = &tcb->rack;
	uint64_t wnd_us = (uint64_t)(rtt_min_us(tcb) >> 2) * rack->reo_mult;

	if (!rack->reordering_seen &&
	    (tcb->phase != TCP_PHASE_OPEN || tcb->dupack_cnt >= TCP_DUP_THRESH ||
	     tcb->board.sacked_bytes > (TCP_DUP_THRESH - 1) * (uint32_t)tcb->mss))
		return 0;
	return MIN(wnd_us, (uint64_t)tcb->srtt_us);
}

void
rack_spurious(struct tcb *tcb, uint64_t late_us)
{
	struct rack *rack = &tcb->rack;
	uint32_t unit_us = rtt_min_us(tcb) >> 2;

	if (rack->in_round)
		return;
	rack->in_round = true;
	rack->round_seq = tcb->snd_nxt;
	rack->reo_persist = RACK_PERSIST;
	if (rack->reo_mult < RACK_MULT_MAX)
		rack->reo_mult++;
	while (rack->reo_mult < RACK_MULT_MAX && (uint64_t)unit_us * rack->reo_mult < late_us)
		rack->reo_mult++;
}

void
rack_recovered(struct rack *rack)
{
	if (rack->reo_persist > 0 && --rack->reo_persist == 0)
		rack->reo_mult = 1;
}

void
rack_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	const struct delivered *delivered = &news->delivered;
	struct rack *rack = &tcb->rack;

	if (rack->in_round && seq_ge(tcb->snd_una, rack->round_seq))
		rack->in_round = false;
	if (news->dsack && !news->dsack_probe)
		rack_spurious(tcb, 0);
	if (delivered->bytes == 0)
		return;
	if (delivered->last.us != 0)                   /* step 2 */
		rack->rtt_us = (uint32_t)MIN(stack->now_us - delivered->last.us,
		                             (uint64_t)TCP_RTO_MAX_US);
	if (sent_after(delivered->last, rack->last))
		rack->last = delivered->last;
	if (delivered->once && seq_lt(delivered->once_end, rack->fack)) {      /* step 3 */
		rack->reordering_seen = true;
		count(stack->ctr, CTR_tcp_reorderings);
	}
	rack->fack = seq_max(rack->fack, delivered->high_end);
}

struct lost
rack_detect(struct tcp_stack *stack, struct tcb *tcb)
{
	struct rack *rack = &tcb->rack;
	struct lost lost = {0};
	uint64_t window_us;

	if (tcb->board.oldest == NULL || tcb->board.oldest->sent_us > rack->last.us) {
		tcb_deadline_clear(tcb, TCP_DUE_REO);
		return lost;
	}
	window_us = rack->rtt_us + reo_wnd_us(tcb);
	scoreboard_lose_late(&tcb->board, rack->last, stack->now_us - window_us, &lost);
	count_add(stack->ctr, CTR_tcp_rack_lost, lost.bytes);
	if (lost.wait_us == 0)
		tcb_deadline_clear(tcb, TCP_DUE_REO);
	else
		tcb_deadline_set(stack, tcb, TCP_DUE_REO,
		                 MAX(lost.wait_us + window_us, stack->now_us + TCP_REO_MIN_US));
	return lost;
}

uint64_t
rack_due_us(const struct tcp_stack *stack, const struct tcb *tcb)
{
	if (!tcb->sack_ok || tcb->rack.last.us == 0)
		return UINT64_MAX;
	return stack->now_us - tcb->rack.rtt_us - reo_wnd_us(tcb);
}
