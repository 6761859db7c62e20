/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Round-trip time and retransmission timeout. */
#include "dataplane/tcp/rtt.h"

#include "dataplane/tcp/tcb.h"

void
rtt_init(struct tcb *tcb)
{
	tcb->srtt_us = 0;
	tcb->rttvar_us = 0;
	tcb->rto_us = TCP_RTO_INITIAL_US;          /* RFC 6298 2.1 */
}

void
rtt_sample(struct tcb *tcb, uint64_t rtt_us)
{
	uint32_t rtt = (uint32_t)MIN(MAX(rtt_us, 1u), (uint64_t)TCP_RTO_MAX_US);

	if (tcb->srtt_us == 0) {                   /* 2.2 */
		tcb->srtt_us = rtt;
		tcb->rttvar_us = rtt / 2;
	} else {                                   /* 2.3 */
		uint32_t diff = rtt > tcb->srtt_us ? rtt - tcb->srtt_us : tcb->srtt_us - rtt;

		tcb->rttvar_us += (diff >> 2) - (tcb->rttvar_us >> 2);
		tcb->srtt_us += (rtt >> 3) - (tcb->srtt_us >> 3);
		tcb->srtt_us = MAX(tcb->srtt_us, 1u);
	}
	/* 2.4, with the floor under the variation: an ACK may be delayed at any RTT */
	tcb->rto_us = tcb->srtt_us + MAX(4 * tcb->rttvar_us, (uint32_t)TCP_RTO_MIN_US);
	tcb->rto_us = MIN(tcb->rto_us, (uint32_t)TCP_RTO_MAX_US);
	tcb->backoff = 0;
}

void
rtt_min_sample(struct tcb *tcb, uint32_t rtt_us, uint64_t now_us)
{
	struct min_rtt *min = &tcb->min_rtt;

	if (now_us - min->since_us > TCP_MIN_RTT_US) {
		min->before_us = min->now_us != 0 ? min->now_us : rtt_us;
		min->now_us = rtt_us;
		min->since_us = now_us;
	}
	min->now_us = MIN(min->now_us, rtt_us);
}

uint32_t
rtt_min_us(const struct tcb *tcb)
{
	const struct min_rtt *min = &tcb->min_rtt;

	return min->now_us != 0 ? MIN(min->now_us, min->before_us) : tcb->srtt_us;
}

uint64_t
rtt_timeout_us(const struct tcb *tcb)
{
	uint64_t timeout_us = (uint64_t)tcb->rto_us << MIN(tcb->backoff, 16);

	return MIN(timeout_us, (uint64_t)TCP_RTO_MAX_US);
}
