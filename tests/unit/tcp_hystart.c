/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* HyStart++: RFC 9406 4.2 and 4.3, each transition, with round trips made up by the test. */
#include "dataplane/tcp/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1448 };

static struct cc cc;
static uint32_t seq;

static void
start(void **state)
{
	cc_init(&cc, &cc_cubic, MSS, false);
	seq = *state != NULL ? UINT32_MAX - 100 * MSS : 1000;
}

static struct hystart *
hystart(void)
{
	return &cc.cubic.hystart;
}

/* round acknowledges a window, a segment at a time, with one round-trip time. Returns by how much
 * the window grew. */
static uint32_t
round_of(uint32_t rtt_us)
{
	uint32_t before = cc.cwnd_bytes;
	uint32_t end = seq + before;

	while ((int32_t)(end - seq) > 0) {
		struct cc_ack ack = {
			.now_us = 1000000, .acked_bytes = MSS, .delivered_bytes = MSS,
			.rtt_us = rtt_us, .srtt_us = 100000, .cwnd_limited = true,
		};

		seq += MSS;
		ack.una = seq;
		ack.nxt = seq + cc.cwnd_bytes;
		cc.ops->acked(&cc, &ack);
	}
	return cc.cwnd_bytes - before;
}

static void
steady_round_trips_double_the_window(void **state)
{
	uint32_t cwnd;

	start(state);
	for (uint32_t i = 0; i < 6; i++) {
		cwnd = cc.cwnd_bytes;
		assert_in_range(round_of(100000), cwnd, cwnd + MSS);
		assert_int_equal(hystart()->phase, HYSTART_FULL);
	}
	assert_int_equal(cc.ssthresh_bytes, CC_SSTHRESH_NONE);
}

static void
longer_round_trips_slow_it_down_and_end_it(void **state)
{
	uint32_t cwnd;
	uint32_t rounds = 0;

	start(state);
	round_of(100000);
	round_of(100000);
	round_of(113000);                      /* by an eighth of 100 ms: 12.5 ms */
	assert_int_equal(hystart()->phase, HYSTART_SLOW);
	assert_int_equal(hystart()->baseline_us, 113000);
	while (hystart()->phase == HYSTART_SLOW && rounds++ < 20) {
		cwnd = cc.cwnd_bytes;
		assert_true(round_of(120000) <= cwnd / 4 + cwnd / 16);
	}
	assert_int_equal(hystart()->phase, HYSTART_OVER);
	assert_in_range(rounds, 4, 6);         /* CSS_ROUNDS */
	assert_true(cc.ssthresh_bytes <= cc.cwnd_bytes);
	cwnd = cc.cwnd_bytes;
	assert_true(round_of(120000) < cwnd / 8);
}

static void
shorter_round_trips_take_it_back(void **state)
{
	uint32_t cwnd;

	start(state);
	round_of(100000);
	round_of(100000);
	round_of(115000);
	assert_int_equal(hystart()->phase, HYSTART_SLOW);
	round_of(114000);
	assert_int_equal(hystart()->phase, HYSTART_FULL);
	cwnd = cc.cwnd_bytes;
	assert_true(round_of(114000) > cwnd / 10 * 9);
}

/* 4.3: RttThresh = clamp(4 ms, last / 8, 16 ms) */
static void
the_threshold_is_clamped(void **state)
{
	static const struct { uint32_t base_us, below_us, above_us; } rows[] = {
		{8000, 3900, 4000}, {80000, 9900, 10000}, {400000, 15900, 16000},
	};

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		start(state);
		round_of(rows[i].base_us);
		round_of(rows[i].base_us);
		round_of(rows[i].base_us + rows[i].below_us);
		assert_int_equal(hystart()->phase, HYSTART_FULL);
		start(state);
		round_of(rows[i].base_us);
		round_of(rows[i].base_us);
		round_of(rows[i].base_us + rows[i].above_us);
		assert_int_equal(hystart()->phase, HYSTART_SLOW);
	}
}

/* N_RTT_SAMPLE: fewer than 8 tell nothing */
static void
few_samples_tell_nothing(void **state)
{
	struct cc_ack ack = {.acked_bytes = MSS, .srtt_us = 100000, .rtt_us = 300000};

	start(state);
	round_of(100000);
	round_of(100000);
	ack.nxt = seq + cc.cwnd_bytes;
	while (hystart()->sample_cnt > 0) {    /* to the end of the round */
		struct cc_ack end = ack;

		end.rtt_us = 100000;
		end.una = seq += MSS;
		end.nxt = seq + cc.cwnd_bytes;
		cc.ops->acked(&cc, &end);
	}
	for (uint32_t i = 0; i < 7; i++) {
		ack.una = seq += MSS;
		cc.ops->acked(&cc, &ack);
	}
	assert_int_equal(hystart()->phase, HYSTART_FULL);
	ack.una = seq += MSS;
	cc.ops->acked(&cc, &ack);
	assert_int_equal(hystart()->phase, HYSTART_SLOW);
}

static void
only_the_first_slow_start_has_it(void **state)
{
	start(state);
	cc_timed_out(&cc, 100 * MSS);
	cc.ssthresh_bytes = 1000 * MSS;
	cc.after_rto = false;
	for (uint32_t i = 0; i < 4; i++)
		round_of(100000 + 40000 * i);
	assert_int_equal(hystart()->phase, HYSTART_FULL);
}

#define BOTH(f) {#f, f, NULL, NULL, NULL}, {#f "_wrap", f, NULL, NULL, (void *)&cc}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(steady_round_trips_double_the_window),
		BOTH(longer_round_trips_slow_it_down_and_end_it),
		BOTH(shorter_round_trips_take_it_back),
		BOTH(the_threshold_is_clamped),
		BOTH(few_samples_tell_nothing),
		BOTH(only_the_first_slow_start_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
