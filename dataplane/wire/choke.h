/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* choke.h is who of those interested is unchoked (BEP 3), when there are fewer slots than of them.
 *
 *      interested ──slot free──────────────► HOLDING ──────► unchoked
 *          └──────none free──► WAITING ──────► ▲  │
 *                                 ▲────yields──┘──┘ not interested, closed
 *
 * Without slots (0) everybody is unchoked at once and for good, and none of this is kept. Else a
 * peer holds its slot for WIRE_ROUND_US at least, and those that wait are served in the order in
 * which they came. Each round, while any wait:
 *   round robin  those that have held theirs longest yield, as many as wait;
 *   fastest      those that took least in the round yield: one slot in WIRE_ROUND_SHARE, at most
 *                WIRE_ROUND_MAX, at least one. So a peer that takes much stays, and every one that
 *                waits is tried within as many rounds as there are that wait.
 * With slow_bytes_per_s, a peer that has taken less than that in each of slow_s seconds in a row
 * yields at once while others wait, whether it is the peer's doing or a limit's.
 * A peer that yields is told choke; what it had asked for is rejected (BEP 6) or dropped.
 *
 * Memory: in the peers.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_CHOKE_H
#define SPILLWAY_DATAPLANE_WIRE_CHOKE_H

#include "dataplane/wire/peer.h"

/* choke_init empties the lists. */
COLD void
choke_init(struct wire *wire);

/* choke_interested serves a peer that is interested, or has it wait. peer: OPEN. */
void
choke_interested(struct wire *wire, struct wire_peer *peer);

/* choke_uninterested takes back the slot of a peer that is no longer interested. peer: OPEN. */
void
choke_uninterested(struct wire *wire, struct wire_peer *peer);

/* choke_forget frees the slot or the place of a peer that is going, silently. */
void
choke_forget(struct wire *wire, struct wire_peer *peer);

/* choke_tick lets slots pass on. Call in housekeeping. */
void
choke_tick(struct wire *wire);

#endif
