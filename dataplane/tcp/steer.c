/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How much and how fast a connection sends. */
#include "dataplane/tcp/steer.h"

#include "dataplane/tcp/recovery.h"

void
steer_start(const struct tcp_stack *stack, struct tcb *tcb, bool syn_lost)
{
	cc_init(&tcb->cc, cc_ops_of(stack->config.cc), tcb->mss, syn_lost);
}

void
steer_acked(const struct tcp_stack *stack, struct tcb *tcb, struct cc_ack *ack,
            struct rate_pick *pick)
{
	struct rate *rate = &tcb->board.rate;

	ack->lost_bytes = tcb->board.newly_lost_bytes;
	tcb->board.newly_lost_bytes = 0;
	pick->min_rtt_us = rtt_min_us(tcb);
	rate_acked(rate, pick, ack->delivered_bytes, ack->now_us, &ack->rate);
	if (ack->acked_bytes > 0)
		validation_acked(&tcb->validation, &tcb->cc, ack);
	tcb->cc.ops->acked(&tcb->cc, ack);
	if (stack->config.unpaced)
		tcb->cc.byte_time = 0;
	pace_follow(&tcb->pace, tcb->cc.byte_time, tcb->mss);
	if (tcb->cc.holds_back)
		rate_limit(rate, ack->pipe_bytes);
}

void
steer_queued(const struct tcp_stack *stack, struct tcb *tcb)
{
	uint32_t pipe = tcb_pipe(tcb);

	if (tcb_unsent(tcb) > 0 || tcb->board.again != NULL ||
	    pipe + tcb->mss > tcb->cc.cwnd_bytes ||
	    (tcb->pace.shut && stack->now_us < pace_open_us(&tcb->pace)))
		return;
	rate_limit(&tcb->board.rate, pipe);
}

void
steer_resumed(const struct tcp_stack *stack, struct tcb *tcb)
{
	validation_resumed(&tcb->validation, &tcb->cc, stack->now_us,
	                   stack->now_us - tcb->last_send_us, tcb->rto_us);
	if (tcb->cc.ops->resumed != NULL)
		tcb->cc.ops->resumed(&tcb->cc, stack->now_us, tcb->board.rate.app_limited);
	if (stack->config.unpaced)
		tcb->cc.byte_time = 0;
	pace_follow(&tcb->pace, tcb->cc.byte_time, tcb->mss);
}

/* ---- the owner's calls */

const char *
tcp_cc_name(enum tcp_cc which)
{
	return cc_ops_of(which)->name;
}

void
tcp_set_cc(struct tcp_stack *stack, struct tcb *tcb, enum tcp_cc which)
{
	bool own_recovery;

	(void)stack;
	if (tcb->cc.ops == NULL)
		return;
	own_recovery = tcb->cc.ops->own_recovery;
	cc_change(&tcb->cc, cc_ops_of(which));
	if (tcb->phase != TCP_PHASE_FAST || !own_recovery || tcb->cc.ops->own_recovery)
		return;
	tcb->cc.ssthresh_bytes = MIN(tcb->cc.ssthresh_bytes,
	                             MAX(tcb->cc.cwnd_bytes, 2u * tcb->mss));
	prr_start(tcb, recovery_flight(tcb));
}
