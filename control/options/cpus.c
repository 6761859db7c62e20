/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The workers' CPUs. */
#include "control/options/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

int
cpus_parse(struct cpus *cpus, const char *text, struct fail *fail)
{
	const char *at = text;
	char *end;

	*cpus = (struct cpus){0};
	if (strcmp(text, "-1") == 0)
		return 0;
	for (;;) {
		long cpu = *at >= '0' && *at <= '9' ? strtol(at, &end, 10) : -1;

		if (cpu < 0 || cpu > CPUS_CPU_MAX || (*end != ',' && *end != '\0'))
			return fail_set(fail, EINVAL,
			                "\"%s\" is not -1 or a list of CPUs from 0 to %d, as 2,3", text,
			                CPUS_CPU_MAX);
		if (cpus->cnt == ABI_WORKERS_MAX)
			return fail_set(fail, EINVAL, "\"%s\" has more than %d CPUs", text,
			                ABI_WORKERS_MAX);
		cpus->cpu[cpus->cnt++] = (int32_t)cpu;
		if (*end == '\0')
			return 0;
		at = end + 1;
	}
}

uint32_t
cpus_worker_cnt(const struct cpus *cpus, uint32_t wanted)
{
	cpu_set_t may;

	if (wanted != 0)
		return wanted;
	if (cpus->cnt != 0)
		return cpus->cnt;
	if (sched_getaffinity(0, sizeof(may), &may) != 0)
		return 1;
	int cnt = CPU_COUNT(&may);
	return cnt < ABI_WORKERS_MAX ? (uint32_t)cnt : ABI_WORKERS_MAX;
}
