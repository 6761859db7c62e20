/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Rounds, bandwidth and aggregation. The clauses are of
 * draft-cardwell-iccrg-bbr-congestion-control-00. */
#include "dataplane/tcp/cc_bbr_model.h"

#include "dataplane/base/seq.h"
#include "dataplane/tcp/pace.h"

enum {
	BW_ROUNDS = 10,                /* 4.1.1.4, BtlBwFilterLen */
	EXTRA_ROUNDS = 5,              /* of each of the two windows of aggregation */
	EXTRA_BYTES_MAX = 1 << 30,     /* an epoch begins anew */
};

/* set_maximum takes a bandwidth into the filter; the time of a byte follows it. Divides: cold. */
COLD static void
set_maximum(struct bbr *bbr, uint32_t bytes, uint32_t interval_us)
{
	uint64_t bw = ((uint64_t)bytes << BBR_BW_SHIFT) / interval_us;
	uint64_t time;

	bw = MAX(MIN(bw, (uint64_t)UINT32_MAX), 1u);
	winmax_add(&bbr->bw, BW_ROUNDS, bbr->round_cnt, (uint32_t)bw);
	time = (1ull << (PACE_SHIFT + BBR_BW_SHIFT)) / winmax_get(&bbr->bw);
	/* 4.2.1: a hundredth slower, so that no queue stands */
	bbr->byte_time = (uint32_t)MIN(time + time / 100 + 1, (uint64_t)UINT32_MAX);
}

static void
update_round(struct bbr *bbr, const struct cc_ack *ack)
{
	bbr->round_start = ack->rate.interval_us > 0 &&
	                   seq_ge(ack->rate.prior_bytes, bbr->round_bytes);
	if (!bbr->round_start)
		return;
	bbr->round_bytes = ack->rate.delivered_bytes;  /* 4.1.1.3 */
	if (bbr->best_us > 0)
		set_maximum(bbr, bbr->best_bytes, bbr->best_us);
	bbr->best_us = 0;
	bbr->round_cnt++;
	bbr->conserve = false;                         /* 4.2.3.4 */
}

/* above tells whether a sample shows more than a bandwidth. */
static bool
above(const struct rate_sample *rate, uint64_t bw)
{
	return (uint64_t)rate->bytes << BBR_BW_SHIFT > bw * rate->interval_us;
}

/* update_bw raises the maximum at once, and enters the best of each round at its end (4.1.1.5). */
static void
update_bw(struct bbr *bbr, const struct rate_sample *rate)
{
	uint32_t bw = winmax_get(&bbr->bw);

	if (rate->interval_us == 0 || (rate->app_limited && !above(rate, bw)))
		return;
	if (above(rate, (uint64_t)bw + bw / 64)) {
		set_maximum(bbr, rate->bytes, rate->interval_us);
		bbr->best_us = 0;
		return;
	}
	if (bbr->best_us == 0 || (uint64_t)rate->bytes * bbr->best_us >
	                             (uint64_t)bbr->best_bytes * rate->interval_us) {
		bbr->best_bytes = rate->bytes;
		bbr->best_us = rate->interval_us;
	}
}

/* update_extra measures by how much acknowledgements run ahead of the rate. */
static void
update_extra(struct cc *cc, const struct cc_ack *ack)
{
	struct bbr *bbr = &cc->bbr;
	uint32_t now_us = (uint32_t)ack->now_us;
	uint64_t expected;
	uint32_t extra;

	if (ack->delivered_bytes == 0 || ack->rate.interval_us == 0)
		return;
	if (bbr->round_start && ++bbr->extra_rounds == EXTRA_ROUNDS) {
		bbr->extra_rounds = 0;
		bbr->extra_idx ^= 1;
		bbr->extra_bytes[bbr->extra_idx] = 0;
	}
	expected = (uint64_t)winmax_get(&bbr->bw) * (now_us - bbr->epoch_us) >> BBR_BW_SHIFT;
	if (bbr->epoch_bytes <= expected || bbr->epoch_bytes >= EXTRA_BYTES_MAX) {
		bbr->epoch_us = now_us;
		bbr->epoch_bytes = 0;
		expected = 0;
	}
	bbr->epoch_bytes += ack->delivered_bytes;
	extra = (uint32_t)(bbr->epoch_bytes - MIN(expected, bbr->epoch_bytes));
	extra = MIN(extra, cc->cwnd_bytes);
	bbr->extra_bytes[bbr->extra_idx] = MAX(bbr->extra_bytes[bbr->extra_idx], extra);
}

void
bbr_model_acked(struct cc *cc, const struct cc_ack *ack)
{
	update_round(&cc->bbr, ack);
	update_bw(&cc->bbr, &ack->rate);
	update_extra(cc, ack);
}
