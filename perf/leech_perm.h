/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_perm.h: a shuffled order of [0, cnt) that takes no memory: a keyed bijection.
 *
 * Threads and memory: none; pure functions.
 */
#ifndef SPILLWAY_PERF_LEECH_PERM_H
#define SPILLWAY_PERF_LEECH_PERM_H

#include <stdint.h>

/* leech_perm_at gives where position at is in the order of a key.
 *
 * cnt      > 0.
 * at       in [0, cnt).
 * Returns a value in [0, cnt), another one for each at. */
uint32_t
leech_perm_at(uint32_t cnt, uint64_t key, uint32_t at);

/* leech_perm_rarest gives position at in an order as rarest-first makes it: pieces fall into
 * LEECH_PERM_CLASSES classes of rarity, the same for all of a seed; the rarer come first, and
 * among those of a class each key has an order of its own. As leech_perm_at otherwise. */
uint32_t
leech_perm_rarest(uint32_t cnt, uint64_t seed, uint64_t key, uint32_t at);

enum { LEECH_PERM_CLASSES = 8 };

#endif
