/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Congestion window validation (RFC 7661). */
#include "dataplane/tcp/validation.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/seq.h"

enum {
	SAMPLING_US = 1000 * 1000, /* 4.2: max(3 RTT, 1 s) */
	TICK_SHIFT = 10,
	NVP_TICKS = TCP_NVP_US >> TICK_SHIFT,
};

/* ticks_of returns a time in ticks, never 0. */
static uint32_t
ticks_of(uint64_t now_us)
{
	return (uint32_t)(now_us >> TICK_SHIFT) | 1;
}

/* judge enters or leaves the non-validated phase (4.3). */
static void
judge(struct validation *validation, struct cc *cc, uint64_t now_us)
{
	if (!cc_unvalidated(cc))
		validation->unvalidated_ticks = 0;
	else if (validation->unvalidated_ticks == 0)
		validation->unvalidated_ticks = ticks_of(now_us);
}

/* decay gives up half of the window for each NVP that has passed (4.4.3). */
static void
decay(struct validation *validation, struct cc *cc, uint64_t now_us)
{
	uint32_t now = ticks_of(now_us);

	static_assert(NVP_TICKS % 2 == 0, "ticks stay odd, never 0");
	while (validation->unvalidated_ticks != 0 &&
	       now - validation->unvalidated_ticks >= NVP_TICKS) {
		uint32_t cwnd_bytes = cc->cwnd_bytes;

		cc_decay(cc);
		validation->unvalidated_ticks += NVP_TICKS;
		if (cc->cwnd_bytes == cwnd_bytes)
			validation->unvalidated_ticks = now;
	}
}

/* take_sample takes the bytes of a round; pipeACK is the most of this period and the last (4.2). */
static void
take_sample(struct validation *validation, struct cc *cc, const struct cc_ack *ack)
{
	uint32_t period_us = MAX(3 * ack->srtt_us, (uint32_t)SAMPLING_US);
	uint32_t now_us = (uint32_t)ack->now_us;
	uint32_t prior;

	validation->most_bytes = MAX(validation->most_bytes, validation->round_bytes);
	if (now_us - validation->period_us >= period_us) {
		validation->prior_bytes = validation->most_bytes;
		validation->most_bytes = validation->round_bytes;
		validation->period_us = now_us;
	}
	prior = validation->prior_bytes;
	if (prior != CC_PIPE_ACK_UNDEFINED)            /* 4.1: until a period has passed */
		cc->pipe_ack_bytes = MAX(prior, validation->most_bytes);
}

void
validation_acked(struct validation *validation, struct cc *cc, const struct cc_ack *ack)
{
	if (cc->ops->own_recovery)                     /* its window is the path's, not the past's */
		return;
	if (!validation->started) {
		validation->started = true;
		validation->prior_bytes = CC_PIPE_ACK_UNDEFINED;
		validation->period_us = (uint32_t)ack->now_us;
		validation->end_seq = ack->nxt;
	}
	validation->round_bytes += ack->acked_bytes;
	if (seq_lt(ack->una, validation->end_seq))
		return;
	take_sample(validation, cc, ack);
	validation->round_bytes = 0;
	validation->end_seq = ack->nxt;
	judge(validation, cc, ack->now_us);
	decay(validation, cc, ack->now_us);
}

void
validation_resumed(struct validation *validation, struct cc *cc, uint64_t now_us,
                   uint64_t idle_us, uint32_t rto_us)
{
	if (cc->ops->own_recovery)
		return;
	decay(validation, cc, now_us);
	if (cc->byte_time == 0 && idle_us > rto_us)    /* RFC 5681 4.1: nothing would spread it */
		cc_restart(cc);
}
