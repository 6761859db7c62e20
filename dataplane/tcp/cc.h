/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cc.h is congestion control behind one table of functions: how much may be in flight, and how
 * fast it may leave.
 *
 * Recovery decides when something is lost and calls cc_lost or cc_timed_out once for each
 * congestion event, and cc_undo when the event proves to have been none; acked tells of every
 * acknowledgement that brought news.
 *
 *     cubic     CUBIC with HyStart++ (cc_cubic.c); the default
 *     bbr       BBR, version 1 (cc_bbr.h)
 *     newreno   the window of RFC 5681 and 6582, with HyStart++ (cc_newreno.c)
 *
 * The rate is kept as the time that a byte takes, in 2^-20 us, so that who sends multiplies; it is
 * computed anew, with a division, when the window or the round-trip time has moved by a sixteenth.
 *
 * Threads, memory. State lives in the connection.
 * Clauses. RFC 5681, 3465, 6928, 9438, 9406, 7661, 8511.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_CC_H
#define SPILLWAY_DATAPLANE_TCP_CC_H

#include "dataplane/tcp/cc_bbr.h"
#include "dataplane/tcp/hystart.h"
#include "dataplane/tcp/rate.h"
#include "dataplane/tcp/tcp.h"

struct cc;

/* struct cc_ack is what one acknowledgement told. */
struct cc_ack {
	uint64_t now_us;
	uint32_t acked_bytes;      /* by which snd_una moved */
	uint32_t delivered_bytes;  /* newly acknowledged or SACKed */
	uint32_t lost_bytes;       /* taken to be lost since the one before */
	uint32_t rtt_us;           /* measured by this ACK; 0: it measured none */
	uint32_t srtt_us;
	uint32_t pipe_bytes;       /* in the network, after it */
	uint32_t una;              /* first unacknowledged and next sequence number, after it */
	uint32_t nxt;
	uint32_t merged;           /* acknowledgements before it that it stands for as well */
	struct rate_sample rate;
	bool cwnd_limited;         /* window or pacing held back what is acknowledged (RFC 7661 4.1) */
	bool recovering;           /* in fast recovery, before or after it */
	bool repairing;            /* what was lost is being sent again, after it */
};

struct cc_ops {
	const char *name;
	bool own_recovery;     /* sets the window in recovery itself: no PRR (RFC 9937) then */

	/* init sets the state up; cwnd, ssthresh and mss are set already. */
	void (*init)(struct cc *cc);

	/* acked: an acknowledgement arrived. A window that was not used does not grow
	 * (RFC 7661, 9438 5.8), nor does one in recovery. Sets the rate too. */
	void (*acked)(struct cc *cc, const struct cc_ack *ack);

	/* lost: a loss was found, flight bytes were outstanding. Sets ssthresh and cwnd, unless
	 * own_recovery. */
	void (*lost)(struct cc *cc, uint32_t flight_bytes);

	/* timed_out: the retransmission timer expired for the first time on this flight. Sets
	 * ssthresh; cwnd becomes one segment. */
	void (*timed_out)(struct cc *cc, uint32_t flight_bytes);

	/* undo: the last event was none; cwnd and ssthresh are back already (RFC 4015 3.2). */
	void (*undo)(struct cc *cc);

	/* marked: a router marked a segment rather than drop it (RFC 3168 6.1.2). NULL: it has
	 * no answer to that, and segments must not offer to be marked. */
	void (*marked)(struct cc *cc, uint32_t flight_bytes);

	/* resumed: data is sent while nothing is in flight. NULL: it does not matter. */
	void (*resumed)(struct cc *cc, uint64_t now_us, bool app_limited);
};

/* struct cubic_epoch is where on which curve the window is (RFC 9438 4.1.2). */
struct cubic_epoch {
	uint64_t start_us;     /* start of this congestion avoidance; 0: none yet */
	uint32_t w_max_bytes;
	uint32_t w_est_bytes;  /* what Reno would have */
	uint32_t prior_bytes;  /* cwnd_prior: before the last reduction */
	uint32_t k_ticks;      /* ticks of 1024 us until w_max is reached again */
};

