/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* CUBIC (RFC 9438) in whole bytes and ticks of 1024 us, without a division: K is found by
 * bisection at a congestion event, growth is collected as credit in bytes * bytes. */
#include "dataplane/tcp/cc.h"

#include "dataplane/base/limits.h"

enum {
	/* in 1/1024 */
	C_1024 = 472,              /* C = 0.4 (5), times 1.153: (1024 us)^3 for (2^-10 s)^3 */
	BETA_1024 = 717,           /* beta_cubic = 0.7 (4.6) */
	FAST_1024 = 870,           /* (1 + beta_cubic) / 2 (4.7) */
	BETA_ECN_1024 = 870,       /* 0.85 for a mark (RFC 8511 3.1) */
	ALPHA_1024 = 542,          /* alpha_cubic = 3 (1 - beta) / (1 + beta) (4.3) */
	ALPHA_ONE_1024 = 1024,     /* from cwnd_prior on */
	TICKS_MAX = 1 << 16,       /* 67 s: beyond it the curve is steep enough */
	STEPS_MAX = 64,            /* segments of growth from one ACK */
	IDLE_US = 100 * 1000,      /* beyond 2 RTT: a gap between ACKs that is not counted */
};

static uint32_t
scale(uint32_t bytes, uint32_t by_1024)
{
	return (uint32_t)((uint64_t)bytes * by_1024 >> 10);
}

/* climb returns C * t^3 in bytes, for t in ticks, [0, TICKS_MAX] (4.2, figure 1). */
static uint64_t
climb(const struct cc *cc, uint64_t ticks)
{
	uint64_t cubed = ticks * ticks * ticks;

	return ((cubed >> 10) * cc->mss >> 20) * C_1024 >> 10;
}

/* find_k returns the greatest t whose climb stays within bytes: K (4.2, figure 2). */
static uint32_t
find_k(const struct cc *cc, uint32_t bytes)
{
	uint32_t k = 0;

	for (uint32_t bit = bytes > 0 ? TICKS_MAX / 2 : 0; bit > 0; bit /= 2) {
		if (climb(cc, k + bit) <= bytes)
			k += bit;
	}
	return k;
}

static void
epoch_start(struct cc *cc, uint64_t now_us)
{
	struct cubic_epoch *epoch = &cc->cubic.epoch;

	epoch->start_us = now_us;
	epoch->w_est_bytes = cc->cwnd_bytes;
	cc->cubic.credit = 0;
	cc->cubic.est_credit_bytes = 0;
	if (epoch->w_max_bytes < cc->cwnd_bytes)       /* K = 0: 4.8, 4.10 */
		epoch->w_max_bytes = cc->cwnd_bytes;
	if (epoch->prior_bytes == 0)
		epoch->prior_bytes = cc->cwnd_bytes;
	epoch->k_ticks = find_k(cc, epoch->w_max_bytes - cc->cwnd_bytes);
}

/* curve returns W_cubic(t) for t since the epoch began (4.2, figure 1). */
static uint64_t
curve(const struct cc *cc, uint64_t t_us)
{
	const struct cubic_epoch *epoch = &cc->cubic.epoch;
	uint64_t ticks = MIN(t_us >> 10, (uint64_t)TICKS_MAX + epoch->k_ticks);
	uint64_t below;

	if (ticks >= epoch->k_ticks)
		return epoch->w_max_bytes + climb(cc, ticks - epoch->k_ticks);
	below = climb(cc, epoch->k_ticks - ticks);
	return epoch->w_max_bytes - MIN((uint64_t)epoch->w_max_bytes, below);
}

/* target returns W_cubic(t + RTT), within [cwnd, 1.5 cwnd] (4.2). */
static uint32_t
target(const struct cc *cc, uint32_t srtt_us, uint64_t now_us)
{
	uint64_t cap = (uint64_t)cc->cwnd_bytes + cc->cwnd_bytes / 2;
	uint64_t bytes = curve(cc, now_us - cc->cubic.epoch.start_us + srtt_us);

	return (uint32_t)MAX(MIN(bytes, cap), (uint64_t)cc->cwnd_bytes);
}

/* reno_estimate follows what Reno would have (4.3, figure 4). */
static void
reno_estimate(struct cc *cc, uint32_t bytes)
{
	struct cubic *cubic = &cc->cubic;
	bool caught_up = cubic->epoch.w_est_bytes >= cubic->epoch.prior_bytes;

	cubic->est_credit_bytes += scale(bytes, caught_up ? ALPHA_ONE_1024 : ALPHA_1024);
	if (cubic->est_credit_bytes < cc->cwnd_bytes)
		return;
	cubic->est_credit_bytes -= cc->cwnd_bytes;
	cubic->epoch.w_est_bytes += cc->mss;
}

