/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* timewait.h is TIME-WAIT without a connection: what is needed to acknowledge a late FIN and to
 * tell an old segment from a new connection.
 *
 * Memory. At most TCP_TIME_WAIT_MAX entries; when they are used up the oldest ends early, counted.
 * Clauses. RFC 9293 3.6, 3.10.7.4; 1337 (resets are ignored); 6191 2 (reuse by a new SYN).
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TIMEWAIT_H
#define SPILLWAY_DATAPLANE_TCP_TIMEWAIT_H

#include "dataplane/base/pool.h"
#include "dataplane/base/timer_wheel.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/table.h"

struct tcp_stack;
struct tcb;

struct timewait_entry {
	struct flow flow;
	struct timewait_entry *older;
	struct timewait_entry *newer;
	uint64_t deadline_us;
	uint32_t snd_nxt;
	uint32_t rcv_nxt;
	uint32_t ts_recent;
	uint32_t ts_offset;
	uint16_t wnd;          /* as it stands in the header */
	bool ts_ok;
};

struct timewait {
	struct pool entries;
	struct timewait_entry *oldest;
	struct timewait_entry *newest;
	struct timer timer;    /* the oldest's deadline */
};

/* timewait_init takes memory for cnt entries. Returns 0 or -ENOMEM. End with pool_fini. */
COLD int
timewait_init(struct timewait *timewait, uint32_t cnt);

/* timewait_add takes a connection's place in the table, which the connection has left, and sends
 * the ACK that it still owes. */
void
timewait_add(struct tcp_stack *stack, const struct tcb *tcb);

/* timewait_arrives takes a segment for an entry: answers a late FIN and starts the wait anew.
 *
 * Returns true when it is a SYN for a new connection: the entry is gone, go on as in LISTEN. */
bool
timewait_arrives(struct tcp_stack *stack, struct timewait_entry *entry,
                 const struct tcp_seg *seg);

/* timewait_expire ends the entries whose time is over and sets the timer for the next. */
void
timewait_expire(struct tcp_stack *stack);

#endif
