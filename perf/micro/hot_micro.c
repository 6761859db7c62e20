/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What each hot path costs by itself.
 *
 * usage: hot_micro                    a table: cycles an operation, median and tenth of rounds
 *        hot_micro --list             the paths' names
 *        hot_micro PATH ROUNDS        does so many rounds of one path, prints how many operations
 *                                     they were: for perf/micro/instructions.py
 */
#include "perf/micro/hot.h"

#include "dataplane/base/common.h"
#include "perf/micro/cycles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 8192, CALIBRATIONS = 1001 };

static const struct hot_path paths[] = {
	{"tcp_ack_64", 64, 4000, hot_ack_open, hot_ack_prepare, hot_round_ack, hot_tcp_close},
	{"tcp_ack_8", 8, 4000, hot_ack_open, hot_ack_prepare, hot_round_ack, hot_tcp_close},
	{"tcp_segment", 64, 4000, hot_segment_open, hot_segment_prepare, hot_round_segment,
	 hot_tcp_close},
	{"tcp_tso", 16, 4000, hot_tso_open, hot_tso_prepare, hot_round_tso, hot_tcp_close},
	{"wire_request", 16, 4000, hot_wire_open, hot_wire_prepare, hot_round_request,
	 hot_wire_close},
	{"cache_hit", 10000, 4000, hot_cache_open, NULL, hot_round_cache_hit, hot_cache_close},
	{"cache_take", 10000, 4000, hot_cache_open, NULL, hot_round_cache_take, hot_cache_close},
	{"flow_1e3", 1000, 4000, hot_flow_open, hot_flow_prepare, hot_round_flow,
	 hot_flow_close},
	{"flow_1e5", 100000, 4000, hot_flow_open, hot_flow_prepare, hot_round_flow,
	 hot_flow_close},
	{"flow_1e6", 1000000, 4000, hot_flow_open, hot_flow_prepare, hot_round_flow,
	 hot_flow_close},
	{"flow_none_1e6", 1000000, 4000, hot_flow_open, hot_flow_none_prepare, hot_round_flow,
	 hot_flow_close},
};

static double samples[ROUNDS_MAX];

static uint32_t
round_do(const struct hot_path *path)
{
	uint32_t done;

	if (path->prepare != NULL)
		path->prepare();
	done = path->round();
	dp_assert(done > 0);
	return done;
}

static void
count_only(const struct hot_path *path, uint32_t rounds)
{
	uint64_t done = 0;

	path->open(path->size);
	for (uint32_t i = 0; i < rounds; i++)
		done += round_do(path);
	path->close();
	printf("%s %llu\n", path->name, (unsigned long long)done);
}

/* ---- cycles */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile(uint32_t cnt, uint32_t percent)
{
	qsort(samples, cnt, sizeof(samples[0]), compare);
	return samples[(uint64_t)(cnt - 1) * percent / 100];
}

/* clock_cost returns the cycles that looking at the clock adds. */
static double
clock_cost(void)
{
	for (uint32_t i = 0; i < CALIBRATIONS; i++) {
		uint64_t begin = cycles_now();

		samples[i] = (double)(cycles_now() - begin);
	}
	return quantile(CALIBRATIONS, 50);
}

static void
measure(const struct hot_path *path, double own)
{
	uint64_t done = 0;

	path->open(path->size);
	for (uint32_t i = 0; i < path->rounds; i++) {
		uint64_t begin;
		uint32_t cnt;

		if (path->prepare != NULL)
			path->prepare();
		begin = cycles_now();
		cnt = path->round();
		samples[i] = ((double)(cycles_now() - begin) - own) / cnt;
		done += cnt;
	}
	path->close();
	printf("%-14s %8u %10llu %10.1f %10.1f\n", path->name, path->size,
	       (unsigned long long)done, quantile(path->rounds, 50), quantile(path->rounds, 10));
	fflush(stdout);
}

static int
usage(void)
{
	fprintf(stderr, "usage: hot_micro [--list | PATH ROUNDS]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
	double own = clock_cost();

	if (argc != 1 && argc != 3 && !list)
		return usage();
	if (argc == 1)
		printf("%-14s %8s %10s %10s %10s\n", "path", "size", "operations", "cycles",
		       "10 %");
	for (uint32_t i = 0; i < ARRAY_CNT(paths); i++) {
		if (list)
			printf("%s\n", paths[i].name);
		else if (argc == 1)
			measure(&paths[i], own);
		else if (strcmp(paths[i].name, argv[1]) == 0)
			return count_only(&paths[i], (uint32_t)atoi(argv[2])), 0;
	}
	return argc == 3 ? usage() : 0;
}
