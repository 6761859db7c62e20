/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rate.h measures how fast a path delivers: what was delivered between the sending of a segment
 * and its acknowledgement, over the longer of the times that sending and acknowledging it took.
 *
 *   sent    each record in flight keeps a mark: what had been delivered by then
 *   ACKed   of all that an ACK or SACK delivers the record sent last is picked
 *   sample  delivered since its mark, over the time since
 *
 * A sample is a pair (bytes, microseconds); pairs are compared by cross multiplication.
 *
 * Threads, memory. State lives in the connection's scoreboard. Counts of bytes and times of 32 bits
 * wrap: only differences within a flight are taken.
 * Clauses. draft-cheng-iccrg-delivery-rate-estimation-02.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_RATE_H
#define SPILLWAY_DATAPLANE_TCP_RATE_H

#include "dataplane/base/common.h"

/* struct rate_mark is what a segment remembers of the time it was sent (3.1.2). */
struct rate_mark {
	uint32_t delivered_bytes;
	uint32_t delivered_us;     /* when the last of them was delivered */
	uint32_t first_sent_us;    /* when the flight that is measured began */
	bool app_limited;
};

/* struct rate_pick is the latest sent of what an acknowledgement delivers. */
struct rate_pick {
	struct rate_mark mark;
	uint32_t sent_us;
	uint32_t min_rtt_us;       /* from who measures it; 0: none yet */
	bool any;
};

/* struct rate_sample is what an acknowledgement tells of the path. */
struct rate_sample {
	uint32_t bytes;
	uint32_t interval_us;      /* 0: no sample */
	uint32_t prior_bytes;      /* delivered in all when the picked segment was sent */
	uint32_t delivered_bytes;  /* delivered in all now */
	bool app_limited;          /* the sender had nothing more to send: the path may do more */
};

struct rate {
	uint32_t delivered_bytes;
	uint32_t delivered_us;
	uint32_t first_sent_us;
	uint32_t limited_bytes;    /* app_limited until so much is delivered */
	uint32_t sample_bytes;     /* the last sample */
	uint32_t sample_us;
	bool app_limited;
};

/* rate_sent marks a segment that is sent, or sent again. idle: nothing was in flight. */
static inline void
rate_sent(struct rate *rate, struct rate_mark *mark, uint64_t now_us, bool idle)
{
	if (idle) {
		rate->first_sent_us = (uint32_t)now_us;
		rate->delivered_us = (uint32_t)now_us;
	}
	mark->delivered_bytes = rate->delivered_bytes;
	mark->delivered_us = rate->delivered_us;
	mark->first_sent_us = rate->first_sent_us;
	mark->app_limited = rate->app_limited;
}

/* rate_pick_sent takes into account a record of which some is delivered for the first time
 * (3.3). */
static inline void
rate_pick_sent(struct rate_pick *pick, const struct rate_mark *mark, uint64_t sent_us)
{
	if (pick->any && (int32_t)((uint32_t)sent_us - pick->sent_us) < 0)
		return;
	pick->mark = *mark;
	pick->sent_us = (uint32_t)sent_us;
	pick->any = true;
}

/* rate_acked makes the sample of an acknowledgement that delivered bytes. */
void
rate_acked(struct rate *rate, const struct rate_pick *pick, uint32_t bytes, uint64_t now_us,
           struct rate_sample *sample);

/* rate_limit notes that the sender has nothing more to send, with pipe_bytes in the network: what
 * is measured until they are delivered says how much there was to send (3.4). */
void
rate_limit(struct rate *rate, uint32_t pipe_bytes);

#endif
