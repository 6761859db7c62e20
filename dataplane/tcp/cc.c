/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What congestion controls have in common: the initial window, slow start, the rate of a window,
 * and what was before a congestion event. */
#include "dataplane/tcp/cc.h"

#include "dataplane/base/limits.h"
#include "dataplane/tcp/pace.h"

#include <string.h>

enum {
	IW_BYTES = 14600,          /* RFC 6928 2 */
	UNPACED_SEGMENTS = 8,      /* an ACK counts no more without pacing: RFC 9406 4.3 */
};

static uint32_t
initial_window(uint32_t mss)
{
	return MIN(CC_IW_SEGMENTS * mss, MAX(2 * mss, (uint32_t)IW_BYTES));
}

const struct cc_ops *
cc_ops_of(enum tcp_cc which)
{
	static const struct cc_ops *const ops[TCP_CC_CNT] = {
		[TCP_CC_CUBIC] = &cc_cubic,
		[TCP_CC_BBR] = &cc_bbr,
		[TCP_CC_NEWRENO] = &cc_newreno,
	};

	dp_assert(which < TCP_CC_CNT);
	return ops[which];
}

void
cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, bool syn_lost)
{
	memset(cc, 0, sizeof(*cc));
	cc->ops = ops;
	cc->mss = mss;
	cc->cwnd_bytes = syn_lost ? mss : initial_window(mss);
	cc->ssthresh_bytes = CC_SSTHRESH_NONE;
	cc->pipe_ack_bytes = CC_PIPE_ACK_UNDEFINED;
	ops->init(cc);
}

void
cc_change(struct cc *cc, const struct cc_ops *ops)
{
	if (cc->ops == ops)
		return;
	/* a window that grew without congestion ends slow start, unless it has just begun */
	if (cc->ops->own_recovery && cc->cwnd_bytes > initial_window(cc->mss))
		cc->ssthresh_bytes = MIN(cc->ssthresh_bytes, cc->cwnd_bytes);
	cc->ops = ops;
	cc->after_rto = false;
	cc->holds_back = false;
	cc->paced_cwnd_bytes = 0;
	cc->prior_cwnd_bytes = cc->cwnd_bytes;
	cc->prior_ssthresh_bytes = cc->ssthresh_bytes;
	ops->init(cc);
}

/* ---- growth and rate */

uint32_t
cc_slow_start(struct cc *cc, struct hystart *hystart, const struct cc_ack *ack)
{
	uint32_t bytes = ack->acked_bytes;
	uint32_t room;

	if (cc->after_rto)
		bytes = MIN(bytes, (1 + ack->merged) * cc->mss);
	else if (cc->byte_time == 0)
		bytes = MIN(bytes, (1 + ack->merged) * UNPACED_SEGMENTS * cc->mss);
	if (cc->ssthresh_bytes == CC_SSTHRESH_NONE) {
		if (hystart_acked(hystart, ack) == HYSTART_OVER) {
			cc->ssthresh_bytes = cc->cwnd_bytes;
			return ack->acked_bytes;
		}
		bytes = hystart_growth(hystart, bytes);
	}
	if (!ack->cwnd_limited)
		return 0;
	room = cc->ssthresh_bytes - cc->cwnd_bytes;
	cc->cwnd_bytes += MIN(bytes, room);
	return bytes > room ? bytes - room : 0;
}

static bool
moved(uint32_t from, uint32_t to)
{
	uint32_t by = from > to ? from - to : to - from;

	return by > from >> 4;
}

void
cc_pace(struct cc *cc, uint32_t srtt_us)
{
	bool slow_start = cc->cwnd_bytes < cc->ssthresh_bytes;
	uint64_t window_time;

	if (srtt_us < PACE_SRTT_MIN_US) {
		cc->byte_time = 0;
		cc->paced_cwnd_bytes = 0;
		return;
	}
	if (slow_start == cc->paced_slow_start && !moved(cc->paced_cwnd_bytes, cc->cwnd_bytes) &&
	    !moved(cc->paced_srtt_us, srtt_us))
		return;
	cc->paced_slow_start = slow_start;
	cc->paced_cwnd_bytes = cc->cwnd_bytes;
	cc->paced_srtt_us = srtt_us;
	window_time = (uint64_t)srtt_us << PACE_SHIFT;
	window_time = slow_start ? window_time / 2 : window_time / 6 * 5;
	cc->byte_time = (uint32_t)MAX(MIN(window_time / cc->cwnd_bytes, (uint64_t)UINT32_MAX), 1u);
}

/* ---- congestion events */

static void
remember(struct cc *cc)
{
	cc->prior_cwnd_bytes = cc->cwnd_bytes;
	cc->prior_ssthresh_bytes = cc->ssthresh_bytes;
}

/* used returns what a window that was lost from, or marked in, had of use: RFC 7661 4.4.1. */
static uint32_t
used(const struct cc *cc, uint32_t flight_bytes)
{
	return cc_unvalidated(cc) ? MAX(cc->pipe_ack_bytes, flight_bytes) : flight_bytes;
}

/* out_of_use tells whether a window was not validated, and what was used of it is no proof either:
 * pipeACK lags behind a window that doubles. */
static bool
out_of_use(const struct cc *cc, uint32_t used_bytes)
{
	return cc_unvalidated(cc) && used_bytes < cc->cwnd_bytes / 2 && !cc->ops->own_recovery;
}

/* halve brings a window that was not validated down to half of what was used. */
static void
halve(struct cc *cc, uint32_t used_bytes)
{
	cc->ssthresh_bytes = MIN(cc->ssthresh_bytes, MAX(used_bytes / 2, 2 * cc->mss));
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, cc->ssthresh_bytes);
	cc->pipe_ack_bytes = CC_PIPE_ACK_UNDEFINED;    /* validated again */
}

/* shrink lets one of the control's functions answer an event of this round trip. */
static void
shrink(struct cc *cc, uint32_t flight_bytes, void (*answer)(struct cc *, uint32_t))
{
	uint32_t used_bytes = used(cc, flight_bytes);
	bool unvalidated = out_of_use(cc, used_bytes);

	remember(cc);
	answer(cc, used_bytes);
	if (unvalidated)
		halve(cc, used_bytes);
}

void
cc_lost(struct cc *cc, uint32_t flight_bytes)
{
	shrink(cc, flight_bytes, cc->ops->lost);
}

void
cc_marked(struct cc *cc, uint32_t flight_bytes)
{
	shrink(cc, flight_bytes, cc->ops->marked);
}

void
cc_timed_out(struct cc *cc, uint32_t flight_bytes)
{
	remember(cc);
	cc->ops->timed_out(cc, used(cc, flight_bytes));
}

void
cc_undo(struct cc *cc)
{
	cc->cwnd_bytes = MAX(cc->cwnd_bytes, cc->prior_cwnd_bytes);
	cc->ssthresh_bytes = cc->prior_ssthresh_bytes;
	cc->after_rto = false;
	cc->ops->undo(cc);
}

/* ---- windows that go unused */

void
cc_restart(struct cc *cc)
{
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, initial_window(cc->mss));
}

void
cc_decay(struct cc *cc)
{
	uint32_t kept = cc->cwnd_bytes - cc->cwnd_bytes / 4;

	if (cc->ssthresh_bytes != CC_SSTHRESH_NONE)
		cc->ssthresh_bytes = MAX(cc->ssthresh_bytes, kept);
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, MAX(cc->cwnd_bytes / 2, initial_window(cc->mss)));
}
