/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a data segment sent and an acknowledgement received cost the stack, without a port: cycles
 * of the time stamp counter, and of the thread's CPU time, which others on the machine disturb
 * less. A run's cost is the median of its batches: one that was interrupted does not count. Printed
 * is the median of RUNS; the clocks' own cost is taken off.
 *
 * usage: tcp_micro [OPEN[:ACTIVE[:SAME]]...]
 *
 * OPEN connections, ACTIVE of which (all) are sent to and acknowledge; a burst has SAME (one)
 * acknowledgements of each, at most 64 in all.
 */
#include "perf/micro/cycles.h"
#include "perf/micro/tcp_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* struct load is what is measured. */
struct load {
	uint32_t open_cnt;
	uint32_t active_cnt;
	uint32_t burst;            /* acknowledgements that arrive at once */
	uint32_t per;              /* of each active connection, in a round */
};

struct result {
	double ack_cycles;
	double ack_ns;
	double segment_cycles;
	double segment_ns;
	double both_cycles;        /* a segment, and its part of an acknowledgement */
};

static uint64_t
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
clocks_begin(struct clocks *sum)
{
	sum->cpu_ns -= cpu_ns();
	sum->cycles -= cycles_now();
}

static void
clocks_end(struct clocks *sum)
{
	sum->cycles += cycles_now();
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

/* turn takes acknowledgements [first, end) in as a worker's turn does, hands content in and lets
 * packets leave. */
static void
turn(struct bench *bench, const struct load *load, struct cost *cost, uint32_t first, uint32_t end)
{
	uint32_t feed_end = MIN(end, first + load->active_cnt);
	struct clocks took = {0, 0};

	clocks_begin(&took);
	for (uint32_t i = first; i < end; i += load->burst)
		bench_ack_give(bench, i, MIN(load->burst, end - i));
	clocks_end(&took);
	if (end - first == BATCH)
		sample(&cost->ack, &took, BATCH);
	for (uint32_t i = first; i < feed_end; i++)
		bench_feed(bench, bench->active[i % load->active_cnt]);
	output(bench, &cost->segment);
}

/* round_of acknowledges each active connection per times, in turns. */
static void
round_of(struct bench *bench, const struct load *load, struct cost *cost)
{
	uint32_t cnt = load->active_cnt * load->per;

	bench_tick(bench);
	for (uint32_t i = 0; i < cnt; i++)
		bench_ack_prepare(bench, i, bench->active[i % load->active_cnt], SEGS_PER_ACK);
	for (uint32_t first = 0; first < cnt; first += BATCH)
		turn(bench, load, cost, first, MIN(first + BATCH, cnt));
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
run(struct bench *bench, const struct load *load)
{
	static struct cost cost;
	struct result result;

	cost.ack.cnt = 0;
	cost.segment.cnt = 0;
	for (uint32_t acks = 0; acks < ACKS_PER_RUN; acks += load->active_cnt * load->per)
		round_of(bench, load, &cost);
	result = (struct result){
		.ack_cycles = middle(cost.ack.cycles, cost.ack.cnt),
		.ack_ns = middle(cost.ack.cpu_ns, cost.ack.cnt),
		.segment_cycles = middle(cost.segment.cycles, cost.segment.cnt),
		.segment_ns = middle(cost.segment.cpu_ns, cost.segment.cnt),
	};
	result.both_cycles = result.segment_cycles + result.ack_cycles / SEGS_PER_ACK;
	return result;
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

static void
measure(const struct load *load)
{
	static struct bench bench;
	struct result results[RUNS];
	struct bench_shape shape = {
		.open_cnt = load->open_cnt,
		.active_cnt = load->active_cnt,
		/* the window holds two rounds; ten thousand share the pool of records */
		.window_segs = MAX(4 * load->per * SEGS_PER_ACK, 16u),
		.ack_cnt = load->active_cnt * load->per,
	};

	bench_init(&bench, &shape);
	for (uint32_t i = 0; i < RUNS; i++)
		results[i] = run(&bench, load);
	printf("%8u %8u %6u %12.0f %12.1f %16.0f %16.1f %11.0f\n", load->open_cnt,
	       load->active_cnt, load->burst, median(results, offsetof(struct result, ack_cycles)),
	       median(results, offsetof(struct result, ack_ns)),
	       median(results, offsetof(struct result, segment_cycles)),
	       median(results, offsetof(struct result, segment_ns)),
	       median(results, offsetof(struct result, both_cycles)));
	fflush(stdout);
	bench_fini(&bench);
}

/* load_parse reads OPEN[:ACTIVE[:SAME]]. */
static struct load
load_parse(const char *text)
{
	struct load load = {0};
	uint32_t same = 1;
	int cnt = sscanf(text, "%u:%u:%u", &load.open_cnt, &load.active_cnt, &same);

	load.open_cnt = MAX(load.open_cnt, 1u);
	load.active_cnt = MIN(cnt >= 2 ? MAX(load.active_cnt, 1u) : load.open_cnt, load.open_cnt);
	load.burst = MIN(load.active_cnt * MAX(same, 1u), (uint32_t)BENCH_BURST);
	load.per = (BATCH + load.active_cnt - 1) / load.active_cnt;
	return load;
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = {
		"1", "1:1:64", "16:16:4", "10", "100", "10000", "100000:1000",
	};
	const char *const *loads = argc > 1 ? (const char *const *)argv + 1 : usual;
	uint32_t cnt = argc > 1 ? (uint32_t)argc - 1 : ARRAY_CNT(usual);

	printf("%8s %8s %6s %12s %12s %16s %16s %11s\n", "open", "active", "burst", "ACK cycles",
	       "ACK CPU ns", "segment cycles", "segment CPU ns", "both cycles");
	for (uint32_t i = 0; i < cnt; i++) {
		struct load load = load_parse(loads[i]);

		measure(&load);
	}
	return 0;
}
