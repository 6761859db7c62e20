/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_rate.h: a limit of bytes per second: whoever has taken some waits until they are paid for.
 *
 * Nothing is saved up while nothing is taken. Single thread; no memory beyond the struct.
 */
#ifndef SPILLWAY_PERF_LEECH_RATE_H
#define SPILLWAY_PERF_LEECH_RATE_H

#include <stdint.h>

struct leech_rate {
	uint64_t bytes_per_s; /* > 0 */
	uint64_t free_us;     /* when the next may be taken */
};

/* leech_rate_take takes len bytes at now_us, whether or not they may be. */
static inline void
leech_rate_take(struct leech_rate *rate, uint64_t len, uint64_t now_us)
{
	uint64_t from_us = rate->free_us > now_us ? rate->free_us : now_us;

	rate->free_us = from_us + len * 1000000u / rate->bytes_per_s;
}

#endif
