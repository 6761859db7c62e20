/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* states.h says what may happen in which state: one table of [state][event], and the only writer
 * of a connection's state.
 *
 *            connect           SYN and ACK of SYN
 *   CLOSED ───────────► SYN-SENT ────────────────────────┐
 *                           │ SYN                        ▼
 *   LISTEN ───────────► SYN-RECEIVED ──────────────► ESTABLISHED
 *               SYN                    ACK of SYN       │     │ FIN
 *                             FIN-WAIT-1 ◄──────────────┘     └──────► CLOSE-WAIT
 *              ACK of FIN │      │ FIN     close, shutdown                 │ close, shutdown
 *              FIN-WAIT-2 ◄      ► CLOSING                                 ▼
 *                     │ FIN          │ ACK of FIN                      LAST-ACK
 *                     └─► TIME-WAIT ◄┘                                     │ ACK of FIN
 *   any: reset, abort, given up ───────────────► CLOSED ◄──────────────────┘
 *
 * CLOSED and LISTEN are what a segment meets that belongs to no connection; TIME-WAIT is
 * timewait.h.
 * Clauses. RFC 9293 3.3.2, 3.10.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_STATES_H
#define SPILLWAY_DATAPLANE_TCP_STATES_H

#include "dataplane/base/counters.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/tcp.h"

/* what can happen: a segment, by its control bits; or a call of the owner */
enum tcp_happening {
	TCP_IN_NOTHING,        /* none of ACK, SYN, RST */
	TCP_IN_ACK,
	TCP_IN_FIN,            /* with ACK */
	TCP_IN_SYN,
	TCP_IN_SYN_ACK,
	TCP_IN_RST,
	TCP_IN_NONSENSE,       /* SYN with FIN or RST; FIN without ACK */
	TCP_CALL_SEND,
	TCP_CALL_SHUTDOWN,
	TCP_CALL_CLOSE,
	TCP_CALL_ABORT,
	TCP_HAPPENING_CNT
};

enum tcp_step {
	TCP_STEP_NONE,         /* no answer was given: a hole in the table */
	TCP_STEP_DROP,         /* drop, count */
	TCP_STEP_RESET,        /* drop, count, answer with RST */
	TCP_STEP_OPEN,         /* make a connection */
	TCP_STEP_COOKIE,       /* a connection when it brings a SYN cookie back, else RST */
	TCP_STEP_WALK,         /* RFC 9293 3.10.7.4 */
	TCP_STEP_ANSWER,       /* open_answer_arrives: 3.10.7.3 */
	TCP_STEP_WAIT,         /* timewait_arrives */
	TCP_STEP_ALLOW,        /* a call that does its work */
	TCP_STEP_ABANDON,      /* a call that ends what is not open yet */
	TCP_STEP_IGNORE,       /* a call that has nothing to do */
	TCP_STEP_REFUSE,       /* a call that must not be made */
};

struct tcp_rule {
	uint8_t step;          /* enum tcp_step */
	uint16_t counter;      /* enum counter, of what is dropped */
};

/* tcp_happening_of classifies a segment by its control bits, [TCP_IN_NOTHING, TCP_IN_NONSENSE]. */
enum tcp_happening
tcp_happening_of(uint8_t flags);

/* tcp_rule_for returns what is to be done. */
const struct tcp_rule *
tcp_rule_for(enum tcp_state state, enum tcp_happening happening);

/* tcp_set_state moves a connection to a state; the edge must be a legal one (asserted). */
void
tcp_set_state(struct tcb *tcb, enum tcp_state state);

/* tcp_edge_legal tells whether a connection may go from one state to another. */
bool
tcp_edge_legal(enum tcp_state from, enum tcp_state to);

#endif
