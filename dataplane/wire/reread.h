/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* reread.h has content read again that a peer was given before: its connection gave the reference
 * up and has to send the bytes once more.
 *
 *   WAITING ──memory──► READING ──read ends──► OVER ──wire_reread_reap──► (free)
 *
 * The fragments' origin is a torrent's id, and piece and begin of the first byte. The read is like
 * any other, with every check; it may take the last of the store's buffers, so that what others
 * wait for can leave. Those that the store refuses even so wait and are tried in turns.
 *
 * Memory. One entry for each peer, 64 bytes, from a pool; a read from those of all peers.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_REREAD_H
#define SPILLWAY_DATAPLANE_WIRE_REREAD_H

#include "dataplane/wire/peer.h"

enum reread_state {
	REREAD_WAITING, /* for memory: in wire->rereads_waiting */
	REREAD_READING,
	REREAD_OVER,    /* in wire->rereads_over; read NULL: there is no such content any more */
};

struct reread {
	struct link link;
	struct wire_peer *peer;
	struct store_req *read;
	struct wire_block block;
	uint32_t tag;
	uint32_t state;         /* enum reread_state */
};
static_assert(sizeof(struct reread) <= 64, "a line for each peer");

/* reread_done takes a read that has ended. */
void
reread_done(struct wire *wire, struct store_req *req);

/* reread_drop forgets what is read again for a peer. */
void
reread_drop(struct wire *wire, struct wire_peer *peer);

#endif
