/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcb.h is one connection, as the files of tcp/ share it.
 *
 * Threads. The stack's worker.
 * Memory. At most 1 KiB each, from the stack's pool; queue entries, flight records and
 * out-of-order segments hang off it and come from pools of their own.
 * Invariants. snd_una <= snd_nxt <= sendq.end + (FIN queued); the scoreboard covers
 * [snd_una, snd_nxt) exactly in states that have synchronised.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TCB_H
#define SPILLWAY_DATAPLANE_TCP_TCB_H

#include "dataplane/base/seq.h"
#include "dataplane/base/timer_wheel.h"
#include "dataplane/tcp/cc.h"
#include "dataplane/tcp/challenge.h"
#include "dataplane/tcp/persist.h"
#include "dataplane/tcp/pmtu.h"
#include "dataplane/tcp/prr.h"
#include "dataplane/tcp/rack.h"
#include "dataplane/tcp/ecn.h"
#include "dataplane/tcp/pace.h"
#include "dataplane/tcp/reasm.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/scoreboard.h"
#include "dataplane/tcp/sendq.h"
#include "dataplane/tcp/table.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/tcp/tlp.h"
#include "dataplane/tcp/undo.h"
#include "dataplane/tcp/why.h"
#include "dataplane/tcp/validation.h"

/* what one timer of a connection multiplexes */
enum tcp_deadline {
	TCP_DUE_REO,           /* suspects of reordering are lost then (RFC 8985 6.2) */
	TCP_DUE_PTO,           /* tail loss probe (RFC 8985 7.2); before the RTO of the same time */
	TCP_DUE_RTO,           /* retransmission, of SYN and SYN-ACK too */
	TCP_DUE_PERSIST,
	TCP_DUE_STALL,         /* to look whether the peer takes anything */
	TCP_DUE_DELACK,
	TCP_DUE_KEEPALIVE,
	TCP_DUE_LIFE,          /* closing, FIN-WAIT-2 */
	TCP_DUE_PACE,          /* the gate of pacing opens */
	TCP_DEADLINE_CNT
};

#define TCP_NEVER UINT64_MAX

enum tcp_phase {
	TCP_PHASE_OPEN,        /* nothing is known to be lost */
	TCP_PHASE_FAST,        /* fast recovery until recover_seq */
	TCP_PHASE_RTO,         /* after a timeout, until recover_seq */
};

struct tcb {
	/* line 0: found and judged by, on every segment */
	struct flow flow;
	uint32_t rcv_nxt;
	uint32_t snd_una;
	uint32_t snd_nxt;
	uint32_t snd_wnd;          /* bytes, scaled */
	uint32_t snd_wnd_max;      /* the largest that the peer has offered */
	uint32_t snd_wl1;          /* number of the segment that snd_wnd was taken from */
	uint32_t rcv_wnd;          /* bytes that we offer */
	uint32_t ts_recent;        /* RFC 7323 4.3 */
	uint32_t last_ack_sent;
	uint8_t state;             /* enum tcp_state; tcp_set_state writes it */
	uint8_t phase;             /* enum tcp_phase */
	bool ts_ok;
	bool sack_ok;
	uint8_t snd_wscale;        /* the peer's shift */
	uint8_t rcv_wscale;        /* ours */
	uint16_t mss;              /* payload bytes of a full segment beside timestamps */

	/* line 1: what is owed */
	struct tcb *ready_next __attribute__((aligned(64)));   /* ready list; when ended, the others */
	struct tcb *ready_prev;
	int32_t deficit_bytes;     /* deficit round robin */
	uint32_t events;           /* enum tcp_event, to be told by the running call */
	bool ack_now;
	bool ready;                /* in the ready list */
	uint8_t delack_cnt;        /* segments received since an ACK was sent */
	bool synack_now;           /* our SYN, with the ACK of the peer's if that has come */
	bool probe_now;            /* zero-window probe */
	bool keepalive_now;
	bool again_force;          /* send the first lost segment whatever the pipe */
	bool fin_queued;
	bool deaf;                 /* the owner has closed: what arrives is dropped */
	bool active;               /* we opened it */
	bool rcv_fin;              /* the peer's FIN was taken */
	bool ooo_fin;              /* it arrived early, at ooo_fin_seq */
	bool probe_out;            /* the only byte in flight is a probe's */
	bool cwnd_limited;         /* the window held back sending at cwnd_limited_seq */
	uint8_t backoff;           /* doublings of the RTO, or of the probe interval */
	uint8_t retries;           /* without an answer */
	uint8_t keepalive_cnt;
	uint8_t dupack_cnt;        /* [0, 3] */
	uint8_t pmtu_on;           /* enum pmtu_on */
	uint32_t dup_bytes;        /* without SACK: left the network by duplicate ACKs */
	uint32_t cwnd_limited_seq;
	struct tlp tlp;

