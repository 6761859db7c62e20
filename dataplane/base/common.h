/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* common.h holds the handful of macros that every file of the dataplane shares. */
#ifndef SPILLWAY_DATAPLANE_BASE_COMMON_H
#define SPILLWAY_DATAPLANE_BASE_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* COLD marks a function that runs at start, on control messages or on faults, never per packet. */
#define COLD __attribute__((cold, noinline))

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define ARRAY_CNT(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* dp_assert states an invariant. It stays on in release builds: a programmer's error stops the
 * program before it can send a wrong byte. Keep it cheap; peers must not be able to trip it. */
#define dp_assert(cond)                                                                            \
	do {                                                                                       \
		if (UNLIKELY(!(cond)))                                                             \
			dp_assert_failed(#cond, __FILE__, __LINE__);                               \
	} while (0)

COLD void
dp_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

#endif
