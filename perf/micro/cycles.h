/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cycles.h is the clock of the micro-benchmarks. */
#ifndef SPILLWAY_PERF_MICRO_CYCLES_H
#define SPILLWAY_PERF_MICRO_CYCLES_H

#include <stdint.h>
#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

/* cycles_now returns cycles of the time stamp counter; where there is none, ns. */
static inline uint64_t
cycles_now(void)
{
#ifdef __x86_64__
	uint32_t cpu;
	uint64_t now = __rdtscp(&cpu);

	_mm_lfence();
	return now;
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

#endif
