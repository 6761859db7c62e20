/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* pace.h spreads what a window allows over the round trip: a gate that is shut while a connection
 * is ahead of its rate.
 *
 * release_us is when the next byte is due at the rate. A segment moves it on by the time that its
 * bytes take; when it lies in the future the gate shuts, and opens when a quantum is due, so that
 * a timer serves about a millisecond of the rate. A connection that comes late, because the timer
 * or the worker did, may catch up on what the rate allows, within burst_us; one that had nothing
 * to send gets a quantum.
 *
 *     rate            a quantum                              may catch up on
 *     below 23 Mb/s   2 segments, 1 if it takes over 50 ms   a quantum and 2 ticks, at least 4 ms
 *     .. 0.5 Gb/s     1 ms                                   4 ms
 *     above           64 KiB                                 256 KiB
 *
 * Not paced: the initial window, which is small enough to be sent at once (RFC 6928 2) and of
 * which nobody should wait for the last segment while the rate is a guess; and paths whose round
 * trip is shorter than PACE_SRTT_MIN_US: the rate times a few ticks is more than the window there,
 * so that the timer could not spread it.
 *
 * Threads, memory. State lives in the connection. Only pace_follow divides, for a new rate.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_PACE_H
#define SPILLWAY_DATAPLANE_TCP_PACE_H

#include "dataplane/base/timer_wheel.h"

enum {
	PACE_SHIFT = 20,                       /* a byte's time is in 2^-20 us */
	PACE_SRTT_MIN_US = 8 * TIMER_TICK_US,
};

struct pace {
	uint64_t release_us;   /* when the next byte is due */
	uint32_t release_frac; /* of 2^-20 us, beyond release_us */
	uint32_t open_after_us;        /* while shut: it opens so long after release_us */
	uint32_t byte_time;    /* of 2^-20 us, for each byte; 0: not paced */
	uint32_t quantum_us;   /* of the rate, released at once */
	uint32_t burst_us;     /* of the rate, made up for when late */
	uint32_t mss_inverse;  /* 2^32 / mss, rounded up */
	uint16_t mss;          /* of a full segment, when the rate was last taken */
	uint16_t burst_segs;   /* full segments in a quantum, at least 1 */
	bool shut;
	bool waits;            /* it alone holds something back */
};

/* pace_follow takes a new rate, as the time of a byte; 0 ends pacing. mss: of a full segment, > 0
 * and below 2^16. */
void
pace_follow(struct pace *pace, uint32_t byte_time, uint32_t mss);

/* pace_segments returns how many full segments there are in bytes, below 2^16. */
static inline uint32_t
pace_segments(const struct pace *pace, uint32_t bytes)
{
	return (uint32_t)((uint64_t)bytes * pace->mss_inverse >> 32);
}

/* pace_burst_bytes returns the most that should leave as one packet for a device to cut: a quantum
 * in full segments. */
static inline uint32_t
pace_burst_bytes(const struct pace *pace)
{
	return (uint32_t)pace->burst_segs * pace->mss;
}

/* pace_open_us returns when a gate that is shut opens. */
static inline uint64_t
pace_open_us(const struct pace *pace)
{
	return pace->release_us + pace->open_after_us;
}

/* pace_settle opens the gate when its time has come. */
static inline void
pace_settle(struct pace *pace, uint64_t now_us)
{
	if (!pace->shut || now_us < pace_open_us(pace))
		return;
	pace->shut = false;
	if (pace->release_us + pace->burst_us < now_us)
		pace->release_us = now_us - pace->burst_us;
}

/* pace_charge counts bytes that leave now, and shuts the gate when they are ahead of the rate. */
static inline void
pace_charge(struct pace *pace, uint32_t bytes, uint64_t now_us)
{
	uint64_t time;

	if (pace->byte_time == 0)
		return;
	if (pace->release_us + pace->burst_us < now_us)        /* idle rather than late */
		pace->release_us = now_us - pace->quantum_us;
	time = (uint64_t)bytes * pace->byte_time + pace->release_frac;
	pace->release_frac = time & ((1u << PACE_SHIFT) - 1);
	time >>= PACE_SHIFT;
	pace->release_us += time;
	if (pace->release_us <= now_us)
		return;
	pace->shut = true;
	pace->open_after_us = pace->quantum_us - (uint32_t)MIN(time, pace->quantum_us);
}

#endif
