/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The window of RFC 5681 and 6582: a segment more each round trip, half of it after a loss. What
 * is lost and when recovery ends is not decided here. */
#include "dataplane/tcp/cc.h"

#include "dataplane/base/limits.h"

enum { STEPS_MAX = 64 };               /* segments of growth from one ACK */

static void
newreno_init(struct cc *cc)
{
	cc->newreno = (struct newreno){0};
	hystart_init(&cc->newreno.hystart);
}

/* avoid grows by a segment for each window acknowledged (RFC 5681 3.1 (3), by bytes: RFC 3465
 * 2.1). */
static void
avoid(struct cc *cc, uint32_t bytes)
{
	struct newreno *reno = &cc->newreno;
	uint32_t steps = 0;

	reno->credit_bytes += bytes;
	while (reno->credit_bytes >= cc->cwnd_bytes && steps++ < STEPS_MAX) {
		reno->credit_bytes -= cc->cwnd_bytes;
		cc->cwnd_bytes += cc->mss;
	}
	if (steps > STEPS_MAX)
		reno->credit_bytes = 0;
}

static void
newreno_acked(struct cc *cc, const struct cc_ack *ack)
{
	uint32_t bytes = ack->recovering ? 0 : ack->acked_bytes;

	if (bytes > 0 && cc->cwnd_bytes < cc->ssthresh_bytes)
		bytes = cc_slow_start(cc, &cc->newreno.hystart, ack);
	if (bytes > 0 && ack->cwnd_limited && cc->cwnd_bytes >= cc->ssthresh_bytes)
		avoid(cc, bytes);
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, (uint32_t)TCP_SND_QUEUE_MAX);
	cc_pace(cc, ack->srtt_us);
}

static void
back_off(struct cc *cc, uint32_t bytes)
{
	cc->newreno.credit_bytes = 0;
	cc->ssthresh_bytes = MAX(bytes, 2 * cc->mss);
}

/* RFC 5681 3.1 (4): half of what was in flight. */
static void
newreno_lost(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, MIN(flight_bytes, cc->cwnd_bytes) / 2);
	cc->cwnd_bytes = cc->ssthresh_bytes;
	cc->after_rto = false;
}

static void
newreno_timed_out(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, MIN(flight_bytes, cc->cwnd_bytes) / 2);
	cc->cwnd_bytes = cc->mss;
	cc->after_rto = true;
}

/* RFC 8511 3.1: 0.8 of it */
static void
newreno_marked(struct cc *cc, uint32_t flight_bytes)
{
	back_off(cc, (uint32_t)((uint64_t)MIN(flight_bytes, cc->cwnd_bytes) * 819 >> 10));
	cc->cwnd_bytes = MIN(cc->cwnd_bytes, cc->ssthresh_bytes);
}

static void
newreno_undo(struct cc *cc)
{
	cc->newreno.credit_bytes = 0;
}

const struct cc_ops cc_newreno = {
	.name = "newreno",
	.init = newreno_init,
	.acked = newreno_acked,
	.lost = newreno_lost,
	.timed_out = newreno_timed_out,
	.undo = newreno_undo,
	.marked = newreno_marked,
};
