/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* winmax.h keeps the greatest of the values of a sliding window in three of them: the best, the
 * best since it, and the best since that. When the best grows too old the next takes its place; so
 * that there is a recent one then, the younger two are renewed when a quarter and a half of the
 * window have passed without a better one.
 *
 * The answer is exact or, for values that fall, at most a window old and never below the latest.
 *
 * Threads, memory. The caller's. Time is the caller's, in any unit, wraps at 2^16.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_WINMAX_H
#define SPILLWAY_DATAPLANE_TCP_WINMAX_H

#include "dataplane/base/common.h"

struct winmax {
	uint32_t value[3];     /* falling */
	uint16_t at[3];        /* rising */
};

/* winmax_reset forgets all but one value. */
void
winmax_reset(struct winmax *winmax, uint16_t at, uint32_t value);

/* winmax_add takes a value of the time at, not before the last; window: how long values count. */
void
winmax_add(struct winmax *winmax, uint16_t window, uint16_t at, uint32_t value);

/* winmax_get returns the greatest value, 0 when there was none. */
static inline uint32_t
winmax_get(const struct winmax *winmax)
{
	return winmax->value[0];
}

#endif
