/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cc.h is congestion control behind one table of functions: how much may be in flight.
 *
 * Recovery decides when something is lost and calls cc_lost or cc_timed_out once for each
 * congestion event, and cc_undo when the event proves to have been none; acked tells of every
 * acknowledgement that brought news.
 *
 * Threads, memory. State lives in the connection.
 * Clauses. RFC 5681, 3465, 6928, 9438.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_CC_H
#define SPILLWAY_DATAPLANE_TCP_CC_H

#include "dataplane/base/common.h"

struct cc;

/* struct cc_ack is what one acknowledgement told. */
struct cc_ack {
	uint64_t now_us;
	uint32_t acked_bytes;      /* by which snd_una moved */
	uint32_t delivered_bytes;  /* newly acknowledged or SACKed */
	uint32_t rtt_us;           /* measured by this ACK; 0: it measured none */
	uint32_t srtt_us;
	uint32_t pipe_bytes;       /* in the network, after it */
	bool cwnd_limited;         /* the window held back what is acknowledged (RFC 7661 4.1) */
	bool recovering;           /* in fast recovery, before or after it */
};

struct cc_ops {
	const char *name;

	/* own_recovery: what may be sent in recovery is for it to say, not for PRR (RFC 9937). */
	bool own_recovery;

	/* init sets the state up; cwnd, ssthresh and mss are set already. */
	void (*init)(struct cc *cc);

	/* acked: an acknowledgement arrived. A window that was not used does not grow
	 * (RFC 7661, 9438 5.8), nor does one in recovery. */
	void (*acked)(struct cc *cc, const struct cc_ack *ack);

	/* lost: a loss was found, flight bytes were outstanding. Sets ssthresh and cwnd. */
	void (*lost)(struct cc *cc, uint32_t flight_bytes);

	/* timed_out: the retransmission timer expired for the first time on this flight. Sets
	 * ssthresh; cwnd becomes one segment. */
	void (*timed_out)(struct cc *cc, uint32_t flight_bytes);

	/* undo: the last event was none; cwnd and ssthresh are back already (RFC 4015 3.2). */
	void (*undo)(struct cc *cc);
};

struct cubic {
	uint64_t epoch_us;     /* start of this congestion avoidance; 0: none yet */
	uint64_t last_us;      /* last growth, to leave idle time out */
	uint64_t credit;       /* bytes * bytes towards the next segment of growth */
	uint32_t w_max_bytes;
	uint32_t w_est_bytes;  /* what Reno would have */
	uint32_t est_credit_bytes;
	uint32_t k_ticks;      /* ticks of 1024 us until w_max is reached again */
	uint32_t prior_w_max_bytes;    /* before the last congestion event */
	uint64_t prior_epoch_us;
};

struct cc {
	const struct cc_ops *ops;
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes;
	uint32_t mss;
	uint32_t prior_cwnd_bytes;     /* before the last congestion event, for cc_undo */
	uint32_t prior_ssthresh_bytes;
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

/* cc_lost and cc_timed_out tell of a congestion event, and remember how it was before. A timeout
 * that follows another without progress is the same event. */
void
cc_lost(struct cc *cc, uint32_t flight_bytes);
void
cc_timed_out(struct cc *cc, uint32_t flight_bytes);

/* cc_undo takes the last congestion event back: what seemed lost was not. */
void
cc_undo(struct cc *cc);

/* cc_restart falls back to the initial window after an idle time (RFC 5681 4.1). */
void
cc_restart(struct cc *cc);

#endif
