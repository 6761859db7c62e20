/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The window of RFC 5681 3.1 and 3.2, by bytes (RFC 3465), against its formulas. */
#include "dataplane/tcp/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1000, RTT_US = 50000 };

static struct cc cc;

static void
acked(uint32_t bytes, bool cwnd_limited, bool recovering)
{
	struct cc_ack ack = {
		.now_us = 1000000, .acked_bytes = bytes, .delivered_bytes = bytes,
		.srtt_us = RTT_US, .cwnd_limited = cwnd_limited, .recovering = recovering,
	};

	cc.ops->acked(&cc, &ack);
}

static void
start(uint32_t cwnd, uint32_t ssthresh)
{
	cc_init(&cc, &cc_newreno, MSS, false);
	cc.cwnd_bytes = cwnd;
	cc.ssthresh_bytes = ssthresh;
}

static void
slow_start_doubles_then_a_segment_each_round_trip(void **state)
{
	uint32_t reference = 10 * MSS;

	(void)state;
	start(10 * MSS, 80 * MSS);
	for (uint32_t rtt = 0; rtt < 30; rtt++) {
		uint32_t left = cc.cwnd_bytes;

		for (; left > 0; left -= MIN(left, 2u * MSS))
			acked(MIN(left, 2u * MSS), true, false);
		reference = reference < 80 * MSS ? MIN(2 * reference, 80u * MSS) : reference + MSS;
		assert_in_range(cc.cwnd_bytes, reference - 2 * MSS, reference + 2 * MSS);
	}
}

static void
a_loss_halves_the_flight(void **state)
{
	(void)state;
	start(100 * MSS, CC_SSTHRESH_NONE);
	cc_lost(&cc, 60 * MSS);                                /* 3.1 (4): FlightSize, not cwnd */
	assert_int_equal(cc.ssthresh_bytes, 30 * MSS);
	assert_int_equal(cc.cwnd_bytes, 30 * MSS);
	cc_lost(&cc, 2 * MSS);
	assert_int_equal(cc.ssthresh_bytes, 2 * MSS);
}

static void
a_timeout_starts_from_one_segment(void **state)
{
	(void)state;
	start(100 * MSS, CC_SSTHRESH_NONE);
	cc_timed_out(&cc, 100 * MSS);
	assert_int_equal(cc.ssthresh_bytes, 50 * MSS);
	assert_int_equal(cc.cwnd_bytes, MSS);
	acked(20 * MSS, true, false);                          /* RFC 3465 2.3 */
	assert_int_equal(cc.cwnd_bytes, 2 * MSS);
}

static void
no_growth_unused_or_in_recovery(void **state)
{
	(void)state;
	start(20 * MSS, 10 * MSS);
	for (uint32_t i = 0; i < 100; i++) {
		acked(MSS, false, false);
		acked(MSS, true, true);
	}
	assert_int_equal(cc.cwnd_bytes, 20 * MSS);
}

static void
an_undone_loss_leaves_no_trace(void **state)
{
	(void)state;
	start(100 * MSS, 200 * MSS);
	cc_lost(&cc, 100 * MSS);
	cc_undo(&cc);
	assert_int_equal(cc.cwnd_bytes, 100 * MSS);
	assert_int_equal(cc.ssthresh_bytes, 200 * MSS);
}

static void
a_mark_costs_a_fifth(void **state)
{
	(void)state;
	start(100 * MSS, CC_SSTHRESH_NONE);
	cc_marked(&cc, 100 * MSS);                             /* RFC 8511 */
	assert_in_range(cc.cwnd_bytes, 79 * MSS, 81 * MSS);
	assert_int_equal(cc.cwnd_bytes, cc.ssthresh_bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_start_doubles_then_a_segment_each_round_trip),
		cmocka_unit_test(a_loss_halves_the_flight),
		cmocka_unit_test(a_timeout_starts_from_one_segment),
		cmocka_unit_test(no_growth_unused_or_in_recovery),
		cmocka_unit_test(an_undone_loss_leaves_no_trace),
		cmocka_unit_test(a_mark_costs_a_fifth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
