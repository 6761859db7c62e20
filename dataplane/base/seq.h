/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* seq.h compares numbers that wrap at 2^32: TCP sequence numbers and timestamps (RFC 9293 3.4,
 * RFC 7323 5.2). Two numbers are comparable while they are less than 2^31 apart. */
#ifndef SPILLWAY_DATAPLANE_BASE_SEQ_H
#define SPILLWAY_DATAPLANE_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool
seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool
seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline bool
seq_gt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static inline bool
seq_ge(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

/* seq_max returns the later of two comparable numbers. */
static inline uint32_t
seq_max(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? b : a;
}

/* seq_min returns the earlier of two comparable numbers. */
static inline uint32_t
seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
