/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* hash.h, with hash.c, is the only place of the dataplane that knows xxHash.
 *
 * Threads. Any. Memory. None.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_HASH_H
#define SPILLWAY_DATAPLANE_BASE_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stddef.h>
#include <stdint.h>

/* hash_unit returns the fingerprint of a read unit: XXH3-64, seed 0, as in abi.h. It uses the
 * widest vectors that this machine has. */
uint64_t
hash_unit(const void *data, size_t len);

/* hash_keyed returns XXH3-64 of data under a secret seed, for tables that peers could attack. */
static inline uint64_t
hash_keyed(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

#endif
