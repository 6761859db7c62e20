/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* recovery.h sequences what is lost, when the window must shrink for it, and when it is over.
 *
 *          found lost: RACK, or 3 duplicate ACKs             timeout
 *   OPEN ──────────────────────────────────────────► FAST ─────────────────► RTO
 *    ▲ ▲              snd_una reaches recover_seq     │                       │
 *    │ └──────────────────────────────────────────────┴───────────────────────┘
 *    └── it was none (undo.h): from either, at once
 *
 * What is marked lost on the scoreboard is what output sends again. How much may be sent in FAST is
 * for PRR to say, unless congestion control does (cc_ops.own_recovery). The loss of a
 * retransmission is a congestion event of its own (RFC 5681 4.3, 8985 3.4).
 * Clauses. RFC 8985 with SACK (rack.h, tlp.h); 6582 without, 5827 when the flight is small; 9937
 * (prr.h); 5681 3.1, 3.2; 6298; 3042 falls out of the pipe.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_RECOVERY_H
#define SPILLWAY_DATAPLANE_TCP_RECOVERY_H

#include "dataplane/tcp/stack.h"

/* struct ack_news is what one acknowledgement changed. */
struct ack_news {
	uint32_t acked_bytes;  /* by which snd_una moved */
	uint32_t rtt_us;       /* measured by it; 0: none */
	uint64_t echo_us;      /* it echoes the time up to here; 0: none that makes sense */
	bool duplicate;        /* RFC 5681 2, or 6675 2 with SACK */
	bool sacks;            /* it has SACK blocks */
	bool dsack;            /* of what was sent again lately: dsack_range (RFC 2883 4) */
	bool dsack_probe;      /* of the tail loss probe */
	struct tcp_range dsack_range;
	struct delivered delivered;
};

/* recovery_start resets recovery for a connection with nothing in flight. */
void
recovery_start(struct tcb *tcb);

/* recovery_acked takes an acknowledgement that snd_una and the scoreboard show already. */
void
recovery_acked(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news);

/* recovery_timed_out takes the expiry of the retransmission timer. */
void
recovery_timed_out(struct tcp_stack *stack, struct tcb *tcb);

/* recovery_reordered takes the expiry of the reordering timer: what has not come by now is lost. */
void
recovery_reordered(struct tcp_stack *stack, struct tcb *tcb);

/* recovery_abandon goes back to TCP_PHASE_OPEN and takes the marks of loss back. */
void
recovery_abandon(struct tcb *tcb);

/* recovery_sent notes that range was sent in the phase that runs. */
void
recovery_sent(struct tcp_stack *stack, struct tcb *tcb, struct tcp_range range, bool again);

/* recovery_flight returns the flight that a congestion event is answered by: the window when it
 * was what held sending back (RFC 7661 4.1), though the tail of what was queued is less. */
static inline uint32_t
recovery_flight(const struct tcb *tcb)
{
	uint32_t flight = tcb_flight(tcb);

	return tcb->cwnd_limited ? MAX(flight, tcb->cc.cwnd_bytes) : flight;
}

#endif
