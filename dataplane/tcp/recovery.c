/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The phases of recovery, and loss detection where the peer has no SACK. */
#include "dataplane/tcp/recovery.h"

#include "dataplane/tcp/timers.h"

void
recovery_start(struct tcb *tcb)
{
	tcb->phase = TCP_PHASE_OPEN;
	tcb->recover_seq = tcb->snd_una - 1;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
	rack_start(&tcb->rack, tcb->snd_una);
}

/* ---- into recovery and out */

/* reduce answers a congestion event in FAST; recover_bytes is RecoverFS (RFC 9937 6.1). */
static void
reduce(struct tcp_stack *stack, struct tcb *tcb, uint32_t recover_bytes)
{
	tcb->recover_seq = tcb->snd_nxt;
	tcb->reduced_us = stack->now_us;
	tcb->again_force = true;               /* RFC 6675 5 (4.3), 9937 6.2: at once */
	cc_lost(&tcb->cc, recovery_flight(tcb));
	if (!tcb->cc.ops->own_recovery)
		prr_start(tcb, recover_bytes);
}

static void
enter_fast(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	uint32_t told = tcb->sack_ok ? news->delivered.bytes : news->acked_bytes;

	tcb->phase = TCP_PHASE_FAST;
	tlp_forget(tcb);
	reduce(stack, tcb, tcb_flight(tcb) - tcb->board.sacked_bytes + told);
	undo_begin(tcb, UNDO_FAST);
	count(stack->ctr, CTR_tcp_fast_recoveries);
}

static void
leave(struct tcb *tcb)
{
	if (tcb->phase == TCP_PHASE_FAST && !tcb->cc.ops->own_recovery)
		tcb->cc.cwnd_bytes = tcb->cc.ssthresh_bytes;   /* RFC 9937 6.2 */
	tcb->cc.after_rto = false;
	tcb->phase = TCP_PHASE_OPEN;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
	undo_recovered(tcb);
	rack_recovered(&tcb->rack);
}

void
recovery_abandon(struct tcb *tcb)
{
	scoreboard_restore(&tcb->board);
	tcb->cc.after_rto = false;
	tcb->phase = TCP_PHASE_OPEN;
	tcb->recover_seq = tcb->snd_una - 1;
	tcb->again_force = false;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
}

/* ---- without SACK (RFC 6582) */

/* dup_thresh returns how many duplicate ACKs tell of a loss: fewer when so little is in flight, and
 * nothing new can be sent, that three cannot come (RFC 5827 3.1). */
static uint32_t
dup_thresh(const struct tcb *tcb)
{
	uint32_t flight = tcb_flight(tcb);

	if (tcb_unsent(tcb) > 0 || flight > 3 * (uint32_t)tcb->mss)
		return TCP_DUP_THRESH;
	return flight > 2 * (uint32_t)tcb->mss ? 2 : 1;
}

static void
note_duplicate(struct tcb *tcb)
{
	if (tcb->dupack_cnt < TCP_DUP_THRESH)
		tcb->dupack_cnt++;
	if (!tcb->sack_ok)             /* it also tells that one segment left the network */
		tcb->dup_bytes = MIN(tcb->dup_bytes + tcb->mss, tcb_flight(tcb));
}

static bool
lose_first(struct tcp_stack *stack, struct tcb *tcb)
{
	if (!scoreboard_lose_first(&tcb->board, &stack->records, tcb->mss))
		return false;
	tcb->again_force = true;               /* 3.2 (2), (3): at once */
	return true;
}

/* duplicates_detect returns whether the first segment is lost now. */
static bool
duplicates_detect(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	if (tcb->phase == TCP_PHASE_FAST)      /* 3.2: a partial ACK, the next hole */
		return news->acked_bytes > 0 && lose_first(stack, tcb);
	/* 3.2 (1): not for duplicates of what recovery sent again */
	return tcb->phase == TCP_PHASE_OPEN && news->duplicate &&
	       tcb->dupack_cnt >= dup_thresh(tcb) &&
	       seq_gt(tcb->snd_una, tcb->recover_seq) && lose_first(stack, tcb);
}

/* duplicates_settle takes account of what a moving snd_una covers of the segments that duplicate
 * ACKs have told of. Returns the bytes that the ACK delivered in the end. */
static uint32_t
duplicates_settle(struct tcb *tcb, const struct ack_news *news)
{
	uint32_t known;
	uint32_t more;

	if (news->duplicate)
		return tcb->mss;               /* RFC 9937 6.2 */
	known = MIN(tcb->dup_bytes, news->acked_bytes);
	more = news->acked_bytes - MIN(news->acked_bytes, tcb->mss);
	tcb->dup_bytes -= MIN(tcb->dup_bytes, more);
	tcb->dup_bytes = MIN(tcb->dup_bytes, tcb_flight(tcb));
	return news->acked_bytes - known;
}

