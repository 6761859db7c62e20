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
	static const struct bench_shape shape = {
		.open_cnt = 1, .active_cnt = 1, .window_segs = WINDOW_SEGS, .ack_cnt = 1,
	};

	bench_init(&bench, &shape);
	bench_ack_prepare(&bench, 0, 0, SEGS);
	bench.now_us += BENCH_ROUND_US;
	printf("tcb 0x%lx %zu\n", (unsigned long)bench.conns[0].tcb, sizeof(struct tcb));
	for (uint32_t i = 0; i < ARRAY_CNT(mark); i++)
		printf("mark%u 0x%lx\n", i, (unsigned long)&mark[i]);
	fflush(stdout);
	mark[0] = 1;
	bench_ack_give(&bench, 0, 1);
	mark[1] = 1;
	bench_feed(&bench, 0);
	mark[2] = 1;
	tcp_output(bench.stack, bench.pkts, BENCH_BURST, bench.now_us);
	mark[3] = 1;
	bench_fini(&bench);
	return 0;
}
