/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The scheduler's account of a thread, in nanoseconds, and the time stamp counter beside it. */
#include "perf/ring_cpu.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 320, NAME_BYTES = 32 };

static uint64_t
task_ns(const char *tid)
{
	char path[PATH_BYTES];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", tid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

/* task_worker tells which worker a thread is: the process's first is worker 0, and DPDK numbers
 * the names of those that it makes. Returns -1: none. */
static int
task_worker(const char *tid)
{
	char path[PATH_BYTES], name[NAME_BYTES] = "";
	int worker = -1;
	FILE *file;

	if (atoi(tid) == getpid())
		return 0;
	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", tid);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	if (fgets(name, sizeof(name), file) == NULL ||
	    (sscanf(name, "rte-worker-%d", &worker) != 1 &&
	     sscanf(name, "lcore-worker-%d", &worker) != 1))
		worker = -1;
	fclose(file);
	return worker;
}

void
ring_cpu_take(struct ring_cpu *cpu, uint32_t worker_cnt)
{
	DIR *tasks = opendir("/proc/self/task");
	struct timespec now;
	struct dirent *task;

	memset(cpu, 0, sizeof(*cpu));
	cpu->worker_cnt = worker_cnt;
	while (tasks != NULL && (task = readdir(tasks)) != NULL) {
		int worker = task->d_name[0] != '.' ? task_worker(task->d_name) : -1;

		if (worker >= 0 && (uint32_t)worker < worker_cnt)
			cpu->worker_ns[worker] = task_ns(task->d_name);
	}
	if (tasks != NULL)
		closedir(tasks);
	clock_gettime(CLOCK_MONOTONIC, &now);
	cpu->clock_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	cpu->tsc = __builtin_ia32_rdtsc();
}

void
ring_cpu_print(const struct ring_cpu *from, const struct ring_cpu *to, uint64_t payload_bytes)
{
	double hz = (double)(to->tsc - from->tsc) / (double)(to->clock_ns - from->clock_ns) * 1e9;
	double sum_s = 0;
	uint32_t i;

	printf(",\"seeder\":{\"tsc_hz\":%.0f,\"worker_cpu_s\":[", hz);
	for (i = 0; i < to->worker_cnt; i++) {
		double s = (double)(to->worker_ns[i] - from->worker_ns[i]) / 1e9;

		printf("%s%.6f", i == 0 ? "" : ",", s);
		sum_s += s;
	}
	printf("],\"cycles_per_byte\":%.4f}",
	       payload_bytes > 0 ? sum_s * hz / (double)payload_bytes : 0.0);
}
