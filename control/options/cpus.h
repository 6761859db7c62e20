/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cpus.h says how many workers the dataplane has, and on which CPUs they run.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_OPTIONS_CPUS_H
#define SPILLWAY_CONTROL_OPTIONS_CPUS_H

#include "control/base/fail.h"
#include "dataplane/abi.h"

#include <stdint.h>

enum cpus_limit {
	CPUS_CPU_MAX = 1023,
	CPUS_TEXT_MAX = 48, /* bytes of the list, with its NUL */
};

struct cpus {
	uint32_t cnt; /* 0: the scheduler's choice for every worker */
	int32_t cpu[ABI_WORKERS_MAX];
};

/* cpus_parse reads a list, "2,3": one CPU a worker. "-1" is the scheduler's choice.
 * Returns 0, or -EINVAL with fail. */
int
cpus_parse(struct cpus *cpus, const char *text, struct fail *fail);

/* cpus_worker_cnt returns how many workers there are to be.
 *
 * wanted  as asked for; 0: as many as the list has, or as many as CPUs that we may run on.
 * Returns [1, ABI_WORKERS_MAX]. */
uint32_t
cpus_worker_cnt(const struct cpus *cpus, uint32_t wanted);

#endif
