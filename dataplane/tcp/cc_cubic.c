/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* CUBIC (RFC 9438) in whole bytes and ticks of 1024 us, without a division: K is found by
 * bisection at a congestion event, growth is collected as credit in bytes * bytes. */
#include "dataplane/tcp/cc.h"

#include "dataplane/base/limits.h"

enum {
	/* in 1/1024 */
	C_1024 = 410,              /* C = 0.4 (5) */
	BETA_1024 = 717,           /* beta_cubic = 0.7 (4.6) */
	FAST_1024 = 870,           /* (1 + beta_cubic) / 2 (4.7) */
	ALPHA_1024 = 542,          /* alpha_cubic = 3 (1 - beta) / (1 + beta) (4.3) */
	TICKS_MAX = 1 << 16,       /* 67 s: beyond it the curve is steep enough */
	STEPS_MAX = 64,            /* segments of growth from one ACK */
	IDLE_US = 100 * 1000,      /* beyond 2 RTT: a gap without growth that is not counted */
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
	uint64_t cubed = ticks * ticks * ticks;    /* in 2^-30 s^3 */

	return ((cubed >> 10) * cc->mss >> 20) * C_1024 >> 10;
}

/* find_k returns the greatest t whose climb stays within bytes: K (4.2, figure 2). */
static uint32_t
find_k(const struct cc *cc, uint32_t bytes)
{
	uint32_t k = 0;

	for (uint32_t bit = TICKS_MAX / 2; bit > 0; bit /= 2) {
		if (climb(cc, k + bit) <= bytes)
			k += bit;
	}
	return k;
}

static void
epoch_start(struct cc *cc, uint64_t now_us)
{
	struct cubic *cubic = &cc->cubic;

	cubic->epoch_us = now_us;
	cubic->last_us = now_us;
	cubic->credit = 0;
	cubic->est_credit_bytes = 0;
	cubic->w_est_bytes = cc->cwnd_bytes;
	if (cubic->w_max_bytes < cc->cwnd_bytes)
		cubic->w_max_bytes = cc->cwnd_bytes;
	cubic->k_ticks = find_k(cc, cubic->w_max_bytes - cc->cwnd_bytes);
}

/* target returns W_cubic(t + RTT), within [cwnd, 1.5 cwnd] (4.2). */
static uint32_t
target(const struct cc *cc, uint32_t srtt_us, uint64_t now_us)
{
	const struct cubic *cubic = &cc->cubic;
	uint64_t ticks = (now_us - cubic->epoch_us + srtt_us) >> 10;
	uint64_t cap = (uint64_t)cc->cwnd_bytes + cc->cwnd_bytes / 2;
	uint64_t bytes = cubic->w_max_bytes;

	ticks = MIN(ticks, (uint64_t)TICKS_MAX + cubic->k_ticks);
	if (ticks >= cubic->k_ticks)
		bytes += climb(cc, ticks - cubic->k_ticks);
	else
		bytes -= MIN(bytes, climb(cc, cubic->k_ticks - ticks));
	return (uint32_t)MAX(MIN(bytes, cap), (uint64_t)cc->cwnd_bytes);
}

/* reno_estimate follows what Reno would have (4.3). */
static void
reno_estimate(struct cc *cc, uint32_t bytes)
{
	struct cubic *cubic = &cc->cubic;

	cubic->est_credit_bytes += scale(bytes, ALPHA_1024);
	if (cubic->est_credit_bytes < cc->cwnd_bytes)
		return;
	cubic->est_credit_bytes -= cc->cwnd_bytes;
	cubic->w_est_bytes += cc->mss;
}

static void
avoid(struct cc *cc, uint32_t bytes, uint32_t srtt_us, uint64_t now_us)
{
	struct cubic *cubic = &cc->cubic;
	uint64_t gap_us;
	uint32_t steps = 0;

	if (cubic->epoch_us == 0)
		epoch_start(cc, now_us);
	gap_us = now_us - cubic->last_us;
	if (gap_us > 2 * (uint64_t)srtt_us + IDLE_US)
		cubic->epoch_us += gap_us;         /* 5.8 */
	cubic->last_us = now_us;
	reno_estimate(cc, bytes);
	cubic->credit += (uint64_t)bytes * (target(cc, srtt_us, now_us) - cc->cwnd_bytes);
	while (cubic->credit >= (uint64_t)cc->cwnd_bytes * cc->mss && steps++ < STEPS_MAX) {
		cubic->credit -= (uint64_t)cc->cwnd_bytes * cc->mss;
		cc->cwnd_bytes += cc->mss;
	}
	if (steps > STEPS_MAX)
		cubic->credit = 0;
	cc->cwnd_bytes = MAX(cc->cwnd_bytes, cubic->w_est_bytes);
}

static void
cubic_init(struct cc *cc)
{
	cc->cubic = (struct cubic){0};
}

static void
cubic_acked(struct cc *cc, const struct cc_ack *ack)
{
	uint32_t bytes = ack->acked_bytes;

	if (bytes == 0 || ack->recovering || !ack->cwnd_limited)
		return;
	if (cc->cwnd_bytes < cc->ssthresh_bytes)
		bytes = cc_slow_start(cc, bytes);
	if (bytes > 0 && cc->cwnd_bytes >= cc->ssthresh_bytes)
		avoid(cc, bytes, ack->srtt_us, ack->now_us);
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, (uint32_t)TCP_SND_QUEUE_MAX);
}

/* back_off remembers where the loss was and sets ssthresh (4.6, 4.7). */
static void
back_off(struct cc *cc, uint32_t flight_bytes)
{
	struct cubic *cubic = &cc->cubic;
	uint32_t used = MIN(cc->cwnd_bytes, flight_bytes);

	cubic->prior_w_max_bytes = cubic->w_max_bytes;
	cubic->prior_epoch_us = cubic->epoch_us;
	if (used < cubic->w_max_bytes)
		cubic->w_max_bytes = scale(used, FAST_1024);
	else
		cubic->w_max_bytes = used;
	cubic->epoch_us = 0;
	cc->ssthresh_bytes = MAX(scale(used, BETA_1024), 2 * cc->mss);
}

static void
cubic_lost(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, flight_bytes);
	cc->cwnd_bytes = cc->ssthresh_bytes;
	cc->after_rto = false;
}

static void
cubic_timed_out(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, flight_bytes);
	cc->cwnd_bytes = cc->mss;              /* RFC 5681 3.1, loss window */
	cc->after_rto = true;
}

static void
cubic_undo(struct cc *cc)
{
	cc->cubic.w_max_bytes = cc->cubic.prior_w_max_bytes;
	cc->cubic.epoch_us = cc->cubic.prior_epoch_us;
}

const struct cc_ops cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.acked = cubic_acked,
	.lost = cubic_lost,
	.timed_out = cubic_timed_out,
	.undo = cubic_undo,
};