struct cubic {
	struct cubic_epoch epoch;
	union {
		struct cubic_epoch before;     /* the last congestion event (4.9) */
		struct hystart hystart;        /* until the first: ssthresh is CC_SSTHRESH_NONE */
	};
	uint64_t last_us;      /* last acknowledgement, to leave idle time out */
	uint64_t credit;       /* bytes * bytes towards the next segment of growth */
	uint32_t est_credit_bytes;
};

struct newreno {
	uint32_t credit_bytes; /* acknowledged towards the next segment of growth */
	struct hystart hystart;
};

struct cc {
	const struct cc_ops *ops;
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes;       /* CC_SSTHRESH_NONE: no congestion yet */
	uint32_t mss;
	uint32_t byte_time;            /* 2^-20 us for each byte sent; 0: not paced */
	uint32_t paced_cwnd_bytes;     /* what byte_time was computed for */
	uint32_t paced_srtt_us;
	uint32_t prior_cwnd_bytes;     /* before the last congestion event, for cc_undo */
	uint32_t prior_ssthresh_bytes;
	uint32_t pipe_ack_bytes;       /* RFC 7661 4.2, from validation.h; CC_PIPE_ACK_UNDEFINED */
	bool after_rto;        /* slow start counts one segment an ACK (RFC 3465 2.3) */
	bool paced_slow_start;         /* byte_time was computed for slow start */
	bool holds_back;       /* set by acked: what is sent now does not fill the path on purpose */
	union {
		struct cubic cubic;
		struct newreno newreno;
		struct bbr bbr;
	};
};

static_assert(sizeof(struct cc) <= 136, "little more than two lines of a connection");

enum { CC_IW_SEGMENTS = 10 };  /* RFC 6928 2 */

#define CC_SSTHRESH_NONE      ((uint32_t)TCP_SND_QUEUE_MAX)
#define CC_PIPE_ACK_UNDEFINED UINT32_MAX

extern const struct cc_ops cc_cubic;
extern const struct cc_ops cc_newreno;
extern const struct cc_ops cc_bbr;

/* cc_ops_of returns the table of a congestion control, below TCP_CC_CNT. */
const struct cc_ops *
cc_ops_of(enum tcp_cc which);

/* cc_init starts with the initial window, or one segment when the handshake lost one
 * (RFC 6928 2, 5681 3.1). */
void
cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, bool syn_lost);

/* cc_change goes on with another congestion control from the present window. */
void
cc_change(struct cc *cc, const struct cc_ops *ops);

/* cc_slow_start grows the window by what an ACK acknowledged, up to ssthresh (RFC 5681 3.1 with
 * byte counting, RFC 3465 2.2), and lets HyStart++ end the first slow start (RFC 9406). Returns
 * the bytes that were not used up. */
uint32_t
cc_slow_start(struct cc *cc, struct hystart *hystart, const struct cc_ack *ack);

/* cc_pace sets the rate to what the window is worth in a round trip: twice that in slow start,
 * so that the window can double, 1.2 times that afterwards. Divides when the window or the round
 * trip has moved by a sixteenth, a dozen times a round trip at most. */
void
cc_pace(struct cc *cc, uint32_t srtt_us);

/* cc_lost and cc_timed_out tell of a congestion event, and remember how it was before. A timeout
 * that follows another without progress is the same event. cc_lost on a window that was not
 * validated takes it down to half of what was used (RFC 7661 4.4.1). */
void
cc_lost(struct cc *cc, uint32_t flight_bytes);
void
cc_timed_out(struct cc *cc, uint32_t flight_bytes);

/* cc_marked tells that a segment met congestion and was marked. ops->marked is not NULL. */
void
cc_marked(struct cc *cc, uint32_t flight_bytes);

/* cc_undo takes the last congestion event back: what seemed lost was not. */
void
cc_undo(struct cc *cc);

/* cc_unvalidated tells whether less than half of the window is known to be used (RFC 7661 4.3). */
static inline bool
cc_unvalidated(const struct cc *cc)
{
	return cc->pipe_ack_bytes < cc->cwnd_bytes / 2;
}

/* cc_restart falls back to the initial window after an idle time (RFC 5681 4.1): for a window that
 * pacing would not spread. */
void
cc_restart(struct cc *cc);

/* cc_decay gives up half of a window that went unused for long (RFC 7661 4.4.3). */
void
cc_decay(struct cc *cc);

#endif
