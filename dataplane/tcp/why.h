/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* why.h answers why a connection is slow: at any time one thing limits it (enum tcp_limit), and the
 * time each did is summed up from the end of the handshake on.
 *
 *   lost and not repaired ────────────────────────────────► RECOVERY
 *   unsent data ── pacing holds it ───────────────────────► PACING
 *              ├── may leave, waits for its turn, the port ► SENDING
 *              ├── beyond the peer's window ──────────────► RWND
 *              └── beyond the congestion window ──────────► CWND
 *   no unsent data: what the owner said ──────────────────► REQUESTS, DISK
 *
 * It is looked at wherever a connection is settled (tcb_settle); a look that finds the same reason
 * as before writes nothing. Beside it the look finds what else changed since the last one, for the
 * trace: the state, the phase of recovery, a window shut or open, the segment size.
 *
 * Threads. The stack's worker. Memory: the struct, in the connection, and once it has had an event
 * a trace from a pool of TCP_TRACES. Sums are 32 bits of 2^shift us; when one would overflow all
 * are halved and shift grows: the life of a connection has no bound.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_WHY_H
#define SPILLWAY_DATAPLANE_TCP_WHY_H

#include "dataplane/base/trace.h"
#include "dataplane/tcp/tcp.h"

/* struct why_seen is what a look compares with the last one. */
struct why_seen {
	uint8_t limit;             /* enum tcp_limit */
	uint8_t state;             /* enum tcp_state */
	uint8_t phase;             /* enum tcp_phase */
	bool shut;                 /* the peer's window is zero */
	uint16_t mss;
	bool open;                 /* the handshake is done, sums run */
	uint8_t owner;             /* enum tcp_limit: what the owner said last */
};
static_assert(sizeof(struct why_seen) == sizeof(uint64_t), "compared at once");

struct why {
	/* read on every look */
	struct why_seen seen;
	/* written when something changed */
	uint64_t since_us;         /* up to here the sums reach */
	struct trace *trace;       /* NULL: nothing notable has happened yet */
	uint32_t sum[TCP_LIMIT_CNT]; /* of 2^shift us */
	uint8_t shift;
};

/* why_look finds what limits the connection now, and what changed.
 *
 * owes  it may send something now (tcb_owed). */
void
why_look(struct tcp_stack *stack, struct tcb *tcb, bool owes);

/* why_trace notes an event, and before it what was sent and acknowledged since the last one. Only
 * counted when all traces are in use. */
COLD void
why_trace(struct tcp_stack *stack, struct tcb *tcb, enum trace_kind kind, uint64_t a, uint64_t b);

/* why_undone notes that the last congestion event was none: cwnd and ssthresh are back. */
COLD void
why_undone(struct tcp_stack *stack, struct tcb *tcb);

/* why_end gives the trace of a connection that ends back. */
void
why_end(struct tcp_stack *stack, struct tcb *tcb);

/* why_sums fills the time each limit held, in us, up to now; together the time since the
 * handshake. */
COLD void
why_sums(const struct tcp_stack *stack, const struct tcb *tcb, uint64_t us[TCP_LIMIT_CNT]);

#endif
