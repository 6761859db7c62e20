/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* validation.h judges whether a congestion window is in use: a connection that serves requests has
 * little to send for minutes, and its window should neither be taken for tested nor be thrown away.
 *
 *              pipeACK >= cwnd / 2                    pipeACK < cwnd / 2
 *   validated ◄───────────────────── not validated ◄───────────────────── validated
 *                                     │ no growth (the window was not what limited it)
 *                                     │ a loss: half of what was used (cc_lost)
 *                                     │ every 5 minutes: half of the window (cc_decay)
 *
 * pipeACK is the most that was acknowledged in a round trip, of the last sampling periods. The
 * window that is kept is spread by pacing when it is used again; where pacing is off it falls back
 * to the initial window after an RTO (RFC 5681 4.1).
 *
 * Threads, memory. State lives in the connection.
 * Clauses. RFC 7661 4.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_VALIDATION_H
#define SPILLWAY_DATAPLANE_TCP_VALIDATION_H

#include "dataplane/tcp/cc.h"

struct validation {
	uint32_t unvalidated_ticks; /* of 2^10 us: since when the window is not validated; 0: it is */
	uint32_t period_us;        /* when this sampling period began; wraps */
	uint32_t end_seq;          /* the round lasts until it is acknowledged */
	uint32_t round_bytes;      /* acknowledged in it */
	uint32_t most_bytes;       /* in a round of this sampling period */
	uint32_t prior_bytes;      /* in a round of the one before; CC_PIPE_ACK_UNDEFINED */
	bool started;
};

/* validation_acked takes an acknowledgement into account, before congestion control does. */
void
validation_acked(struct validation *validation, struct cc *cc, const struct cc_ack *ack);

/* validation_resumed is called before data is sent while nothing is in flight, idle_us after the
 * last was sent. */
void
validation_resumed(struct validation *validation, struct cc *cc, uint64_t now_us,
                   uint64_t idle_us, uint32_t rto_us);

#endif
