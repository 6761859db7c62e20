/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* timer_wheel.h keeps deadlines in a hierarchical wheel: set, move and cancel in constant time.
 *
 * TIMER_LEVELS levels of TIMER_SLOTS slots; a tick is TIMER_TICK_US, so that pacing is as fine as
 * 32 us and the wheel reaches beyond a day. A deadline further away waits at the far end and
 * is placed anew when it comes near.
 *
 * Threads. One worker. Time is the caller's (a virtual clock does as well), monotonic, in
 * microseconds. Memory: intrusive; a struct timer lives in its owner.
 * A timer fires once, never before its deadline and less than two ticks after it, given a caller
 * that calls timer_wheel_expire often enough.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_TIMER_WHEEL_H
#define SPILLWAY_DATAPLANE_BASE_TIMER_WHEEL_H

#include "dataplane/base/common.h"

enum {
	TIMER_TICK_SHIFT = 5, /* 32 us */
	TIMER_TICK_US = 1 << TIMER_TICK_SHIFT,
	TIMER_SLOT_BITS = 8,
	TIMER_SLOTS = 1 << TIMER_SLOT_BITS,
	TIMER_LEVELS = 4,
};

struct timer {
	struct timer *next;
	struct timer *prev;    /* NULL while not set */
	uint64_t deadline_us;
};

struct timer_wheel {
	uint64_t now_tick;     /* every deadline tick <= now_tick has been moved to due */
	uint32_t cnt;          /* timers set */
	uint64_t used[TIMER_LEVELS][TIMER_SLOTS / 64]; /* a bit for each slot that may hold timers */
	struct timer slot[TIMER_LEVELS][TIMER_SLOTS];  /* list heads */
	struct timer due;
};

/* timer_wheel_init empties the wheel and sets its clock. */
void
timer_wheel_init(struct timer_wheel *wheel, uint64_t now_us);

/* timer_init makes a timer that is not set. */
static inline void
timer_init(struct timer *timer)
{
	timer->next = NULL;
	timer->prev = NULL;
	timer->deadline_us = 0;
}

/* timer_is_set tells whether the timer waits in a wheel. */
static inline bool
timer_is_set(const struct timer *timer)
{
	return timer->prev != NULL;
}

/* timer_set sets or moves a timer. A deadline in the past fires at the next expire. */
void
timer_set(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_us);

/* timer_cancel takes a timer out; one that is not set is left as it is. */
void
timer_cancel(struct timer_wheel *wheel, struct timer *timer);

/* timer_wheel_expire advances the clock and takes out timers that are due.
 *
 * Returns one due timer, no longer set, or NULL when none is left: call it until then. */
struct timer *
timer_wheel_expire(struct timer_wheel *wheel, uint64_t now_us);

/* timer_wheel_next_us returns a time before which nothing is due: a lower bound, exact within the
 * first level (8 ms). UINT64_MAX when no timer is set. */
uint64_t
timer_wheel_next_us(const struct timer_wheel *wheel);

#endif