	/* line 2: the timer, and what is due first while there is a flight */
	struct timer timer;
	uint64_t deadline_us[TCP_DEADLINE_CNT]; /* TCP_NEVER: not set */

	/* line 3: from deadline_us[TCP_DUE_DELACK] on; not for an acknowledgement */
	void *user;
	uint64_t last_send_us;
	uint64_t retransmit_bytes;
	uint32_t rcv_full;         /* bytes of the longest segment received */
	uint32_t delack_bytes;     /* in the segments of delack_cnt */

	/* lines 4 to 11: the sender */
	struct scoreboard board __attribute__((aligned(64)));
	uint32_t srtt_us;          /* 0: no sample yet */
	uint32_t rttvar_us;
	uint32_t rto_us;
	uint32_t recover_seq;      /* RFC 6582 3.1, 6675 5: snd_nxt when recovery began */
	struct min_rtt min_rtt;
	struct sendq sendq;
	uint64_t acked_bytes;
	uint64_t last_rcv_us;
	uint64_t ts_recent_us;     /* when ts_recent was set (RFC 7323 5.5) */
	struct rack rack;
	struct pace pace;
	struct cc cc;
	struct why why;
	struct reasm reasm;
	struct validation validation;
	struct ecn ecn;
	uint32_t ts_offset;
	struct undo undo;          /* an acknowledgement looks at its kind */

	/* line 12 on: seldom */
	struct prr prr;            /* in fast recovery only */
	uint32_t ooo_fin_seq;
	uint64_t reduced_us;       /* when recovery last shrank the window */
	uint32_t iss;
	uint32_t irs;
	struct ip_path path;
	struct pmtu pmtu;
	struct persist persist;
	struct challenge_own challenge;
	uint64_t oow_ack_us;       /* when an unacceptable empty segment was last answered */
};

static_assert(sizeof(struct tcb) <= 960, "with its places in the tables at most 1 KiB");
static_assert(offsetof(struct tcb, mss) + sizeof(uint16_t) == 64, "line 0 is full");
static_assert(offsetof(struct tcb, timer) == 128, "line 1 is full");
static_assert(offsetof(struct tcb, deadline_us[TCP_DUE_DELACK]) == 192, "line 2 is full");
static_assert(offsetof(struct tcb, board.newly_lost_bytes) == 320, "line 4 is full");
static_assert(offsetof(struct tcb, sendq) == 384, "line 5 is full");
static_assert(offsetof(struct tcb, rack) == 448, "line 6 is full");
static_assert(offsetof(struct tcb, undo.kind) < 768, "the sender has eight lines");

/* tcb_prefetch calls for the lines of a connection, beside the first, that an acknowledgement looks
 * at. */
static inline void
tcb_prefetch(const struct tcb *tcb)
{
	__builtin_prefetch(&tcb->ready_next);
	__builtin_prefetch(&tcb->timer);
	for (uint32_t at = offsetof(struct tcb, board); at <= offsetof(struct tcb, undo); at += 64)
		__builtin_prefetch((const char *)tcb + at);
}

/* tcb_flight returns the sequence numbers sent and not acknowledged. */
static inline uint32_t
tcb_flight(const struct tcb *tcb)
{
	return tcb->snd_nxt - tcb->snd_una;
}

/* tcb_pipe estimates what is in the network (RFC 6675 4); without SACK each duplicate ACK stands
 * for a segment that left it (RFC 6582 3.2, 3042). */
static inline uint32_t
tcb_pipe(const struct tcb *tcb)
{
	const struct scoreboard *board = &tcb->board;
	uint32_t pipe = tcb_flight(tcb) - board->sacked_bytes - board->lost_bytes +
	                board->rtx_bytes;

	return pipe - MIN(pipe, tcb->dup_bytes);
}

/* tcb_unsent returns the bytes queued and never sent. */
static inline uint32_t
tcb_unsent(const struct tcb *tcb)
{
	return seq_gt(tcb->sendq.end, tcb->snd_nxt) ? tcb->sendq.end - tcb->snd_nxt : 0;
}

/* tcb_fin_sent tells whether our FIN has been sent. */
static inline bool
tcb_fin_sent(const struct tcb *tcb)
{
	return tcb->snd_nxt == tcb->sendq.end + 1;
}

/* tcb_fin_acked tells whether our FIN has been acknowledged. */
static inline bool
tcb_fin_acked(const struct tcb *tcb)
{
	return tcb->fin_queued && tcb->snd_una == tcb->sendq.end + 1;
}

/* tcb_queued returns the bytes queued: unsent and unacknowledged. */
static inline uint32_t
tcb_queued(const struct tcb *tcb)
{
	return seq_gt(tcb->sendq.end, tcb->snd_una) ? tcb->sendq.end - tcb->snd_una : 0;
}

/* tcb_rcv_wnd returns the window we offer: the owner always takes what arrives. */
static inline uint32_t
tcb_rcv_wnd(const struct tcb *tcb)
{
	return tcb->rcv_wnd;
}

#endif
