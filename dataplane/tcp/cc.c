/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What congestion controls have in common: the initial window and slow start. */
#include "dataplane/tcp/cc.h"

#include "dataplane/base/limits.h"

#include <string.h>

enum {
	IW_SEGMENTS = 10,          /* RFC 6928 2 */
	IW_BYTES = 14600,
	SLOW_START_SEGMENTS = 8,   /* an ACK counts no more: RFC 9406 4.3, without pacing */
};

static uint32_t
initial_window(uint32_t mss)
{
	return MIN(IW_SEGMENTS * mss, MAX(2 * mss, (uint32_t)IW_BYTES));
}

void
cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, bool syn_lost)
{
	memset(cc, 0, sizeof(*cc));
	cc->ops = ops;
	cc->mss = mss;
	cc->cwnd_bytes = syn_lost ? mss : initial_window(mss);
	cc->ssthresh_bytes = TCP_SND_QUEUE_MAX;
	ops->init(cc);
}

uint32_t
cc_slow_start(struct cc *cc, uint32_t bytes)
{
	uint32_t counted = MIN(bytes, (cc->after_rto ? 1 : SLOW_START_SEGMENTS) * cc->mss);
	uint32_t room;

	if (cc->cwnd_bytes >= cc->ssthresh_bytes)
		return bytes;
	room = cc->ssthresh_bytes - cc->cwnd_bytes;
	cc->cwnd_bytes += MIN(counted, room);
	return counted > room ? counted - room : 0;
}

static void
remember(struct cc *cc)
{
	cc->prior_cwnd_bytes = cc->cwnd_bytes;
	cc->prior_ssthresh_bytes = cc->ssthresh_bytes;
}

void
cc_lost(struct cc *cc, uint32_t flight_bytes)
{
	remember(cc);
	cc->ops->lost(cc, flight_bytes);
}

void
cc_timed_out(struct cc *cc, uint32_t flight_bytes)
{
	remember(cc);
	cc->ops->timed_out(cc, flight_bytes);
}

void
cc_undo(struct cc *cc)
{
	cc->cwnd_bytes = MAX(cc->cwnd_bytes, cc->prior_cwnd_bytes);
	cc->ssthresh_bytes = cc->prior_ssthresh_bytes;
	cc->after_rto = false;
	cc->ops->undo(cc);
}

void
cc_restart(struct cc *cc)
{
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, initial_window(cc->mss));
}
