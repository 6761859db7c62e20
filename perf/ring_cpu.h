/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ring_cpu.h: the CPU time of the workers' threads in this process. Threads: any. Memory: none. */
#ifndef SPILLWAY_PERF_RING_CPU_H
#define SPILLWAY_PERF_RING_CPU_H

#include "dataplane/abi.h"

struct ring_cpu {
	uint32_t worker_cnt;
	uint64_t worker_ns[ABI_WORKERS_MAX]; /* on a CPU; 0: not found */
	uint64_t tsc;
	uint64_t clock_ns;                   /* CLOCK_MONOTONIC */
};

/* ring_cpu_take notes what the threads have taken until now. Worker 0 is the main thread, the
 * others are those that DPDK made. */
void
ring_cpu_take(struct ring_cpu *cpu, uint32_t worker_cnt);

/* ring_cpu_print writes to stdout, as a further member of a JSON object, what lies between. */
void
ring_cpu_print(const struct ring_cpu *from, const struct ring_cpu *to, uint64_t payload_bytes);

#endif
