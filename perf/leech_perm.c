/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A Feistel network over the next even number of bits, walked until it is back in range. */
#include "perf/leech_perm.h"

#include "perf/leech_torrent.h"

enum { ROUNDS = 4 };

static uint64_t
feistel(uint64_t x, uint32_t half_bits, uint64_t key)
{
	uint64_t mask = (1ull << half_bits) - 1;
	uint64_t left = x >> half_bits;
	uint64_t right = x & mask;
	uint32_t round;

	for (round = 0; round < ROUNDS; round++) {
		uint64_t next = left ^ (leech_mix64(leech_mix64(key + round) + right) & mask);

		left = right;
		right = next;
	}
	return left << half_bits | right;
}

uint32_t
leech_perm_at(uint32_t cnt, uint64_t key, uint32_t at)
{
	uint32_t half_bits = 1;
	uint64_t x = at;

	while (1ull << 2 * half_bits < cnt)
		half_bits++;
	do
		x = feistel(x, half_bits, key);
	while (x >= cnt);
	return (uint32_t)x;
}

uint32_t
leech_perm_rarest(uint32_t cnt, uint64_t seed, uint64_t key, uint32_t at)
{
	uint32_t class = (uint32_t)((uint64_t)at * LEECH_PERM_CLASSES / cnt);
	uint32_t from = (uint32_t)(((uint64_t)class * cnt + LEECH_PERM_CLASSES - 1) /
				   LEECH_PERM_CLASSES);
	uint32_t to = (uint32_t)(((uint64_t)(class + 1) * cnt + LEECH_PERM_CLASSES - 1) /
				 LEECH_PERM_CLASSES);
	uint32_t within = leech_perm_at(to - from, key + class, at - from);

	return leech_perm_at(cnt, seed, from + within);
}
