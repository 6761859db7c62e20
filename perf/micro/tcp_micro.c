/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a data segment sent and an acknowledgement received cost the stack, without a port: cycles
 * of the time stamp counter, and of the thread's CPU time, which others on the machine disturb
 * less. A run's cost is the median of its batches: one that was interrupted does not count. Printed
 * is the median of RUNS; the clocks' own cost is taken off.
 *
 * usage: tcp_micro [CONNECTIONS...]   without any: 1, 100 and 10000
 */
#include "perf/micro/tcp_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

enum {
	RUNS = 7,
	ACKS_PER_RUN = 200 * 1000,
	BATCH = 64,                /* segments or acknowledgements between two looks at the clocks */
	SAMPLES_MAX = 8192,
	SEGS_PER_ACK = 2,
	CALIBRATIONS = 1000,
};

struct clocks {
	uint64_t cycles;           /* of the time stamp counter; where there is none, ns */
	uint64_t cpu_ns;
};

/* struct samples is what batches cost, for one segment or acknowledgement of each. */
struct samples {
	uint32_t cnt;
	double cycles[SAMPLES_MAX];
	double cpu_ns[SAMPLES_MAX];
};

struct cost {
	struct samples ack;
	struct samples segment;
};

struct result {
	double ack_cycles;
	double ack_ns;
	double segment_cycles;
	double segment_ns;
};

static uint64_t
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t
cycles(void)
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

static void
clocks_begin(struct clocks *sum)
{
	sum->cpu_ns -= cpu_ns();
	sum->cycles -= cycles();
}

static void
clocks_end(struct clocks *sum)
{
	sum->cycles += cycles();
	sum->cpu_ns += cpu_ns();
}

/* clocks_cost returns what looking at the clocks adds to what they measure. */
static struct clocks
clocks_cost(void)
{
	struct clocks sum = {0, 0};

	for (uint32_t i = 0; i < CALIBRATIONS; i++) {
		clocks_begin(&sum);
		clocks_end(&sum);
	}
	return (struct clocks){sum.cycles / CALIBRATIONS, sum.cpu_ns / CALIBRATIONS};
}

/* sample enters what a batch of cnt cost. */
static void
sample(struct samples *samples, const struct clocks *took, uint32_t cnt)
{
	static struct clocks own;

	if (own.cycles == 0)
		own = clocks_cost();
	if (samples->cnt == SAMPLES_MAX)
		return;
	samples->cycles[samples->cnt] = (double)(int64_t)(took->cycles - own.cycles) / cnt;
	samples->cpu_ns[samples->cnt++] = (double)(int64_t)(took->cpu_ns - own.cpu_ns) / cnt;
}

/* output lets all packets leave; full bursts are measured. */
static void
output(struct bench *bench, struct samples *samples)
{
	uint32_t cnt;

	do {
		struct clocks took = {0, 0};

		clocks_begin(&took);
		cnt = tcp_output(bench->stack, bench->pkts, BENCH_BURST, bench->now_us);
		clocks_end(&took);
		if (bench_noted(bench, cnt) == BENCH_BURST)
			sample(samples, &took, cnt);
	} while (cnt > 0);
}

/* round_of acknowledges each connection in the given order, per times; then all send. */
static void
round_of(struct bench *bench, const uint32_t *order, uint32_t per, struct cost *cost)
{
	uint32_t cnt = bench->cnt * per;

	bench_tick(bench);
	for (uint32_t i = 0; i < cnt; i++)
		bench_ack_prepare(bench, order[i % bench->cnt], SEGS_PER_ACK, &bench->acks[i]);
	for (uint32_t first = 0; first + BATCH <= cnt; first += BATCH) {
		struct clocks took = {0, 0};

		clocks_begin(&took);
		for (uint32_t i = first; i < first + BATCH; i++)
			bench_ack_give(bench, &bench->acks[i]);
		clocks_end(&took);
		sample(&cost->ack, &took, BATCH);
	}
	for (uint32_t i = cnt - cnt % BATCH; i < cnt; i++)
		bench_ack_give(bench, &bench->acks[i]);
	for (uint32_t i = 0; i < bench->cnt; i++)
		bench_feed(bench, order[i]);
	output(bench, &cost->segment);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* middle returns the median of values, which it sorts. */
static double
middle(double *values, uint32_t cnt)
{
	dp_assert(cnt > 0);
	qsort(values, cnt, sizeof(values[0]), compare);
	return values[cnt / 2];
}

static struct result
run(struct bench *bench, const uint32_t *order, uint32_t per)
{
	static struct cost cost;

	cost.ack.cnt = 0;
	cost.segment.cnt = 0;
	for (uint32_t acks = 0; acks < ACKS_PER_RUN; acks += bench->cnt * per)
		round_of(bench, order, per, &cost);
	return (struct result){
		.ack_cycles = middle(cost.ack.cycles, cost.ack.cnt),
		.ack_ns = middle(cost.ack.cpu_ns, cost.ack.cnt),
		.segment_cycles = middle(cost.segment.cycles, cost.segment.cnt),
		.segment_ns = middle(cost.segment.cpu_ns, cost.segment.cnt),
	};
}

/* median returns that of one field, whose place in struct result is given. */
static double
median(const struct result *results, size_t field)
{
	double values[RUNS];

	for (uint32_t i = 0; i < RUNS; i++)
		memcpy(&values[i], (const char *)&results[i] + field, sizeof(double));
	return middle(values, RUNS);
}

/* shuffled returns the connections in an order of no use to a prefetcher; free it. */
static uint32_t *
shuffled(uint32_t cnt)
{
	uint32_t *order = calloc(cnt, sizeof(*order));
	uint64_t state = 88172645463325252u;

	dp_assert(order != NULL);
	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t j;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		j = (uint32_t)(state % (i + 1));
		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

static void
measure(uint32_t cnt)
{
	static struct bench bench;
	struct result results[RUNS];
	uint32_t per = cnt < BATCH ? BATCH / cnt : 1;
	uint32_t *order = shuffled(cnt);

	/* the window holds two rounds; ten thousand share the pool of records */
	bench_init(&bench, cnt, MAX(4 * per * SEGS_PER_ACK, 16u));
	bench.acks = calloc((size_t)cnt * per, sizeof(*bench.acks));
	dp_assert(bench.acks != NULL);
	for (uint32_t i = 0; i < RUNS; i++)
		results[i] = run(&bench, order, per);
	printf("%11u %12.0f %12.1f %16.0f %16.1f\n", cnt,
	       median(results, offsetof(struct result, ack_cycles)),
	       median(results, offsetof(struct result, ack_ns)),
	       median(results, offsetof(struct result, segment_cycles)),
	       median(results, offsetof(struct result, segment_ns)));
	fflush(stdout);
	free(bench.acks);
	bench_fini(&bench);
	free(order);
}

int
main(int argc, char **argv)
{
	static const uint32_t counts[] = {1, 100, 10000};

	printf("%11s %12s %12s %16s %16s\n", "connections", "ACK cycles", "ACK CPU ns",
	       "segment cycles", "segment CPU ns");
	if (argc == 1) {
		for (uint32_t i = 0; i < ARRAY_CNT(counts); i++)
			measure(counts[i]);
	}
	for (int i = 1; i < argc; i++)
		measure((uint32_t)MAX(1, atoi(argv[i])));
	return 0;
}
