/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Proportional rate reduction. */
#include "dataplane/tcp/prr.h"

#include "dataplane/tcp/tcb.h"

/* prr_start divides, once a recovery. */
void
prr_start(struct tcb *tcb, uint32_t recover_bytes)
{
	uint64_t by = MAX(recover_bytes, 1u);
	uint64_t ratio = (((uint64_t)tcb->cc.ssthresh_bytes << 16) + by - 1) / by;

	tcb->prr = (struct prr){.ratio_64k = (uint32_t)MIN(ratio, (uint64_t)UINT32_MAX)};
}

static uint32_t
above(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

/* quota returns what may be sent now (6.2). */
static uint32_t
quota(const struct tcb *tcb, const struct prr_ack *ack, uint32_t pipe)
{
	const struct prr *prr = &tcb->prr;
	uint32_t ssthresh = tcb->cc.ssthresh_bytes;
	uint64_t due;
	uint32_t bytes;

	if (pipe > ssthresh) {                         /* proportional */
		due = ((uint64_t)prr->delivered_bytes * prr->ratio_64k + 0xffff) >> 16;
		return above((uint32_t)MIN(due, (uint64_t)UINT32_MAX), prr->out_bytes);
	}
	bytes = MAX(above(prr->delivered_bytes, prr->out_bytes), ack->delivered_bytes); /* CRB */
	if (ack->advanced && !ack->lost)               /* safeACK: SSRB */
		bytes += tcb->mss;
	return MIN(bytes, ssthresh - pipe);
}

void
prr_acked(struct tcb *tcb, const struct prr_ack *ack)
{
	uint32_t pipe = tcb_pipe(tcb);

	if (ack->delivered_bytes == 0 && !ack->lost)
		return;
	tcb->prr.delivered_bytes += ack->delivered_bytes;
	tcb->cc.cwnd_bytes = MAX(pipe + quota(tcb, ack, pipe), (uint32_t)tcb->mss);
}
