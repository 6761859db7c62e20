/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Samples of the delivery rate. */
#include "dataplane/tcp/rate.h"

void
rate_acked(struct rate *rate, const struct rate_pick *pick, uint32_t bytes, uint64_t now_us,
           struct rate_sample *sample)
{
	uint32_t send_us, ack_us, interval_us;

	*sample = (struct rate_sample){0};
	if (bytes > 0) {
		rate->delivered_bytes += bytes;
		rate->delivered_us = (uint32_t)now_us;
	}
	if (rate->app_limited && (int32_t)(rate->delivered_bytes - rate->limited_bytes) > 0)
		rate->app_limited = false;
	sample->delivered_bytes = rate->delivered_bytes;
	if (!pick->any)
		return;
	rate->first_sent_us = pick->sent_us;           /* the next flight begins where it ended */
	send_us = pick->sent_us - pick->mark.first_sent_us;
	ack_us = rate->delivered_us - pick->mark.delivered_us;
	interval_us = MAX(send_us, ack_us);
	sample->prior_bytes = pick->mark.delivered_bytes;
	sample->app_limited = pick->mark.app_limited;
	sample->bytes = rate->delivered_bytes - pick->mark.delivered_bytes;
	/* 3.3: shorter than any round trip: more than one ACK was squeezed into it */
	if (interval_us == 0 || interval_us < pick->min_rtt_us)
		return;
	sample->interval_us = interval_us;
	rate->sample_bytes = sample->bytes;
	rate->sample_us = interval_us;
}

void
rate_limit(struct rate *rate, uint32_t pipe_bytes)
{
	rate->app_limited = true;
	rate->limited_bytes = rate->delivered_bytes + pipe_bytes;
}
