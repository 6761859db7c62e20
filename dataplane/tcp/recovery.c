/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Loss detection and the phases of recovery. */
#include "dataplane/tcp/recovery.h"

enum { DUP_THRESH = 3 };               /* RFC 5681 3.2, 6675 2 */

void
recovery_start(struct tcb *tcb)
{
	tcb->phase = TCP_PHASE_OPEN;
	tcb->recover_seq = tcb->snd_una - 1;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
}

static void
lose_first(struct tcp_stack *stack, struct tcb *tcb)
{
	if (scoreboard_lose_first(&tcb->board, &stack->records, tcb->mss))
		tcb->again_force = true;       /* RFC 6675 5 (4.3), 6582 3.2 (5): at once */
}

static void
enter_fast(struct tcp_stack *stack, struct tcb *tcb)
{
	tcb->phase = TCP_PHASE_FAST;
	tcb->recover_seq = tcb->snd_nxt;
	cc_lost(&tcb->cc, tcb_flight(tcb));
	tcb->again_force = true;
	count(stack->ctr, CTR_tcp_fast_recoveries);
}

static void
leave(struct tcb *tcb)
{
	if (tcb->phase == TCP_PHASE_FAST)
		tcb->cc.cwnd_bytes = tcb->cc.ssthresh_bytes;
	tcb->cc.after_rto = false;
	tcb->phase = TCP_PHASE_OPEN;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
}

/* note_duplicate counts a duplicate ACK. Without SACK it also tells that one segment left. */
static void
note_duplicate(struct tcb *tcb)
{
	if (tcb->dupack_cnt < DUP_THRESH)
		tcb->dupack_cnt++;
	if (!tcb->sack_ok)
		tcb->dup_bytes = MIN(tcb->dup_bytes + tcb->mss, tcb_flight(tcb));
}

static void
acked_open(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	uint32_t newly_lost = 0;

	if (news->acked_bytes > 0) {
		tcb->dupack_cnt = 0;
		tcb->dup_bytes = 0;
	}
	if (news->duplicate)
		note_duplicate(tcb);
	if (tcb->sack_ok)
		newly_lost = scoreboard_lose_below_sacks(&tcb->board, tcb->mss);
	/* RFC 6582 3.2 (1): without SACK, not for duplicates of what recovery sent again */
	if (newly_lost == 0 && tcb->dupack_cnt == DUP_THRESH &&
	    (tcb->sack_ok || seq_gt(tcb->snd_una, tcb->recover_seq)) &&
	    scoreboard_lose_first(&tcb->board, &stack->records, tcb->mss))
		newly_lost = 1;
	if (newly_lost > 0)
		enter_fast(stack, tcb);
	else if (seq_gt(tcb->snd_una, tcb->recover_seq))
		tcb->recover_seq = tcb->snd_una - 1;   /* keeps it comparable */
}

/* acked_partly: snd_una moved, but not past what was in flight when recovery began. */
static void
acked_partly(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	uint32_t more = news->acked_bytes - MIN(news->acked_bytes, tcb->mss);

	tcb->dup_bytes -= MIN(tcb->dup_bytes, more);
	if (tcb->phase != TCP_PHASE_FAST || tcb->board.head == NULL)
		return;
	/* RFC 6582 3.2: the next hole. With SACK only where something above has arrived, and
	 * not where it was sent again already. */
	if (!tcb->sack_ok ||
	    (tcb->board.sacked_bytes > 0 && (tcb->board.head->flags & SENT_LOST) == 0))
		lose_first(stack, tcb);
}

void
recovery_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	if (tcb->phase == TCP_PHASE_OPEN) {
		acked_open(stack, tcb, news);
		return;
	}
	if (seq_ge(tcb->snd_una, tcb->recover_seq)) {
		leave(tcb);
		return;
	}
	if (news->duplicate)
		note_duplicate(tcb);
	if (tcb->sack_ok)
		scoreboard_lose_below_sacks(&tcb->board, tcb->mss);
	if (news->acked_bytes > 0)
		acked_partly(stack, tcb, news);
}

void
recovery_timed_out(struct tcp_stack *stack, struct tcb *tcb)
{
	/* RFC 5681 3.1: ssthresh is held when the flight timed out before */
	if (tcb->phase != TCP_PHASE_RTO)
		cc_timed_out(&tcb->cc, tcb_flight(tcb));
	tcb->cc.cwnd_bytes = tcb->mss;
	tcb->phase = TCP_PHASE_RTO;
	tcb->recover_seq = tcb->snd_nxt;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
	tcb->again_force = true;
	scoreboard_lose_all(&tcb->board);
	count(stack->ctr, CTR_tcp_rtos);
}
