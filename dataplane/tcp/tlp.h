/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tlp.h is the tail loss probe (RFC 8985 7): when ACKs stay away for two round trips, one segment
 * is sent to draw one, long before the retransmission timer: new data, or the last segment again.
 *
 *   armed ──── PTO ───► now ──── sent ───► out ──── ACK (7.4.2) ───► armed
 *
 * Beyond RFC 8985, fast recovery is probed too: when it hears nothing for as long, what it sent
 * again was probably lost, and the timeout would cost the window. The first segment is sent once
 * more; if that arrives RACK sees what else was lost, and the window answers (RFC 5681 4.3).
 *
 * Threads. The stack's worker. Memory. In the connection.
 * Clauses. RFC 8985 7.2 (when), 7.3 (what), 7.4 (what came of it).
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TLP_H
#define SPILLWAY_DATAPLANE_TCP_TLP_H

#include "dataplane/base/common.h"

struct ack_news;
struct tcb;
struct tcp_stack;

struct tlp {
	uint32_t end_seq;      /* TLP.end_seq */
	uint32_t flight_bytes; /* when it was sent */
	bool now;              /* a probe is owed */
	bool out;              /* TLP.end_seq is set */
	bool again;            /* TLP.is_retrans */
	bool silent;           /* recovery was probed and has heard nothing since */
};

/* tlp_schedule sets TCP_DUE_PTO when a probe may be wanted and none is out (7.2). The
 * retransmission timer is set. */
void
tlp_schedule(struct tcp_stack *stack, struct tcb *tcb);

/* tlp_due lets output send a probe, and starts the retransmission timer anew (7.3). In recovery
 * the first segment is sent again. */
void
tlp_due(struct tcp_stack *stack, struct tcb *tcb);

/* tlp_heard notes that something was delivered in recovery. */
void
tlp_heard(struct tcb *tcb);

/* tlp_sent notes that the probe left; again: it repeated the last segment. */
void
tlp_sent(struct tcp_stack *stack, struct tcb *tcb, bool again);

/* tlp_acked finds out whether a probe that is out repaired a loss; if it did congestion control is
 * told (7.4.2). */
void
tlp_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news);

/* tlp_forget gives up a probe: recovery begins. */
void
tlp_forget(struct tcb *tcb);

#endif
