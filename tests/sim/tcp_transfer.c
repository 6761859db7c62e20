/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A download over networks good and bad: the stack sends, a model receives. Every byte arrives,
 * in bounded virtual time, both sides close, and nothing is left behind; the stack's invariants
 * hold after every step. Half of the seeds have a device that cuts packets.
 * Prints a line for each network; the same seeds give the same lines.
 * SIM_SEED=N runs one seed only, SIM_NAME=TEXT only networks with TEXT in their name. */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 4, KIB = 1 << 10, MIB = 1 << 20 };

struct scenario {
	const char *name;
	uint32_t rtt_ms;
	uint32_t rate_mbps;        /* 0: 100 */
	struct net_config down;    /* delay and rate apart: from the two above */
	struct net_config up;
	uint32_t bytes;
	struct receiver_config receiver; /* a buffer of 0 is 512 KiB */
	bool ecn;
	uint32_t ms_max;           /* of virtual time, for the worst seed */
};

#define LOSS(ppm) {.loss_ppm = ppm}
#define BURSTS    {.burst = {.begin_ppm = 1000, .end_ppm = 100000, .loss_ppm = 800000}}
#define OVERTAKEN {.reorder_ppm = 10000, .reorder_min = 3, .reorder_max = 50}

static const struct scenario scenarios[] = {
	{"rtt 1 ms", 1, .bytes = 4 * MIB, .ms_max = 420},
	{"rtt 1 ms, loss 1 %", 1, .down = LOSS(10000), .bytes = 4 * MIB, .ms_max = 600},
	{"rtt 1 ms, loss 5 %", 1, .down = LOSS(50000), .bytes = 4 * MIB, .ms_max = 3500},
	{"rtt 50 ms", 50, .bytes = 4 * MIB, .ms_max = 1200},
	{"rtt 50 ms, loss 1 %", 50, .down = LOSS(10000), .bytes = 4 * MIB, .ms_max = 20000},
	{"rtt 50 ms, loss 5 %", 50, .down = LOSS(50000), .bytes = 2 * MIB, .ms_max = 32000},
	{"rtt 50 ms, loss 30 %", 50, .down = LOSS(300000), .bytes = 64 * KIB, .ms_max = 12000},
	{"rtt 50 ms, loss 1 %, no SACK", 50, .down = LOSS(10000), .bytes = 2 * MIB,
	 .receiver = {.no_sack = true}, .ms_max = 15000},
	{"rtt 50 ms, loss 5 %, no SACK", 50, .down = LOSS(50000), .bytes = 1 * MIB,
	 .receiver = {.no_sack = true}, .ms_max = 30000},
	{"rtt 50 ms, loss 1 %, no timestamps", 50, .down = LOSS(10000), .bytes = 2 * MIB,
	 .receiver = {.no_ts = true}, .ms_max = 60000},
	{"rtt 50 ms, loss 1 %, neither", 50, .down = LOSS(10000), .bytes = 2 * MIB,
	 .receiver = {.no_ts = true, .no_sack = true}, .ms_max = 60000},
	{"rtt 50 ms, loss in bursts", 50, .down = BURSTS, .bytes = 2 * MIB, .ms_max = 3000},
	{"rtt 50 ms, loss in bursts, no SACK", 50, .down = BURSTS, .bytes = 1 * MIB,
	 .receiver = {.no_sack = true}, .ms_max = 6000},
	{"rtt 20 ms, duplicates 5 %", 20, .down = {.dup_ppm = 50000}, .bytes = 2 * MIB,
	 .ms_max = 3000},
	{"rtt 20 ms, overtaken 1 %", 20, .down = OVERTAKEN, .bytes = 2 * MIB, .ms_max = 600},
	{"rtt 20 ms, overtaken 1 %, no D-SACK", 20, .down = OVERTAKEN, .bytes = 2 * MIB,
	 .receiver = {.no_dsack = true}, .ms_max = 600},
	{"rtt 20 ms, jitter 10 ms in order", 20, .down = {.jitter_us = 10000}, .bytes = 2 * MIB,
	 .ms_max = 3000},
	{"rtt 20 ms, jitter 5 ms, reordering", 20, .down = {.jitter_us = 5000, .jitter_reorders = true},
	 .bytes = 2 * MIB, .ms_max = 60000},
	{"rtt 20 ms, damaged 1 % both ways", 20, .down = {.corrupt_ppm = 10000},
	 .up = {.corrupt_ppm = 10000}, .bytes = 2 * MIB, .ms_max = 30000},
	{"rtt 20 ms, ACKs lost 30 %", 20, .up = LOSS(300000), .bytes = 2 * MIB, .ms_max = 5000},
	{"rtt 20 ms, ACKs in batches of 10 ms", 20, .up = {.batch_us = 10000}, .bytes = 2 * MIB,
	 .ms_max = 5000},
	{"rtt 20 ms, ACK of every 16th", 20, .bytes = 2 * MIB, .receiver = {.ack_every = 16},
	 .ms_max = 5000},
	{"rtt 20 ms, all at once", 20,
	 .down = {.loss_ppm = 10000, .dup_ppm = 10000, .reorder_ppm = 10000, .reorder_min = 3,
	          .reorder_max = 50, .corrupt_ppm = 1000, .jitter_us = 2000, .jitter_reorders = true},
	 .up = {.loss_ppm = 10000, .dup_ppm = 10000, .corrupt_ppm = 1000, .jitter_us = 2000,
	        .jitter_reorders = true}, .bytes = 2 * MIB, .ms_max = 6000},
	{"rtt 20 ms, slow reader", 20, .bytes = 1 * MIB,
	 .receiver = {.buffer_bytes = 64 * KIB, .read_bytes_per_ms = 200}, .ms_max = 9000},
	{"rtt 20 ms, slow reader, loss 1 %", 20, .down = LOSS(10000), .up = LOSS(10000),
	 .bytes = 1 * MIB, .receiver = {.buffer_bytes = 64 * KIB, .read_bytes_per_ms = 200},
	 .ms_max = 20000},
	{"rtt 20 ms, reader sleeps 10 s", 20, .up = LOSS(10000), .bytes = 1 * MIB,
	 .receiver = {.buffer_bytes = 64 * KIB, .read_from_us = 10000000}, .ms_max = 60000},
	{"rtt 20 ms, buffer of 2 KiB", 20, .bytes = 256 * KIB,
	 .receiver = {.buffer_bytes = 2 * KIB}, .ms_max = 20000},
	{"rtt 20 ms, buffer of 500 bytes", 20, .bytes = 32 * KIB,
	 .receiver = {.buffer_bytes = 500}, .ms_max = 60000},
	{"rtt 100 ms, 10 Mb/s, queue of 32 KiB", 100, 10, .down = {.queue_bytes = 32 << 10},
	 .bytes = 2 * MIB, .receiver = {.buffer_bytes = 4 * MIB}, .ms_max = 60000},
	{"rtt 100 ms, 10 Mb/s, marks at 32 KiB", 100, 10, .down = {.mark_bytes = 32 << 10},
	 .bytes = 2 * MIB, .receiver = {.buffer_bytes = 4 * MIB, .ecn = true}, .ecn = true,
	 .ms_max = 60000},
	{"rtt 100 ms, 1 Gb/s, window of 64 MiB", 100, 1000, .bytes = 32 * MIB,
	 .receiver = {.buffer_bytes = 64 * MIB}, .ms_max = 10000},
	{"rtt 2 s, loss 1 %", 2000, .down = LOSS(10000), .bytes = 512 * KIB, .ms_max = 90000},
};

