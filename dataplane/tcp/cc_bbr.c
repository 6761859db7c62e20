/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* BBR version 1: the states, the rate and the window. The clauses are of
 * draft-cardwell-iccrg-bbr-congestion-control-00; the model is in cc_bbr_model.c. */
#include "dataplane/tcp/cc_bbr_model.h"

#include "dataplane/base/limits.h"
#include "dataplane/tcp/pace.h"

enum {
	PROBE_RTT_US = 200 * 1000,     /* 4.3.5, ProbeRTTDuration */
	PROBE_RTT_SEGMENTS = 4,        /* BBRMinPipeCwnd */
	MIN_RTT_WINDOW_US = 10 * 1000 * 1000,
	FULL_ROUNDS = 3,               /* 4.3.2.2 */
	CYCLES = 8,
	CYCLE_DRAINS = 1,              /* the phase that does not come first (4.3.4.4) */
	EXTRA_US_MAX = 100 * 1000,     /* of the rate: what aggregation adds at most */
	ONE = 256,                     /* gains are in 1/256 */
};

/* a gain of the rate, and its inverse for the time of a byte */
struct gain {
	uint16_t gain;
	uint16_t inverse;
};

static const struct gain high_gain = {739, 89};        /* 2/ln(2) (4.1.3) */
static const struct gain drain_gain = {89, 739};
static const struct gain unity_gain = {ONE, ONE};
static const struct gain cycle_gain[CYCLES] = {        /* 4.3.4.1 */
	{320, 205}, {192, 341}, {ONE, ONE}, {ONE, ONE},
	{ONE, ONE}, {ONE, ONE}, {ONE, ONE}, {ONE, ONE},
};

/* rate_gain returns the gain of the rate in the present state. */
static struct gain
rate_gain(const struct bbr *bbr)
{
	switch (bbr->mode) {
	case BBR_STARTUP:
		return high_gain;
	case BBR_DRAIN:
		return drain_gain;
	case BBR_PROBE_BW:
		return cycle_gain[bbr->cycle];
	default:
		return unity_gain;
	}
}

static uint32_t
window_gain(const struct bbr *bbr)
{
	if (bbr->mode == BBR_PROBE_BW)
		return 2 * ONE;
	return bbr->mode == BBR_PROBE_RTT ? ONE : high_gain.gain;
}

/* bdp returns gain times bandwidth times delay in bytes (4.2.3.2). */
static uint64_t
bdp(const struct cc *cc, uint32_t gain)
{
	const struct bbr *bbr = &cc->bbr;

	if (bbr->min_rtt_us == UINT32_MAX)
		return (uint64_t)gain * CC_IW_SEGMENTS * cc->mss / ONE;
	return ((uint64_t)winmax_get(&bbr->bw) * bbr->min_rtt_us >> BBR_BW_SHIFT) * gain / ONE;
}

/* quantum returns the bytes that leave at once: a millisecond's (4.2.2). */
static uint32_t
quantum(const struct cc *cc)
{
	uint64_t bytes = (uint64_t)winmax_get(&cc->bbr.bw) * 1000 >> BBR_BW_SHIFT;

	return (uint32_t)MAX(MIN(bytes, 65536u), 2u * cc->mss);
}

/* inflight_for returns the window for a gain: enough to keep three quanta on their way at both
 * ends besides (4.2.3.2, BBRInflight). */
static uint64_t
inflight_for(const struct cc *cc, uint32_t gain)
{
	uint64_t bytes = bdp(cc, gain) + 3 * quantum(cc);

	if (cc->bbr.mode == BBR_PROBE_BW && cc->bbr.cycle == 0)
		bytes += 2 * cc->mss;
	return bytes;
}

/* ---- states */

static void
save_cwnd(struct cc *cc)
{
	struct bbr *bbr = &cc->bbr;

	if (bbr->repairing || bbr->mode == BBR_PROBE_RTT)
		bbr->saved_cwnd_bytes = MAX(bbr->saved_cwnd_bytes, cc->cwnd_bytes);
	else
		bbr->saved_cwnd_bytes = cc->cwnd_bytes;        /* 4.2.3.4 */
}

static void
restore_cwnd(struct cc *cc)
{
	cc->cwnd_bytes = MAX(cc->cwnd_bytes, cc->bbr.saved_cwnd_bytes);
}

/* enter_probe_bw begins at any phase but the one that drains (4.3.4.4). */
static void
enter_probe_bw(struct bbr *bbr, uint64_t now_us)
{
	uint64_t any = (now_us ^ bbr->round_bytes) * 0x9e3779b97f4a7c15u;
	uint8_t cycle = (uint8_t)(any >> 32 & (CYCLES - 1));

	bbr->mode = BBR_PROBE_BW;
	bbr->cycle = cycle == CYCLE_DRAINS ? 0 : cycle;
	bbr->cycle_at_us = (uint32_t)now_us;
}