/* climb_on grows the window by (target - cwnd) / cwnd for each byte (4.4, 4.5). */
static void
climb_on(struct cc *cc, uint32_t bytes, uint32_t target_bytes)
{
	struct cubic *cubic = &cc->cubic;
	uint32_t steps = 0;

	cubic->credit += (uint64_t)bytes * (target_bytes - cc->cwnd_bytes);
	while (cubic->credit >= (uint64_t)cc->cwnd_bytes * cc->mss && steps++ < STEPS_MAX) {
		cubic->credit -= (uint64_t)cc->cwnd_bytes * cc->mss;
		cc->cwnd_bytes += cc->mss;
	}
	if (steps > STEPS_MAX)
		cubic->credit = 0;
}

static void
avoid(struct cc *cc, uint32_t bytes, uint32_t srtt_us, uint64_t now_us)
{
	struct cubic_epoch *epoch = &cc->cubic.epoch;

	if (epoch->start_us == 0)
		epoch_start(cc, now_us);
	reno_estimate(cc, bytes);
	if (epoch->w_est_bytes >= cc->cwnd_bytes &&
	    curve(cc, now_us - epoch->start_us) < epoch->w_est_bytes)
		cc->cwnd_bytes = epoch->w_est_bytes;   /* 4.3: the Reno-friendly region */
	else
		climb_on(cc, bytes, target(cc, srtt_us, now_us));
}

static void
cubic_init(struct cc *cc)
{
	cc->cubic = (struct cubic){0};
	hystart_init(&cc->cubic.hystart);
}

/* leave_out keeps time in which the window was not used off the curve (5.8). */
static void
leave_out(struct cubic *cubic, const struct cc_ack *ack)
{
	uint64_t gap_us = ack->now_us - cubic->last_us;

	if (cubic->epoch.start_us != 0 &&
	    (!ack->cwnd_limited || gap_us > 2 * (uint64_t)ack->srtt_us + IDLE_US))
		cubic->epoch.start_us += MIN(gap_us, ack->now_us - cubic->epoch.start_us);
	cubic->last_us = ack->now_us;
}

static void
grow(struct cc *cc, const struct cc_ack *ack)
{
	uint32_t bytes = ack->acked_bytes;

	leave_out(&cc->cubic, ack);
	if (cc->cwnd_bytes < cc->ssthresh_bytes)
		bytes = cc_slow_start(cc, &cc->cubic.hystart, ack);
	if (bytes > 0 && ack->cwnd_limited && cc->cwnd_bytes >= cc->ssthresh_bytes)
		avoid(cc, bytes, ack->srtt_us, ack->now_us);
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, (uint32_t)TCP_SND_QUEUE_MAX);
}

static void
cubic_acked(struct cc *cc, const struct cc_ack *ack)
{
	if (ack->acked_bytes > 0 && !ack->recovering)
		grow(cc, ack);
	cc_pace(cc, ack->srtt_us);
}

/* back_off remembers where the loss was and sets ssthresh (4.6, 4.7). */
static void
back_off(struct cc *cc, uint32_t flight_bytes, uint32_t beta_1024)
{
	struct cubic *cubic = &cc->cubic;
	uint32_t used = MIN(cc->cwnd_bytes, flight_bytes);

	cubic->before = cubic->epoch;
	if (used < cubic->epoch.w_max_bytes)
		cubic->epoch.w_max_bytes = scale(used, FAST_1024);
	else
		cubic->epoch.w_max_bytes = used;
	cubic->epoch.prior_bytes = used;
	cubic->epoch.start_us = 0;
	cc->ssthresh_bytes = MAX(scale(used, beta_1024), 2 * cc->mss);
}

static void
cubic_lost(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, flight_bytes, BETA_1024);
	cc->cwnd_bytes = cc->ssthresh_bytes;
	cc->after_rto = false;
}

static void
cubic_marked(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, flight_bytes, BETA_ECN_1024);
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, cc->ssthresh_bytes);
}

static void
cubic_timed_out(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, flight_bytes, BETA_1024);
	cc->cubic.epoch.w_max_bytes = 0;       /* 4.8: the curve begins where slow start ends */
	cc->cwnd_bytes = cc->mss;              /* RFC 5681 3.1, loss window */
	cc->after_rto = true;
}

static void
cubic_undo(struct cc *cc)
{
	cc->cubic.epoch = cc->cubic.before;    /* 4.9 */
	if (cc->ssthresh_bytes == CC_SSTHRESH_NONE)
		hystart_init(&cc->cubic.hystart);
}

const struct cc_ops cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.acked = cubic_acked,
	.lost = cubic_lost,
	.timed_out = cubic_timed_out,
	.undo = cubic_undo,
	.marked = cubic_marked,
};
