/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* bucket.h is a token bucket: a rate in bytes a second, and what may leave of it now.
 *
 * What leaves is taken after the event and may pass what there was: the debt is paid before
 * anything else leaves, so that the rate holds however long a block is. What nobody uses is kept
 * for BUCKET_BURST_US, what a late worker keeps from those who wait for BUCKET_LATE times that.
 * Tokens are counted in 2^-20 bytes: nothing is lost by looking often, and looking never divides.
 *
 * Threads. One worker. Time is the caller's, in microseconds.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_BUCKET_H
#define SPILLWAY_DATAPLANE_BASE_BUCKET_H

#include "dataplane/base/common.h"
#include "dataplane/base/limits.h"

enum {
	BUCKET_SHIFT = 20,      /* of tokens */
	BUCKET_WAIT_SHIFT = 24, /* of the time that a byte takes */
};
#define BUCKET_RATE_MIN UINT64_C(1024)          /* bytes a second */
#define BUCKET_RATE_MAX (UINT64_C(1) << 37)

struct bucket {
	uint64_t rate_bytes_per_s; /* 0: not limited */
	int64_t tokens_q;          /* bytes << BUCKET_SHIFT; below 0: a debt */
	int64_t burst_q;
	int64_t wake_q;            /* to wake up for */
	uint64_t per_us_q;
	uint64_t us_per_byte_q;    /* << BUCKET_WAIT_SHIFT */
	uint64_t span_us;          /* no longer absence is made up for */
	uint64_t at_us;            /* when tokens were last added */
	uint64_t used_bytes;       /* since the bucket was made */
};

/* bucket_set_rate changes the rate; debt and tokens stay, as far as the new burst allows.
 *
 * rate_bytes_per_s  0: not limited; else taken to [BUCKET_RATE_MIN, BUCKET_RATE_MAX]. */
COLD void
bucket_set_rate(struct bucket *bucket, uint64_t rate_bytes_per_s, uint64_t now_us);

/* bucket_refill adds the tokens of the time since the last call. */
static inline void
bucket_refill(struct bucket *bucket, uint64_t now_us)
{
	uint64_t us = now_us > bucket->at_us ? now_us - bucket->at_us : 0;

	us = MIN(us, bucket->span_us);
	bucket->at_us = now_us;
	if (bucket->tokens_q < bucket->burst_q)
		bucket->tokens_q = MIN(bucket->tokens_q + (int64_t)(us * bucket->per_us_q),
		                       bucket->burst_q);
}

/* bucket_refill_late is bucket_refill when somebody has waited all that time: what a late worker
 * missed is made up for, BUCKET_LATE bursts at most. */
static inline void
bucket_refill_late(struct bucket *bucket, uint64_t now_us)
{
	uint64_t us = now_us > bucket->at_us ? now_us - bucket->at_us : 0;

	us = MIN(us, bucket->span_us);
	bucket->at_us = now_us;
	bucket->tokens_q = MIN(bucket->tokens_q + (int64_t)(us * bucket->per_us_q),
	                       bucket->burst_q * BUCKET_LATE);
}

/* bucket_bytes returns the bytes that may leave now, 0 when none. Of one that is limited. */
static inline uint64_t
bucket_bytes(const struct bucket *bucket)
{
	/* rounded up: the last part of a byte counts as one, or nothing would ever leave */
	return bucket->tokens_q > 0 ? ((uint64_t)bucket->tokens_q >> BUCKET_SHIFT) + 1 : 0;
}

/* bucket_take takes what has left. */
static inline void
bucket_take(struct bucket *bucket, uint64_t bytes)
{
	if (bucket->rate_bytes_per_s == 0)
		return;
	bucket->tokens_q -= (int64_t)(bytes << BUCKET_SHIFT);
	bucket->used_bytes += bytes;
}

/* bucket_wake_us returns when there will be enough to wake up for. Of one that is limited. */
static inline uint64_t
bucket_wake_us(const struct bucket *bucket, uint64_t now_us)
{
	uint64_t bytes = (uint64_t)(bucket->wake_q - MIN(bucket->tokens_q, bucket->wake_q)) >>
	                 BUCKET_SHIFT;

	return now_us + (bytes * bucket->us_per_byte_q >> BUCKET_WAIT_SHIFT) + 1;
}

#endif
