/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* block.h walks a block of a torrent through the extents and read units that it lies in.
 *
 * Threads. One worker. Memory. None: a walk is a few words on the stack.
 */
#ifndef SPILLWAY_DATAPLANE_STORE_BLOCK_H
#define SPILLWAY_DATAPLANE_STORE_BLOCK_H

#include "dataplane/store/state.h"

struct block_walk {
	const struct content *content;
	const struct abi_extent *extent; /* where off is */
	uint64_t off;                    /* bytes into the torrent */
	uint32_t left;                   /* bytes to walk */
};

/* struct block_part is what of the block is in one unit, or in one pad. */
struct block_part {
	const struct abi_extent *extent; /* file == ABI_FILE_PAD: zeros */
	uint32_t unit;                   /* fingerprint index */
	uint32_t begin;                  /* bytes into the unit */
	uint32_t len;                    /* bytes */
};

/* block_open begins a walk over [off, off + len) of the torrent, which lie in it (asserted). */
struct block_walk
block_open(const struct content *content, uint64_t off, uint32_t len);

/* block_parts gives the next parts, at most max. Returns how many; 0 at the end. */
uint32_t
block_parts(struct block_walk *walk, struct block_part *parts, uint32_t max);

#endif
