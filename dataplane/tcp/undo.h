/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* undo.h finds out that a loss was none, and takes back what was done for it: the window, the
 * back-off, the marks on the scoreboard.
 *
 *   Eifel   what moved snd_una over a retransmission echoes a time before the first of them
 *           (RFC 3522); answered as RFC 4015 3 says
 *   D-SACK  all that was sent again has arrived twice (RFC 2883, 3708)
 *   F-RTO   after a timeout, without timestamps: something arrives that was not sent again
 *           (RFC 5682 3)
 *   nothing of what was lost had been sent again when it arrived
 *
 * An episode begins with a congestion event and lasts until the next, or, for D-SACKs that are
 * still under way, a flight beyond the end of recovery.
 * Threads. The stack's worker. Memory. In the connection.
 * Hostile peers. One that echoes old times or sends D-SACKs for what it got once has the window of
 * before the event again: what it had got by acknowledging all that was lost at once. D-SACKs
 * count for no more than was sent again, in the range that was.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_UNDO_H
#define SPILLWAY_DATAPLANE_TCP_UNDO_H

#include "dataplane/tcp/options.h"

struct ack_news;
struct tcb;
struct tcp_stack;

enum undo_kind {
	UNDO_NONE,             /* nothing to take back */
	UNDO_FAST,
	UNDO_RTO,
};

enum undo_frto {
	FRTO_OFF,
	FRTO_FIRST,            /* the first segment was sent again: wait for its ACK (step 2) */
	FRTO_NEW,              /* new data is sent, nothing again, until the next ACK (step 3) */
};

struct undo {
	uint8_t kind;          /* enum undo_kind; beside what every acknowledgement looks at */
	uint8_t frto;          /* enum undo_frto */
	bool ended;
	uint32_t until_seq;    /* recovery has ended: D-SACKs count until snd_una is beyond */
	uint64_t first_us;     /* of the episode's first retransmission; 0: none yet */
	struct tcp_range range;    /* from the lowest to the highest that was sent again */
	uint32_t rtx_bytes;    /* sent again, D-SACKs for which have not come */
};

/* undo_begin begins an episode, after the congestion event. */
void
undo_begin(struct tcb *tcb, enum undo_kind kind);

/* undo_forget ends it: there is nothing to take back any more. */
void
undo_forget(struct tcb *tcb);

/* undo_recovered notes that recovery has ended. */
void
undo_recovered(struct tcb *tcb);

/* undo_sent notes a retransmission. */
void
undo_sent(struct tcb *tcb, struct tcp_range range, uint64_t now_us);

/* undo_dsack tells whether a D-SACK may be believed: it lies in what was sent again lately. */
bool
undo_dsack(const struct tcb *tcb, struct tcp_range block);

/* undo_acked takes an ACK in an episode, and the episode back when it was for nothing: the phase is
 * TCP_PHASE_OPEN then. */
void
undo_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news);

#endif
