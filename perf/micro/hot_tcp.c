/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* TCP input and output. */
#include "perf/micro/hot.h"
#include "perf/micro/tcp_bench.h"

enum {
	SEGS_PER_ACK = 2,
	WINDOW_SEGS = 64,
	TSO_LEN = 64000,
	TSO_BURST = 16,
	TSO_SEGS_PER_ACK = 64,     /* one packet and a half */
	TSO_WINDOW_SEGS = 512,
};

static struct bench bench;
static uint32_t out_cnt;       /* packets of a round, which are not noted yet */

static void
tcp_open(uint32_t conns, uint32_t window_segs, uint32_t tso_max)
{
	struct bench_shape shape = {
		.open_cnt = conns, .active_cnt = conns, .window_segs = window_segs,
		.ack_cnt = BENCH_BURST, .tso_max = tso_max,
	};

	bench_init(&bench, &shape);
}

void
hot_tcp_close(void)
{
	bench_fini(&bench);
}

/* drain lets all that may leave do so, then hands content in for what may be sent next. */
static void
drain(void)
{
	uint32_t cnt;

	bench_noted(&bench, out_cnt);
	out_cnt = 0;
	do {
		cnt = tcp_output(bench.stack, bench.pkts, BENCH_BURST, bench.now_us);
		bench_noted(&bench, cnt);
	} while (cnt > 0);
	for (uint32_t i = 0; i < bench.active_cnt; i++)
		bench_feed(&bench, bench.active[i]);
}

/* acks_prepare writes a burst, each connection's in order. */
static void
acks_prepare(uint32_t cnt, uint32_t segs)
{
	bench_tick(&bench);
	for (uint32_t i = 0; i < cnt; i++)
		bench_ack_prepare(&bench, i, bench.active[i % bench.active_cnt], segs);
}

/* let_out lets the time pass until the pace allows what the acknowledgements did. */
static void
let_out(void)
{
	struct tcp_note notes[16];

	bench.now_us += BENCH_ROUND_US;
	while (tcp_timers(bench.stack, bench.now_us, notes, ARRAY_CNT(notes)) > 0)
		;
}

/* ---- acknowledgements in */

void
hot_ack_open(uint32_t conns)
{
	tcp_open(conns, WINDOW_SEGS, 0);
}

void
hot_ack_prepare(void)
{
	drain();
	acks_prepare(BENCH_BURST, SEGS_PER_ACK);
}

HOT_ROUND uint32_t
hot_round_ack(void)
{
	bench_ack_give(&bench, 0, BENCH_BURST);
	return BENCH_BURST;
}

/* ---- segments out */

void
hot_segment_open(uint32_t conns)
{
	tcp_open(conns, WINDOW_SEGS, 0);
}

void
hot_segment_prepare(void)
{
	drain();
	acks_prepare(BENCH_BURST, SEGS_PER_ACK);
	bench_ack_give(&bench, 0, BENCH_BURST);
	let_out();
}

HOT_ROUND uint32_t
hot_round_segment(void)
{
	out_cnt = tcp_output(bench.stack, bench.pkts, BENCH_BURST, bench.now_us);
	return out_cnt;
}

void
hot_tso_open(uint32_t conns)
{
	tcp_open(conns, TSO_WINDOW_SEGS, TSO_LEN);
}

void
hot_tso_prepare(void)
{
	drain();
	acks_prepare(bench.active_cnt, TSO_SEGS_PER_ACK);
	bench_ack_give(&bench, 0, bench.active_cnt);
	let_out();
}

HOT_ROUND uint32_t
hot_round_tso(void)
{
	out_cnt = tcp_output(bench.stack, bench.pkts, TSO_BURST, bench.now_us);
	return out_cnt;
}