struct result {
	uint64_t ms;
	uint64_t retransmits;
	uint64_t rtos;
	uint64_t lost;
	uint64_t marked;
};

static void
configure(const struct scenario *scenario, uint64_t seed, struct sim_config *config)
{
	uint32_t rate_mbps = scenario->rate_mbps != 0 ? scenario->rate_mbps : 100;

	*config = (struct sim_config){
		.seed = seed, .down = scenario->down, .up = scenario->up, .flow_cnt = 1,
		.flow = {.bytes = scenario->bytes, .receiver = scenario->receiver},
		.ecn = scenario->ecn, .wrap = seed & 1, .check = true,
		.tso_max = seed & 2 ? 65535 : 0,
	};
	if (config->flow.receiver.buffer_bytes == 0)
		config->flow.receiver.buffer_bytes = 512 * KIB;
	config->down.delay_us = scenario->rtt_ms * 500;
	config->down.byte_ns = 8000 / rate_mbps;
	if (config->down.queue_bytes == 0)
		config->down.queue_bytes = 1 * MIB;
	config->up.delay_us = config->down.delay_us;
	config->up.byte_ns = config->down.byte_ns;
	config->up.queue_bytes = 1 * MIB;
}

static bool
run(const struct scenario *scenario, uint64_t seed, struct result *result)
{
	const struct sim_flow *flow;
	struct sim_config config;
	struct sim sim;
	bool done;

	configure(scenario, seed, &config);
	sim_init(&sim, &config);
	flow = &sim.flows[0];
	done = sim_run(&sim, (uint64_t)scenario->ms_max * 1000);
	done = done && flow->receiver.got == scenario->bytes && flow->receiver.fin;
	result->ms = MAX(result->ms, sim_us(&sim) / 1000);
	result->retransmits += sim_counter(&sim, CTR_tcp_retransmits);
	result->rtos += sim_counter(&sim, CTR_tcp_rtos);
	result->lost += sim.down.counts.lost + sim.down.counts.dropped + sim.down.counts.corrupted;
	result->marked += sim.down.counts.marked;
	sim_fini(&sim);
	return done;
}

int
main(void)
{
	const char *only = getenv("SIM_SEED");
	const char *name = getenv("SIM_NAME");
	uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 1;
	uint64_t last = only != NULL ? first : SEEDS;
	int failed = 0;

	printf("%-38s %8s %8s %6s %6s %6s\n", "network", "worst ms", "resent", "lost", "RTOs",
	       "marked");
	for (uint32_t i = 0; i < ARRAY_CNT(scenarios); i++) {
		struct result result = {0};

		if (name != NULL && strstr(scenarios[i].name, name) == NULL)
			continue;
		for (uint64_t seed = first; seed <= last; seed++) {
			if (run(&scenarios[i], seed, &result))
				continue;
			printf("FAILED: %s, seed %lu\n", scenarios[i].name, seed);
			failed = 1;
		}
		printf("%-38s %8lu %8lu %6lu %6lu %6lu\n", scenarios[i].name, result.ms,
		       result.retransmits, result.lost, result.rtos, result.marked);
	}
	return failed;
}
