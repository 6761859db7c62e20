/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Flows of ours share a bottleneck: Jain's index of their goodput over the last two thirds of a
 * run must be what the table asks for, with the link still full. RFC 9438 5.2 to 5.4.
 * --quick leaves the fast links and all seeds but one out, for sanitizers. */
#include "tests/sim/sim.h"

#include <string.h>

enum { SEEDS = 2, THOUSAND = 1000, QUICK_MBPS = 100 };

struct share {
	const char *cc;
	uint32_t flow_cnt;
	uint32_t rate_mbps;
	uint32_t rtt_us;
	uint32_t apart_us;         /* between the starts of flows */
	uint32_t run_s;
	uint32_t jain_min;         /* thousandths */
	uint32_t used_min;         /* thousandths of the link's rate */
};

static const struct share shares[] = {
	{"cubic", 8, 100, 20000, 10000, 60, 950, 850},
	{"cubic", 8, 100, 50000, 500000, 90, 950, 850},
	{"cubic", 8, 1000, 20000, 10000, 60, 950, 850},
	{"cubic", 2, 100, 20000, 5000000, 60, 950, 850},
	{"newreno", 8, 100, 20000, 10000, 60, 950, 850},
	{"bbr", 8, 100, 20000, 10000, 60, 950, 850},
};

struct result {
	uint64_t jain;             /* thousandths */
	uint64_t used;             /* thousandths */
};

/* judge computes Jain's index: the squared sum by the sum of squares times the number. */
static struct result
judge(const struct share *share, const struct sim *sim, const uint64_t *before)
{
	uint64_t rate_kbps = share->rate_mbps * 1000ull;
	uint64_t us = share->run_s * 1000000ull * 2 / 3;
	uint64_t sum = 0;
	uint64_t squares = 0;

	for (uint32_t i = 0; i < share->flow_cnt; i++) {
		uint64_t kbps = (sim->flows[i].receiver.got - before[i]) * 8000 / us;

		sum += kbps;
		squares += kbps * kbps;
	}
	return (struct result){
		.jain = squares > 0 ? THOUSAND * (sum * sum / share->flow_cnt) / squares : 0,
		.used = sum * THOUSAND / rate_kbps,
	};
}

static struct result
run(const struct share *share, uint64_t seed)
{
	struct sim_config config = {
		.seed = seed, .flow_cnt = share->flow_cnt, .apart_us = share->apart_us,
		.cc = share->cc, .flow.receiver.buffer_bytes = 16 << 20,
	};
	uint64_t before[SIM_FLOWS_MAX];
	struct result result;
	struct sim sim;

	sim_link(&config, share->rate_mbps, share->rtt_us);
	config.up.jitter_us = 100;             /* or flows fall into step with each other */
	sim_init(&sim, &config);
	sim_run(&sim, share->run_s * 1000000ull / 3);
	for (uint32_t i = 0; i < share->flow_cnt; i++)
		before[i] = sim.flows[i].receiver.got;
	sim_run(&sim, share->run_s * 1000000ull);
	result = judge(share, &sim, before);
	sim_fini(&sim);
	return result;
}

int
main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	uint64_t seeds = quick ? 1 : SEEDS;
	int failed = 0;

	for (uint32_t i = 0; i < ARRAY_CNT(shares); i++) {
		const struct share *share = &shares[i];
		struct result worst = {.jain = UINT64_MAX, .used = UINT64_MAX};

		if (quick && share->rate_mbps > QUICK_MBPS)
			continue;
		for (uint64_t seed = 1; seed <= seeds; seed++) {
			struct result result = run(share, seed);

			worst.jain = MIN(worst.jain, result.jain);
			worst.used = MIN(worst.used, result.used);
		}
		printf("%-8s %u flows, %4u Mb/s, %3u ms, %4u ms apart: Jain %.3f, link %.1f %% used\n",
		       share->cc, share->flow_cnt, share->rate_mbps, share->rtt_us / 1000,
		       share->apart_us / 1000, (double)worst.jain / THOUSAND,
		       (double)worst.used / 10);
		if (worst.jain >= share->jain_min && worst.used >= share->used_min)
			continue;
		printf("FAILED: at least %.3f and %.1f %% are wanted\n",
		       (double)share->jain_min / THOUSAND, (double)share->used_min / 10);
		failed = 1;
	}
	return failed;
}
