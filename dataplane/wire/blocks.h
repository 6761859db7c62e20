/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* blocks.h has a peer's requests read, in time for its connection, and gives them to it.
 *
 * Reads are started just in time: while what is being read and what is ready fall short of what
 * the connection wants, and at most WIRE_READS_MAX blocks a peer. Blocks are given in the order in
 * which their reads end.
 * When memory for reads is short, peers queue for it by ticket. While any queue, a peer starts
 * WIRE_STARVED_READS blocks in its turn and then goes to the end.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_BLOCKS_H
#define SPILLWAY_DATAPLANE_WIRE_BLOCKS_H

#include "dataplane/wire/compose.h"

/* blocks_give gives ready blocks while the connection wants more. */
void
blocks_give(struct wire *wire, struct wire_peer *peer, struct compose *out);

/* blocks_start starts reads of waiting requests, room_bytes ahead at most. */
void
blocks_start(struct wire *wire, struct wire_peer *peer, uint32_t room_bytes);

/* blocks_can_start tells whether blocks_start would start any, given room. */
bool
blocks_can_start(const struct wire_peer *peer);

/* blocks_reap takes reads that have ended from the store and notes their peers. */
void
blocks_reap(struct wire *wire);

/* blocks_revive notes starved peers, the longest waiting first, as far as memory is free now, and
 * a peer beyond its torrent's share for each read that has ended. */
void
blocks_revive(struct wire *wire);

/* blocks_revive_limited notes up to cnt peers whose torrent had its share of the reads, the longest
 * waiting first: as many as reads have ended, or to see whether there is room by now. */
void
blocks_revive_limited(struct wire *wire, uint32_t cnt);

#endif
