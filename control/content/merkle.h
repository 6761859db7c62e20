/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* merkle computes the SHA-256 trees of BEP 52: leaves are hashes of 16 KiB blocks of a file, and
 * leaves beyond the end of the file are 32 zero bytes.
 *
 * Threads: a digest by one at a time. Memory: none of its own.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_MERKLE_H
#define SPILLWAY_CONTROL_CONTENT_MERKLE_H

#include "control/content/digest.h"

#include <stdint.h>

enum merkle_size {
	MERKLE_BLOCK_LEN = 16384,
	MERKLE_HASH_LEN = DIGEST_SHA256_LEN,
};

/* merkle_pad stores the root of a tree of leaf_cnt zero leaves: what stands in a layer for a node
 * wholly beyond the end of the file.
 *
 * leaf_cnt  power of two.
 * Returns 0, or -EIO as digest_end. */
int
merkle_pad(struct digest *sha256, uint32_t leaf_cnt, uint8_t pad[MERKLE_HASH_LEN]);

/* merkle_root stores the root over cnt nodes of one layer, filled up with pad to a power of two.
 *
 * hash  cnt hashes, overwritten.
 * cnt   > 0.
 * pad   the layer's filler.
 * Returns 0, or -EIO as digest_end. */
int
merkle_root(struct digest *sha256, uint8_t *hash, uint32_t cnt, const uint8_t pad[MERKLE_HASH_LEN],
	    uint8_t root[MERKLE_HASH_LEN]);

#endif
