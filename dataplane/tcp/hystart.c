/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* HyStart++ (RFC 9406 4.2, 4.3). */
#include "dataplane/tcp/hystart.h"

#include "dataplane/base/seq.h"
#include "dataplane/tcp/cc.h"

#include <string.h>

/* 4.3 */
enum {
	MIN_RTT_THRESH_US = 4000,
	MAX_RTT_THRESH_US = 16000,
	MIN_RTT_DIVISOR = 8,
	RTT_SAMPLES = 8,
	CSS_ROUNDS = 5,
};

void
hystart_init(struct hystart *hystart)
{
	memset(hystart, 0, sizeof(*hystart));
}

static void
round_start(struct hystart *hystart, uint32_t nxt)
{
	hystart->end_seq = nxt;
	hystart->last_min_us = hystart->min_us;
	hystart->min_us = 0;
	hystart->sample_cnt = 0;
	hystart->started = true;
}

/* round_over counts the rounds of CSS; the one in which it began counts too. */
static void
round_over(struct hystart *hystart, uint32_t nxt)
{
	round_start(hystart, nxt);
	if (hystart->phase == HYSTART_SLOW && ++hystart->rounds >= CSS_ROUNDS)
		hystart->phase = HYSTART_OVER;
}

/* sample takes a round trip: of acknowledgements that came at once the last has the shortest. */
static void
sample(struct hystart *hystart, const struct cc_ack *ack)
{
	if (ack->rtt_us == 0)
		return;
	if (hystart->min_us == 0 || ack->rtt_us < hystart->min_us)
		hystart->min_us = ack->rtt_us;
	hystart->sample_cnt = (uint8_t)MIN(hystart->sample_cnt + 1 + ack->merged,
	                                   (uint32_t)RTT_SAMPLES);
}

static void
judge(struct hystart *hystart)
{
	uint32_t thresh_us = hystart->last_min_us / MIN_RTT_DIVISOR;

	if (hystart->sample_cnt < RTT_SAMPLES)
		return;
	if (hystart->phase == HYSTART_SLOW) {
		if (hystart->min_us < hystart->baseline_us)
			hystart->phase = HYSTART_FULL;
		return;
	}
	thresh_us = MAX(MIN(thresh_us, (uint32_t)MAX_RTT_THRESH_US), (uint32_t)MIN_RTT_THRESH_US);
	if (hystart->last_min_us == 0 || hystart->min_us < hystart->last_min_us + thresh_us)
		return;
	hystart->baseline_us = hystart->min_us;
	hystart->rounds = 0;
	hystart->phase = HYSTART_SLOW;
}

enum hystart_phase
hystart_acked(struct hystart *hystart, const struct cc_ack *ack)
{
	if (!hystart->started)
		round_start(hystart, ack->nxt);
	if (hystart->phase == HYSTART_OVER)
		return HYSTART_OVER;
	sample(hystart, ack);
	judge(hystart);
	if (seq_ge(ack->una, hystart->end_seq))
		round_over(hystart, ack->nxt);
	return hystart->phase;
}
