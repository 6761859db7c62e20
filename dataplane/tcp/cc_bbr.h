/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cc_bbr.h is the state of BBR version 1: a model of the path, its greatest delivery rate and its
 * least round trip, rather than losses, sets rate and window.
 *
 *            rate stops growing            queue is gone              every 10 s, unless the
 *   STARTUP ────────────────────► DRAIN ────────────────► PROBE_BW    least round trip was seen
 *   2.89 × the rate               0.35 ×                  1.25, 0.75, 1, 1, 1, 1, 1, 1 ×
 *      ▲                                                     │  ▲
 *      │  not filled yet          200 ms and a round trip    ▼  │ filled
 *      └──────────────────────────────────────────────── PROBE_RTT  4 segments
 *
 * In recovery the window follows what is delivered for a round trip (packet conservation), and
 * what it was comes back afterwards. What an aggregating path acknowledges beyond the rate is
 * added to the window. Long-term sampling for policers is left out.
 * It has no answer to ECN marks: segments of such a connection are not offered for marking.
 *
 * Threads, memory. State lives in the connection. Bandwidths are in 2^-16 bytes a microsecond; a
 * sample is divided only when it raises the maximum, and once a round trip.
 * Clauses. draft-cardwell-iccrg-bbr-congestion-control-00; the clause stands beside the line.
 * Aggregation: draft-cardwell-iccrg-bbr-congestion-control-01 4.6.4 has it as extra_acked.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_CC_BBR_H
#define SPILLWAY_DATAPLANE_TCP_CC_BBR_H

#include "dataplane/tcp/winmax.h"

enum bbr_mode {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_PROBE_BW,
	BBR_PROBE_RTT,
	BBR_MODE_CNT
};

enum { BBR_BW_SHIFT = 16 };    /* bandwidths are in 2^-16 bytes a microsecond */

struct bbr {
	struct winmax bw;      /* of rounds */
	uint32_t best_bytes;   /* the best sample of this round, when below the maximum */
	uint32_t best_us;
	uint32_t byte_time;    /* of the maximum: 2^-20 us a byte */
	uint32_t round_bytes;  /* the round ends when what was sent after so much is delivered */
	uint32_t full_bw;      /* rate at which STARTUP was last seen to grow */
	uint32_t min_rtt_us;   /* UINT32_MAX: none yet */
	uint32_t min_rtt_at_us;        /* times of 32 bits: wrap after 71 minutes */
	union {
		uint32_t cycle_at_us;      /* when this phase of PROBE_BW began */
		uint32_t probe_done_us;    /* when PROBE_RTT may end, once probe_timed */
	};
	uint32_t saved_cwnd_bytes;     /* before recovery or PROBE_RTT */
	uint32_t epoch_us;     /* aggregation: since then ... */
	uint32_t epoch_bytes;  /* ... so much was acknowledged */
	uint32_t extra_bytes[2];       /* the most beyond the rate, of 5 rounds each */
	uint16_t round_cnt;    /* wraps */
	uint8_t mode : 2;      /* enum bbr_mode */
	uint8_t cycle : 3;     /* phase of PROBE_BW */
	uint8_t full_cnt : 2;  /* rounds in which the rate did not grow, [0, 3] */
	uint8_t extra_idx : 1;
	uint8_t extra_rounds : 3;
	bool full : 1;         /* STARTUP has filled the pipe */
	bool round_start : 1;  /* this ACK begins a round */
	bool repairing : 1;    /* the last ACK was of recovery */
	bool entering : 1;     /* recovery begins with this ACK */
	bool conserve : 1;     /* packet conservation */
	bool probe_timed : 1;
	bool probe_round : 1;  /* a round has passed in PROBE_RTT */
	bool resumed : 1;      /* after idling: the first ACKs tell nothing of the round trip */
	bool seen_rtt : 1;
};

#endif