/* update_cycle moves on to the next phase of PROBE_BW (4.3.4.3). */
static void
update_cycle(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	uint32_t before = ack->pipe_bytes + ack->delivered_bytes + ack->lost_bytes;
	uint32_t gain = cycle_gain[bbr->cycle].gain;
	bool full_length;

	if (bbr->mode != BBR_PROBE_BW)
		return;
	full_length = (uint32_t)ack->now_us - bbr->cycle_at_us > bbr->min_rtt_us;
	if (gain > ONE)
		full_length &= ack->lost_bytes > 0 || before >= inflight_for(cc, gain);
	else if (gain < ONE)
		full_length |= before <= inflight_for(cc, ONE);
	if (!full_length)
		return;
	bbr->cycle = (bbr->cycle + 1) & (CYCLES - 1);
	bbr->cycle_at_us = (uint32_t)ack->now_us;
}

/* check_full looks whether STARTUP still finds more, once a round (4.3.2.2). */
static void
check_full(struct bbr *bbr, const struct cc_ack *ack)
{
	uint32_t bw = winmax_get(&bbr->bw);

	if (bbr->full || !bbr->round_start || ack->rate.app_limited)
		return;
	if (bw >= bbr->full_bw + bbr->full_bw / 4) {
		bbr->full_bw = bw;
		bbr->full_cnt = 0;
		return;
	}
	bbr->full = ++bbr->full_cnt >= FULL_ROUNDS;
}

/* check_drain leaves STARTUP, and DRAIN when its queue is gone (4.3.3). */
static void
check_drain(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;

	if (bbr->mode == BBR_STARTUP && bbr->full)
		bbr->mode = BBR_DRAIN;
	if (bbr->mode == BBR_DRAIN && ack->pipe_bytes <= inflight_for(cc, ONE))
		enter_probe_bw(bbr, ack->now_us);
}

static void
leave_probe_rtt(struct cc *cc, uint64_t now_us)
{
	struct bbr *bbr = &cc->bbr;

	bbr->min_rtt_at_us = (uint32_t)now_us;
	restore_cwnd(cc);
	cc->holds_back = false;
	if (bbr->full)
		enter_probe_bw(bbr, now_us);
	else
		bbr->mode = BBR_STARTUP;
}

/* probe_rtt stays until the little that is in flight has been seen for a while (4.3.5). */
static void
probe_rtt(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	uint32_t now_us = (uint32_t)ack->now_us;

	cc->holds_back = true;
	if (!bbr->probe_timed && ack->pipe_bytes <= PROBE_RTT_SEGMENTS * cc->mss) {
		bbr->probe_timed = true;
		bbr->probe_done_us = now_us + PROBE_RTT_US;
		bbr->probe_round = false;
		bbr->round_bytes = ack->rate.delivered_bytes;
	} else if (bbr->probe_timed) {
		bbr->probe_round |= bbr->round_start;
		if (bbr->probe_round && (int32_t)(now_us - bbr->probe_done_us) >= 0)
			leave_probe_rtt(cc, ack->now_us);
	}
}

/* update_min_rtt takes the round trip, and looks again when the least is too old (4.1.2, 4.3.5). */
static void
update_min_rtt(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	bool expired = (uint32_t)ack->now_us - bbr->min_rtt_at_us > MIN_RTT_WINDOW_US;
	bool maybe_delayed = ack->pipe_bytes == 0 && ack->delivered_bytes <= cc->mss;

	if (ack->rtt_us > 0 &&
	    (ack->rtt_us <= bbr->min_rtt_us || (expired && !maybe_delayed))) {
		bbr->min_rtt_us = ack->rtt_us;
		bbr->min_rtt_at_us = (uint32_t)ack->now_us;
	}
	if (expired && !bbr->resumed && bbr->mode != BBR_PROBE_RTT) {
		save_cwnd(cc);
		bbr->mode = BBR_PROBE_RTT;
		bbr->probe_timed = false;
	}
	if (bbr->mode == BBR_PROBE_RTT)
		probe_rtt(cc, ack);
	if (ack->delivered_bytes > 0)
		bbr->resumed = false;
}

/* ---- rate and window */

/* set_rate paces at the maximum times the gain, a hundredth below it (4.2.1). STARTUP only ever
 * speeds up. */
static void
set_rate(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	uint64_t time;

	if (!bbr->seen_rtt && ack->srtt_us >= PACE_SRTT_MIN_US) {
		bbr->seen_rtt = true;
		time = ((uint64_t)ack->srtt_us << PACE_SHIFT) / cc->cwnd_bytes;
		cc->byte_time = (uint32_t)MIN(time * high_gain.inverse / ONE, (uint64_t)UINT32_MAX);
	}
	if (bbr->min_rtt_us < PACE_SRTT_MIN_US) {
		cc->byte_time = 0;
		return;
	}
	if (bbr->byte_time == 0)
		return;
	time = (uint64_t)bbr->byte_time * rate_gain(bbr).inverse / ONE;
	time = MAX(MIN(time, (uint64_t)UINT32_MAX), 1u);
	if (bbr->full || cc->byte_time == 0 || time < cc->byte_time)
		cc->byte_time = (uint32_t)time;
}

/* recover keeps to packet conservation for the first round of recovery (4.2.3.4). Returns whether
 * the window is set by it. */
