/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cc.h is congestion control behind one table of functions: how much may be in flight.
 *
 * Recovery decides when something is lost and calls lost or timed_out once for each congestion
 * event; between them acked tells of each acknowledgement that arrived while the window was the
 * limit (RFC 7661, 9438 5.8: a window that was not used does not grow).
 *
 * Threads, memory. State lives in the connection.
 * Clauses. RFC 5681, 3465, 6928, 9438.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_CC_H
#define SPILLWAY_DATAPLANE_TCP_CC_H

#include "dataplane/base/common.h"

struct cc;

struct cc_ops {
	const char *name;

	/* init sets the state up; cwnd, ssthresh and mss are set already. */
	void (*init)(struct cc *cc);

	/* acked: bytes > 0 were acknowledged. */
	void (*acked)(struct cc *cc, uint32_t bytes, uint32_t srtt_us, uint64_t now_us);

	/* lost: a loss was found, flight bytes were outstanding. Sets ssthresh and cwnd. */
	void (*lost)(struct cc *cc, uint32_t flight_bytes);

	/* timed_out: the retransmission timer expired for the first time on this flight. Sets
	 * ssthresh; cwnd becomes one segment. */
	void (*timed_out)(struct cc *cc, uint32_t flight_bytes);
};

struct cubic {
	uint64_t epoch_us;     /* start of this congestion avoidance; 0: none yet */
	uint64_t last_us;      /* last growth, to leave idle time out */
	uint64_t credit;       /* bytes * bytes towards the next segment of growth */
	uint32_t w_max_bytes;
	uint32_t w_est_bytes;  /* what Reno would have */
	uint32_t est_credit_bytes;
	uint32_t k_ticks;      /* ticks of 1024 us until w_max is reached again */
};

struct cc {
	const struct cc_ops *ops;
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes;
	uint32_t mss;
	bool after_rto;        /* slow start counts one segment an ACK (RFC 3465 2.3) */
	union {
		struct cubic cubic;
	};
};

extern const struct cc_ops cc_cubic;

/* cc_init starts with the initial window, or one segment when the handshake lost one
 * (RFC 6928 2, 5681 3.1). */
void
cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, bool syn_lost);

/* cc_slow_start grows the window by what was acknowledged, up to ssthresh (RFC 5681 3.1 with
 * byte counting, RFC 3465 2.2). Returns the bytes that were not used up. */
uint32_t
cc_slow_start(struct cc *cc, uint32_t bytes);

/* cc_restart falls back to the initial window after an idle time (RFC 5681 4.1). */
void
cc_restart(struct cc *cc);

#endif
