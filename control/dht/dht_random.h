/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_random.h is where the DHT's random numbers come from: the system, or in tests a seed, so that
 * a run can be had again.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_RANDOM_H
#define SPILLWAY_CONTROL_DHT_DHT_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct dht_random {
	uint64_t seed; /* 0: the system's */
};

/* dht_random_next returns 64 random bits. */
static inline uint64_t
dht_random_next(struct dht_random *random)
{
	uint64_t bits;

	if (random->seed == 0) {
		arc4random_buf(&bits, sizeof(bits));
		return bits;
	}
	random->seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	bits = (random->seed ^ random->seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
	return bits ^ bits >> 31;
}

/* dht_random_fill fills len bytes. */
static inline void
dht_random_fill(struct dht_random *random, uint8_t *out, size_t len)
{
	while (len > 0) {
		uint64_t bits = dht_random_next(random);
		size_t part = len < sizeof(bits) ? len : sizeof(bits);
		memcpy(out, &bits, part);
		out += part;
		len -= part;
	}
}

#endif
