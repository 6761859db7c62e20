/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* holding.h keeps count of who holds how much content in flight, so that references can be given up
 * where most are held, and knows who wants bytes back.
 *
 *   rank 15 ── holding ── holding          held_bytes in powers of two
 *   ...
 *   rank 1 ── holding ── ...               rank 0: holds nothing that could be given up
 *
 * Memory. One record for each connection with anything queued, from a pool of TCP_HOLDINGS; a
 * connection that gets none keeps all its references until they are acknowledged.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_HOLDING_H
#define SPILLWAY_DATAPLANE_TCP_HOLDING_H

#include "dataplane/tcp/sendq.h"

enum { HOLDING_RANKS = 16 };

struct holdings {
	struct pool pool;                      /* struct holding */
	struct holding *first[HOLDING_RANKS];  /* of a rank, the longest there first */
	struct holding *last[HOLDING_RANKS];
	struct holding *want_first;            /* those whose bytes are to be asked for */
	struct holding *want_last;
};

/* holdings_init makes the pool for that many connections. 0 or -ENOMEM; end with pool_fini. */
COLD int
holdings_init(struct holdings *holdings, uint32_t connections_max);

/* holding_open gives a connection its record, if it has none and one is left. */
void
holding_open(struct holdings *holdings, struct tcb *tcb);

/* holding_close takes it back; the queue is empty (asserted). Without effect where there is
 * none. */
void
holding_close(struct holdings *holdings, struct sendq *queue);

/* holding_settle puts a record where it belongs after its queue has changed. There is one. */
void
holding_settle(struct holdings *holdings, struct sendq *queue);

/* holding_waits tells whether bytes that were sent before are to be sent again and are not here.
 * Then silence of the peer says nothing: what it waits for was not sent. */
static inline bool
holding_waits(const struct sendq *queue, uint32_t nxt)
{
	const struct sendq_entry *wanted = sendq_wants(queue);

	return wanted != NULL && (int32_t)(wanted->seq - nxt) < 0;
}

#endif
