/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The tail loss probe. */
#include "dataplane/tcp/tlp.h"

#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/timers.h"

/* pto_us returns the probe timeout (7.2, TLP_calc_PTO). */
static uint64_t
pto_us(const struct tcb *tcb)
{
	uint64_t us = 2 * (uint64_t)tcb->srtt_us;

	if (tcb->srtt_us == 0)
		return TCP_RTO_INITIAL_US;
	if (tcb_flight(tcb) <= tcb->mss)
		us += TCP_PTO_DELACK_US;
	return MAX(us, (uint64_t)TCP_PTO_MIN_US);
}

/* wanted tells whether silence now is to be broken by a probe: in order, or once since recovery
 * last heard anything. */
static bool
wanted(const struct tcb *tcb)
{
	if (tcb->phase == TCP_PHASE_OPEN)
		return tcb->board.sacked_bytes == 0 && tcb->board.lost_bytes == 0;
	return tcb->phase == TCP_PHASE_FAST && !tcb->tlp.silent;
}

void
tlp_schedule(struct tcp_stack *stack, struct tcb *tcb)
{
	if (tcb->deadline_us[TCP_DUE_PTO] != TCP_NEVER || tcb->tlp.out || tcb->tlp.now)
		return;
	if (!tcb->sack_ok || tcb->state < TCP_ESTABLISHED || !wanted(tcb))
		return;
	tcb_deadline_set(stack, tcb, TCP_DUE_PTO,
	                 MIN(stack->now_us + pto_us(tcb), tcb->deadline_us[TCP_DUE_RTO]));
}

void
tlp_due(struct tcp_stack *stack, struct tcb *tcb)
{
	if (tcb_flight(tcb) == 0 || !wanted(tcb))
		return;
	tcb_deadline_clear(tcb, TCP_DUE_RTO);
	if (tcb->phase == TCP_PHASE_OPEN) {
		tcb->tlp.now = true;
		return;
	}
	tcb->tlp.silent = true;
	if (!scoreboard_lose_first(&tcb->board, &stack->records, tcb->mss))
		return;
	tcb->again_force = true;
	count(stack->ctr, CTR_tcp_tlp_again);
}

void
tlp_heard(struct tcb *tcb)
{
	tcb->tlp.silent = false;
	tcb_deadline_clear(tcb, TCP_DUE_PTO);
}

void
tlp_sent(struct tcp_stack *stack, struct tcb *tcb, bool again)
{
	tcb->tlp = (struct tlp){
		.out = true,
		.again = again,
		.end_seq = tcb->snd_nxt,
		.flight_bytes = recovery_flight(tcb),
	};
	count(stack->ctr, CTR_tcp_tlp_probes);
	why_trace(stack, tcb, TRACE_tail, tcb_flight(tcb), again);
}

void
tlp_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	struct tlp *tlp = &tcb->tlp;

	if (seq_lt(tcb->snd_una, tlp->end_seq))
		return;
	if (!tlp->again || news->dsack_probe) {
		tlp->out = false;              /* no loss; or both copies came (case 1) */
	} else if (seq_gt(tcb->snd_una, tlp->end_seq)) {
		tlp->out = false;              /* case 2: only the probe came */
		undo_forget(tcb);
		cc_lost(&tcb->cc, tlp->flight_bytes);
		count(stack->ctr, CTR_tcp_tlp_repaired);
	} else if (news->acked_bytes == 0 && !news->sacks) {
		tlp->out = false;              /* case 3: both came, no D-SACK */
	}
}

void
tlp_forget(struct tcb *tcb)
{
	tcb->tlp = (struct tlp){0};
	tcb_deadline_clear(tcb, TCP_DUE_PTO);
}
