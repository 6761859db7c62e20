/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One acknowledgement, and the two segments that it lets leave, between marks in memory: what
 * perf/micro/lines.py finds in a trace of every load and store. */
#include "perf/micro/tcp_bench.h"

#include <stdio.h>

enum { WINDOW_SEGS = 32, SEGS = 2 };

static volatile uint32_t mark[4];      /* written: ACK begins, ends; output begins, ends */

int
main(void)
{
	static struct bench bench;
	struct bench_ack ack;

	bench_init(&bench, 1, WINDOW_SEGS);
	bench_ack_prepare(&bench, 0, SEGS, &ack);
	bench.now_us += BENCH_ROUND_US;
	printf("tcb 0x%lx %zu\n", (unsigned long)bench.conns[0].tcb, sizeof(struct tcb));
	for (uint32_t i = 0; i < ARRAY_CNT(mark); i++)
		printf("mark%u 0x%lx\n", i, (unsigned long)&mark[i]);
	fflush(stdout);
	mark[0] = 1;
	bench_ack_give(&bench, &ack);
	mark[1] = 1;
	bench_feed(&bench, 0);
	mark[2] = 1;
	tcp_output(bench.stack, bench.pkts, BENCH_BURST, bench.now_us);
	mark[3] = 1;
	bench_fini(&bench);
	return 0;
}
