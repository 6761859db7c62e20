/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Explicit congestion notification (RFC 3168). */
#include "dataplane/tcp/ecn.h"

#include "dataplane/tcp/stack.h"

bool
ecn_offered(const struct tcp_stack *stack, const struct tcp_seg *seg)
{
	uint8_t offer = TCP_SYN | TCP_ECE | TCP_CWR;

	return stack->config.ecn && (seg->flags & offer) == offer;
}

void
ecn_syn_arrives(const struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	tcb->ecn.ok = ecn_offered(stack, seg);
}

void
ecn_synack_arrives(const struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	tcb->ecn.ok = stack->config.ecn && (seg->flags & (TCP_ECE | TCP_CWR)) == TCP_ECE;
}

uint8_t
ecn_syn_flags(const struct tcp_stack *stack, const struct tcb *tcb)
{
	if (tcb->state != TCP_SYN_SENT)
		return tcb->ecn.ok ? TCP_ECE : 0;
	return stack->config.ecn && tcb->retries == 0 ? TCP_ECE | TCP_CWR : 0;
}

void
ecn_segment_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (seg->flags & TCP_CWR)                      /* of this segment's mark we still tell */
		tcb->ecn.echo = false;
	if (seg->ip->ecn == ECN_CE && seg->len > 0) {
		tcb->ecn.echo = true;
		count(stack->ctr, CTR_tcp_ecn_marks);
	}
}

void
ecn_ack_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	struct ecn *ecn = &tcb->ecn;

	if (ecn->reduced && seq_ge(tcb->snd_una, ecn->reduced_seq))
		ecn->reduced = false;
	if ((seg->flags & TCP_ECE) == 0 || ecn->reduced || tcb->cc.ops->marked == NULL)
		return;
	ecn->reduced = true;                           /* once a window */
	ecn->reduced_seq = tcb->snd_nxt;
	ecn->cwr = true;
	if (tcb->phase != TCP_PHASE_OPEN)              /* a loss has reduced it already */
		return;
	undo_forget(tcb);                              /* of an earlier event: this one stays */
	cc_marked(&tcb->cc, tcb_flight(tcb));
	count(stack->ctr, CTR_tcp_ecn_reductions);
}

void
ecn_segment_leaves(struct tcb *tcb, struct emit *emit, bool fresh)
{
	if (tcb->ecn.echo)
		emit->flags |= TCP_ECE;
	if (!fresh)
		return;
	if (tcb->cc.ops->marked != NULL)
		emit->ecn = ECN_ECT0;
	if (tcb->ecn.cwr)                              /* 6.1.2: the first new data after it */
		emit->flags |= TCP_CWR;
	tcb->ecn.cwr = false;
}