static bool
recover(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	bool was = bbr->repairing;

	if (ack->lost_bytes > 0)
		cc->cwnd_bytes = MAX(cc->cwnd_bytes - MIN(ack->lost_bytes, cc->cwnd_bytes), cc->mss);
	bbr->repairing = ack->repairing;
	if (bbr->entering && ack->repairing) {
		bbr->conserve = true;
		bbr->round_bytes = ack->rate.delivered_bytes;
		cc->cwnd_bytes = ack->pipe_bytes + ack->delivered_bytes;
	} else if (was && !ack->repairing) {
		bbr->conserve = false;
		restore_cwnd(cc);
	}
	bbr->entering = false;
	if (bbr->conserve)
		cc->cwnd_bytes = MAX(cc->cwnd_bytes, ack->pipe_bytes + ack->delivered_bytes);
	return bbr->conserve;
}

/* aggregated returns what bursts of acknowledgements need beside the product. */
static uint64_t
aggregated(const struct cc *cc)
{
	const struct bbr *bbr = &cc->bbr;
	uint64_t most = (uint64_t)winmax_get(&bbr->bw) * EXTRA_US_MAX >> BBR_BW_SHIFT;

	return bbr->full ? MIN(most, (uint64_t)MAX(bbr->extra_bytes[0], bbr->extra_bytes[1])) : 0;
}

/* set_window: 4.2.3. */
static void
set_window(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	uint32_t delivered = ack->delivered_bytes;
	uint64_t target;

	if (delivered > 0 && !recover(cc, ack)) {
		target = inflight_for(cc, window_gain(bbr)) + aggregated(cc);
		if (bbr->full)
			cc->cwnd_bytes = (uint32_t)MIN((uint64_t)cc->cwnd_bytes + delivered, target);
		else if (cc->cwnd_bytes < target ||
		         ack->rate.delivered_bytes < CC_IW_SEGMENTS * cc->mss)
			cc->cwnd_bytes += delivered;
	}
	cc->cwnd_bytes = MAX(cc->cwnd_bytes, PROBE_RTT_SEGMENTS * cc->mss);
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, (uint32_t)TCP_SND_QUEUE_MAX);
	if (bbr->mode == BBR_PROBE_RTT)
		cc->cwnd_bytes = MIN(cc->cwnd_bytes, PROBE_RTT_SEGMENTS * cc->mss);
}

/* ---- the table */

static void
bbr_init(struct cc *cc)
{
	cc->bbr = (struct bbr){.min_rtt_us = UINT32_MAX};
	cc->ssthresh_bytes = CC_SSTHRESH_NONE;
}

static void
bbr_acked(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;

	if (bbr->min_rtt_us == UINT32_MAX) {
		bbr->min_rtt_at_us = (uint32_t)ack->now_us;
		bbr->cycle_at_us = (uint32_t)ack->now_us;
	}
	bbr_model_acked(cc, ack);
	update_cycle(cc, ack);
	check_full(bbr, ack);
	check_drain(cc, ack);
	update_min_rtt(cc, ack);
	set_rate(cc, ack);
	set_window(cc, ack);
}

static void
bbr_lost(struct cc *cc, uint32_t flight_bytes)
{
	(void)flight_bytes;
	save_cwnd(cc);
	/* what is lost again while it is repaired begins no round of conservation anew */
	cc->bbr.entering = !cc->bbr.repairing;
}

/* 4.2.3.4: one segment, and back to what it was when all is repaired; STARTUP looks anew. */
static void
bbr_timed_out(struct cc *cc, uint32_t flight_bytes)
{
	struct bbr *bbr = &cc->bbr;

	(void)flight_bytes;
	save_cwnd(cc);
	bbr->full_bw = 0;
	bbr->repairing = true;
	bbr->conserve = false;
	bbr->entering = false;
	cc->cwnd_bytes = cc->mss;
}

static void
bbr_undo(struct cc *cc)
{
	cc->bbr.full_bw = 0;           /* the rate that was seen was not the path's */
	cc->bbr.full_cnt = 0;
	cc->bbr.conserve = false;
	cc->bbr.entering = false;
}

/* 4.2.4: after idling, at the rate, not above it, until something is acknowledged */
static void
bbr_resumed(struct cc *cc, uint64_t now_us, bool app_limited)
{
	struct bbr *bbr = &cc->bbr;

	if (!app_limited)
		return;
	bbr->resumed = true;
	bbr->epoch_us = (uint32_t)now_us;
	bbr->epoch_bytes = 0;
	if (bbr->mode == BBR_PROBE_BW && bbr->byte_time != 0 && cc->byte_time != 0)
		cc->byte_time = bbr->byte_time;
	else if (bbr->mode == BBR_PROBE_RTT && bbr->probe_timed &&
	         (int32_t)((uint32_t)now_us - bbr->probe_done_us) >= 0)
		leave_probe_rtt(cc, now_us);
}

const struct cc_ops cc_bbr = {
	.name = "bbr",
	.own_recovery = true,
	.init = bbr_init,
	.acked = bbr_acked,
	.lost = bbr_lost,
	.timed_out = bbr_timed_out,
	.undo = bbr_undo,
	.resumed = bbr_resumed,
};
