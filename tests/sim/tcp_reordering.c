/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reordering must not cost throughput: one packet in a hundred is overtaken by 3, 10 or 50 others,
 * and the goodput is compared with that of the same path without. RFC 8985 6.2 (the reordering
 * window), 2883 and 4015 (what was taken for loss is taken back), 5682.
 * Prints each ratio; fails when one is below its bound. --quick leaves the fast links and all
 * seeds but one out, for sanitizers. */
#include "tests/sim/sim.h"

#include <string.h>

enum { SEEDS = 4, RUN_US = 30 * 1000 * 1000, OVERTAKEN_PPM = 10000, QUICK_MBPS = 100 };

struct path {
	uint32_t rate_mbps;
	uint32_t rtt_us;
	uint16_t by;               /* packets that overtake */
	bool no_dsack;
	uint32_t thousandths_min;  /* of the goodput without reordering */
};

static const struct path paths[] = {
	{100, 20000, 3, false, 950},
	{100, 20000, 10, false, 950},
	{100, 20000, 50, false, 950},
	{100, 20000, 3, true, 950},
	{100, 20000, 10, true, 950},
	{100, 100000, 3, false, 950},
	{100, 100000, 10, false, 950},
	{100, 100000, 50, false, 950},
	{1000, 20000, 3, false, 950},
	{1000, 20000, 10, false, 950},
	{1000, 20000, 50, false, 950},
};

static uint64_t
goodput_kbps(const struct path *path, uint32_t ppm, uint64_t seed)
{
	struct sim_config config = {
		.seed = seed, .flow_cnt = 1, .wrap = seed & 1,
		.flow.receiver = {.buffer_bytes = 64 << 20, .no_dsack = path->no_dsack},
	};
	struct sim sim;
	uint64_t kbps;

	sim_link(&config, path->rate_mbps, path->rtt_us);
	config.down.reorder_ppm = ppm;
	config.down.reorder_min = path->by;
	config.down.reorder_max = path->by;
	sim_init(&sim, &config);
	sim_run(&sim, RUN_US);
	kbps = sim.flows[0].receiver.got * 8000 / RUN_US;
	sim_fini(&sim);
	return kbps;
}

int
main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	uint64_t seeds = quick ? 1 : SEEDS;
	int failed = 0;

	printf("%10s %8s %10s %10s %8s\n", "rate", "rtt", "overtaken", "goodput", "of clean");
	for (uint32_t i = 0; i < ARRAY_CNT(paths); i++) {
		const struct path *path = &paths[i];
		uint64_t clean_kbps;
		uint64_t kbps = 0;

		if (quick && path->rate_mbps > QUICK_MBPS)
			continue;
		clean_kbps = goodput_kbps(path, 0, 1) * seeds;
		for (uint64_t seed = 1; seed <= seeds; seed++)
			kbps += goodput_kbps(path, OVERTAKEN_PPM, seed);
		printf("%5u Mb/s %5u ms %7u by %5lu Mb/s %7.1f %% of %.1f %%%s\n",
		       path->rate_mbps, path->rtt_us / 1000, path->by, kbps / seeds / 1000,
		       (double)kbps * 100 / (double)clean_kbps, (double)path->thousandths_min / 10,
		       path->no_dsack ? ", no D-SACK" : "");
		if (kbps * 1000 < clean_kbps * path->thousandths_min) {
			printf("FAILED: the line above\n");
			failed = 1;
		}
	}
	return failed;
}
