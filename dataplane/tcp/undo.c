/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What was spurious, and taking it back. */
#include "dataplane/tcp/undo.h"

#include "dataplane/tcp/recovery.h"

void
undo_begin(struct tcb *tcb, enum undo_kind kind)
{
	tcb->undo = (struct undo){.kind = (uint8_t)kind};
	/* RFC 5682 3 step 1; with timestamps the first ACK tells more surely */
	if (kind == UNDO_RTO && tcb->sack_ok && !tcb->ts_ok)
		tcb->undo.frto = FRTO_FIRST;
}

void
undo_forget(struct tcb *tcb)
{
	tcb->undo.kind = UNDO_NONE;
	tcb->undo.frto = FRTO_OFF;
}

void
undo_recovered(struct tcb *tcb)
{
	tcb->undo.ended = true;
	tcb->undo.until_seq = tcb->snd_nxt;
	tcb->undo.frto = FRTO_OFF;
}

void
undo_sent(struct tcb *tcb, struct tcp_range range, uint64_t now_us)
{
	struct undo *undo = &tcb->undo;

	if (undo->kind == UNDO_NONE)
		return;
	if (undo->first_us == 0) {
		undo->first_us = now_us;
		undo->range = range;
	}
	undo->range.start = seq_min(undo->range.start, range.start);
	undo->range.end = seq_max(undo->range.end, range.end);
	undo->rtx_bytes += range.end - range.start;
}

bool
undo_dsack(const struct tcb *tcb, struct tcp_range block)
{
	const struct undo *undo = &tcb->undo;

	return undo->kind != UNDO_NONE && undo->first_us != 0 &&
	       seq_le(undo->range.start, block.start) && seq_le(block.end, undo->range.end);
}

/* take_back answers a needless recovery (RFC 4015 3.2). */
static void
take_back(struct tcp_stack *stack, struct tcb *tcb, uint64_t late_us, enum counter why)
{
	bool fast = tcb->undo.kind == UNDO_FAST;

	undo_forget(tcb);
	cc_undo(&tcb->cc);
	tcb->backoff = 0;
	if (tcb->phase != TCP_PHASE_OPEN)
		recovery_abandon(tcb);
	if (fast) {                            /* it was reordering */
		tcb->rack.reordering_seen = true;
		rack_spurious(tcb, late_us);
	}
	count(stack->ctr, why);
	why_undone(stack, tcb);
}

/* eifel tells whether snd_una moved over something sent again because the original arrived
 * (RFC 3522 3.2 step 6). *late_us is by how much it was later than others. */
static bool
eifel(const struct tcp_stack *stack, const struct tcb *tcb, const struct ack_news *news,
      uint64_t *late_us)
{
	const struct undo *undo = &tcb->undo;
	uint64_t rtt_us = stack->now_us - news->echo_us;

	if (news->acked_bytes == 0 || news->echo_us == 0 || undo->first_us == 0 ||
	    (news->delivered.head_flags & SENT_AGAIN) == 0 ||
	    news->delivered.head_us < undo->first_us)
		return false;
	*late_us = rtt_us - MIN(rtt_us, (uint64_t)tcb->rack.rtt_us);
	*late_us += *late_us >> 3;
	return news->echo_us >> 10 < undo->first_us >> 10;
}

/* frto is RFC 5682 3, steps 2 and 3. Returns whether the timeout was spurious. */
static bool
frto(struct tcb *tcb, const struct ack_news *news)
{
	struct undo *undo = &tcb->undo;

	if (news->delivered.once && seq_le(news->delivered.once_end, tcb->recover_seq))
		return true;                   /* 3b, or 2 for more than one segment */
	if (news->acked_bytes == 0 && news->delivered.bytes == 0 && !news->duplicate)
		return false;
	if (undo->frto == FRTO_FIRST && news->acked_bytes > 0 && !news->duplicate &&
	    seq_lt(tcb->snd_una, tcb->recover_seq) && tcb_unsent(tcb) > 0 &&
	    seq_gt(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt))
		undo->frto = FRTO_NEW;         /* 2b */
	else
		undo->frto = FRTO_OFF;         /* 2a, 3a */
	return false;
}

void
undo_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	struct undo *undo = &tcb->undo;
	uint64_t late_us = 0;

	if (news->dsack && undo_dsack(tcb, news->dsack_range))
		undo->rtx_bytes -= MIN(undo->rtx_bytes,
		                       news->dsack_range.end - news->dsack_range.start);
	if (!undo->ended && eifel(stack, tcb, news, &late_us))
		take_back(stack, tcb, late_us, CTR_tcp_undo_eifel);
	else if (undo->first_us != 0 && undo->rtx_bytes == 0)
		take_back(stack, tcb, 0, CTR_tcp_undo_dsack);
	else if (undo->frto != FRTO_OFF && frto(tcb, news))
		take_back(stack, tcb, 0, CTR_tcp_undo_frto);
	else if (undo->kind == UNDO_FAST && undo->first_us == 0 &&
	         seq_ge(tcb->snd_una, tcb->recover_seq))
		take_back(stack, tcb, 0, CTR_tcp_undo_unsent);
	else if (undo->ended && seq_gt(tcb->snd_una, undo->until_seq))
		undo_forget(tcb);
}
