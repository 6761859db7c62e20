/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* recovery.h decides what is lost and when the window must shrink for it.
 *
 *           3 duplicate ACKs, or SACKed enough above              timeout
 *   OPEN ──────────────────────────────────────────► FAST ─────────────────► RTO
 *     ▲                 snd_una reaches recover_seq   │                       │
 *     └───────────────────────────────────────────────┴───────────────────────┘
 *
 * What is marked lost on the scoreboard is what output sends again.
 * Clauses. RFC 6675 with SACK; 6582 without; 5681 3.1, 3.2; 3042 falls out of the pipe.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_RECOVERY_H
#define SPILLWAY_DATAPLANE_TCP_RECOVERY_H

#include "dataplane/tcp/stack.h"

/* struct ack_news is what one acknowledgement changed. */
struct ack_news {
	uint32_t acked_bytes;  /* by which snd_una moved */
	uint32_t rtt_us;       /* measured by it; 0: none */
	bool duplicate;        /* RFC 5681 2, or 6675 2 with SACK */
	struct delivered delivered;
};

/* recovery_start resets recovery for a connection with nothing in flight. */
void
recovery_start(struct tcb *tcb);

/* recovery_acked takes an acknowledgement that snd_una and the scoreboard show already. */
void
recovery_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news);

/* recovery_timed_out takes the expiry of the retransmission timer: all is lost. */
void
recovery_timed_out(struct tcp_stack *stack, struct tcb *tcb);

#endif