/* ---- acknowledgements */

/* detect marks what is lost now. */
static struct lost
detect(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	struct lost lost = {0};

	if (tcb->sack_ok)
		return rack_detect(stack, tcb);
	if (duplicates_detect(stack, tcb, news))
		lost.bytes = 1;
	return lost;
}

/* react answers what was found lost, outside of ACKs too. left: recovery ended just now, what is
 * still lost is of the flight after it. */
static void
react(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news,
      const struct lost *lost, bool left)
{
	if (tcb->phase == TCP_PHASE_OPEN) {
		if (lost->bytes > 0 && pmtu_probe_lost(stack, tcb, lost->bytes))
			tcb->again_force = true;
		else if (lost->bytes > 0 || (left && tcb->board.lost_bytes > 0))
			enter_fast(stack, tcb, news);
		else if (seq_gt(tcb->snd_una, tcb->recover_seq))
			tcb->recover_seq = tcb->snd_una - 1;   /* keeps it comparable */
	} else if (tcb->phase == TCP_PHASE_FAST && lost->again_us != 0 &&
	           lost->again_us >= tcb->reduced_us) {
		undo_forget(tcb);
		reduce(stack, tcb, tcb_flight(tcb) - tcb->board.sacked_bytes);
	}
}

void
recovery_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	struct prr_ack prr = {.advanced = news->acked_bytes > 0};
	bool in_phase = tcb->phase != TCP_PHASE_OPEN;
	struct lost lost;
	bool left;

	if (tcb->tlp.out)
		tlp_acked(stack, tcb, news);
	if (tcb->sack_ok)
		rack_acked(stack, tcb, news);
	if (tcb->undo.kind != UNDO_NONE)
		undo_acked(stack, tcb, news);
	left = tcb->phase != TCP_PHASE_OPEN && seq_ge(tcb->snd_una, tcb->recover_seq);
	if (left)
		leave(tcb);
	if (news->acked_bytes > 0 && !in_phase)
		tcb->dupack_cnt = 0;
	if (news->duplicate)
		note_duplicate(tcb);
	prr.delivered_bytes = tcb->sack_ok ? news->delivered.bytes : duplicates_settle(tcb, news);
	if (news->acked_bytes > 0 && tcb->phase == TCP_PHASE_OPEN)
		tcb->dup_bytes = 0;
	lost = detect(stack, tcb, news);
	react(stack, tcb, news, &lost, left);
	prr.lost = lost.bytes > 0;
	if (tcb->phase != TCP_PHASE_FAST)
		return;
	if (prr.delivered_bytes > 0)
		tlp_heard(tcb);
	if (!tcb->cc.ops->own_recovery)
		prr_acked(tcb, &prr);
}

void
recovery_reordered(struct tcp_stack *stack, struct tcb *tcb)
{
	static const struct ack_news none;
	struct prr_ack prr = {.lost = true};
	struct lost lost = rack_detect(stack, tcb);

	if (lost.bytes == 0)
		return;
	react(stack, tcb, &none, &lost, false);
	if (tcb->phase == TCP_PHASE_FAST && !tcb->cc.ops->own_recovery)
		prr_acked(tcb, &prr);
}

/* ---- timeouts and sending */

void
recovery_timed_out(struct tcp_stack *stack, struct tcb *tcb)
{
	/* RFC 5681 3.1: ssthresh is held when the flight timed out before */
	if (tcb->phase != TCP_PHASE_RTO) {
		cc_timed_out(&tcb->cc, recovery_flight(tcb));
		undo_begin(tcb, UNDO_RTO);
	} else {
		tcb->undo.frto = FRTO_OFF;
	}
	tcb->cc.cwnd_bytes = tcb->mss;
	scoreboard_lose_all(&tcb->board, rack_due_us(stack, tcb));     /* RFC 8985 6.3 */
	tcb->phase = TCP_PHASE_RTO;
	tcb->recover_seq = tcb->snd_nxt;
	tcb->dupack_cnt = 0;
	tcb->dup_bytes = 0;
	tcb->again_force = true;
	tlp_forget(tcb);
	tcb_deadline_clear(tcb, TCP_DUE_REO);
	count(stack->ctr, CTR_tcp_rtos);
}

void
recovery_sent(struct tcp_stack *stack, struct tcb *tcb, struct tcp_range range, bool again)
{
	if (tcb->phase == TCP_PHASE_FAST)
		tcb->prr.out_bytes += range.end - range.start;
	if (again)
		undo_sent(tcb, range, stack->now_us);
}
