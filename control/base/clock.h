/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* clock.h is the monotonic clock that control's timeouts are measured on. */
#ifndef SPILLWAY_CONTROL_BASE_CLOCK_H
#define SPILLWAY_CONTROL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* clock_now_ms returns milliseconds since some moment before the program began. */
static inline int64_t
clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* clock_sooner_ms returns the shorter of two timeouts; -1 is for ever. */
static inline int
clock_sooner_ms(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

#endif
