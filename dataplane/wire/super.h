/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* super.h is super-seeding (BEP 16): the first copy of a torrent is spread with the fewest bytes.
 *
 * A peer of such a torrent is told that we have nothing, and then of one piece at a time: the one
 * that is rarest among what peers have and were told of, of WIRE_SUPER_SCAN pieces or so beginning
 * where the last choice ended, for a peer's few bytes may ask for a choice. The next follows when
 * it has that piece and another peer has it too; when it is alone, as soon as it has it; and in any
 * case after WIRE_SUPER_WAIT_US, so that a peer that does not share does not wait for ever.
 * Requests are served as ever.
 * Peers' haves and bitfields are read for such torrents only. A torrent of more than
 * WIRE_SUPER_PIECES_MAX pieces is seeded as usual, as is a peer that comes when half the message
 * buffers are used, or all of WIRE_SUPERS_MAX torrents; counted.
 *
 * Memory. Two bytes for each piece that a torrent may have, of each of WIRE_SUPERS_MAX, from
 * super_create; pages that were never used cost nothing. One message buffer for each peer. */
#ifndef SPILLWAY_DATAPLANE_WIRE_SUPER_H
#define SPILLWAY_DATAPLANE_WIRE_SUPER_H

#include "dataplane/wire/compose.h"
#include "dataplane/wire/peer.h"

/* super_create makes the memory of wire's torrents. false: the heap is exhausted. */
COLD bool
super_create(struct wire *wire);

/* super_destroy frees it. No peer may be left (asserted). */
COLD void
super_destroy(struct wire *wire);

/* super_join takes a peer of a super-seeded torrent in. peer: OPEN, nothing was told to it yet. */
COLD void
super_join(struct wire *wire, struct wire_peer *peer);

/* super_leave takes it out; what is of no torrent or no such one is left as it is. */
COLD void
super_leave(struct wire *wire, struct wire_peer *peer);

/* super_have and super_all take what a peer says that it has. */
void
super_have(struct wire *wire, struct wire_peer *peer, uint32_t piece);
void
super_all(struct wire *wire, struct wire_peer *peer);

/* super_bitfield takes the next bytes of a peer's bitfield, which is len bytes in all, from at on.
 * false: it is of the wrong length. */
bool
super_bitfield(struct wire_peer *peer, const uint8_t *data, uint32_t at, uint32_t n, uint32_t len);

/* super_tick looks whether a peer is to be told of its next piece. */
void
super_tick(struct wire *wire, struct wire_peer *peer);

/* super_give tells it. */
void
super_give(struct wire_peer *peer, struct compose *out);

/* super_due tells whether there is something to tell. */
bool
super_due(const struct wire_peer *peer);

#endif
