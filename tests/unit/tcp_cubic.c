/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* CUBIC clause by clause where it is more than a curve: the Reno-friendly region (RFC 9438 4.3),
 * fast convergence (4.7), timeouts (4.8), spurious events (4.9), time not used (5.8), marks
 * (RFC 8511). References are computed here in floating point. */
#include "dataplane/tcp/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1448, RTT_US = 100000 };

static struct cc cc;
static uint64_t now_us;

static void
acked(uint32_t bytes, uint32_t srtt_us, bool cwnd_limited)
{
	struct cc_ack ack = {
		.now_us = now_us, .acked_bytes = bytes, .delivered_bytes = bytes,
		.srtt_us = srtt_us, .cwnd_limited = cwnd_limited,
	};

	cc.ops->acked(&cc, &ack);
}

static void
round_trip(uint32_t srtt_us, bool cwnd_limited)
{
	for (uint32_t left = cc.cwnd_bytes; left > 0; left -= MIN(left, 2u * MSS))
		acked(MIN(left, 2u * MSS), srtt_us, cwnd_limited);
	now_us += srtt_us;
}

static void
start(uint32_t segments)
{
	cc_init(&cc, &cc_cubic, MSS, false);
	now_us = 1000000;
	cc.cwnd_bytes = segments * MSS;
}

static double
cube_root(double x)
{
	double low = 0, high = x + 1;

	while (high - low > 1e-9) {
		double middle = (low + high) / 2;

		if (middle * middle * middle > x)
			high = middle;
		else
			low = middle;
	}
	return low;
}

/* 4.3 and figure 4: alpha = 3 (1 - 0.7) / (1 + 0.7) up to cwnd_prior, then 1 */
static void
reno_friendly_growth_follows_the_formula(void **state)
{
	double w_est = 28;

	(void)state;
	start(40);
	cc_lost(&cc, 40 * MSS);
	for (uint32_t rtt = 0; rtt < 200; rtt++) {
		round_trip(2000, true);
		w_est += w_est < 40 ? 0.9 / 1.7 : 1;
		assert_in_range(cc.cwnd_bytes, (w_est - 2.5) * MSS, (w_est + 2.5) * MSS);
	}
}

/* 4.2: K and W_cubic for several W_max, far from the Reno-friendly region */
static void
the_window_meets_the_curve(void **state)
{
	static const uint32_t w_max[] = {300, 1000, 5000};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(w_max); i++) {
		double k = cube_root(w_max[i] * 0.3 / 0.4);

		start(w_max[i]);
		cc_lost(&cc, w_max[i] * MSS);
		for (uint32_t rtt = 1; rtt * 0.1 < 2 * k; rtt++) {
			double t = rtt * 0.1 - k;
			double w = 0.4 * t * t * t + w_max[i];

			round_trip(RTT_US, true);
			assert_in_range(cc.cwnd_bytes, w * 0.97 * MSS, w * 1.03 * MSS);
		}
	}
}

/* 4.8: after a timeout K = 0 and W_max is the window at which slow start ended */
static void
after_a_timeout_the_curve_begins_at_ssthresh(void **state)
{
	(void)state;
	start(1000);
	cc_timed_out(&cc, 1000 * MSS);
	cc.after_rto = false;
	for (uint32_t i = 0; i < 100 && cc.cwnd_bytes < cc.ssthresh_bytes; i++)
		round_trip(RTT_US, true);
	assert_in_range(cc.cwnd_bytes, 695 * MSS, 705 * MSS);
	round_trip(RTT_US, true);
	assert_int_equal(cc.cubic.epoch.k_ticks, 0);
	assert_in_range(cc.cubic.epoch.w_max_bytes, 695 * MSS, 705 * MSS);
	for (uint32_t i = 0; i < 40; i++)
		round_trip(RTT_US, true);
	assert_in_range(cc.cwnd_bytes, 715 * MSS, 735 * MSS);  /* 700 + 0.4 * 4.1^3 */
}

/* 4.9.2: all that described the curve comes back */
static void
an_undone_loss_leaves_no_trace(void **state)
{
	struct cubic_epoch before;
	uint32_t cwnd;

	(void)state;
	start(1000);
	cc_lost(&cc, 1000 * MSS);
	for (uint32_t i = 0; i < 30; i++)
		round_trip(RTT_US, true);
	before = cc.cubic.epoch;
	cwnd = cc.cwnd_bytes;
	cc_lost(&cc, cwnd);
	round_trip(RTT_US, true);                              /* a curve of its own */
	assert_true(cc.cubic.epoch.start_us != before.start_us);
	cc_undo(&cc);
	assert_memory_equal(&cc.cubic.epoch, &before, sizeof(before));
	assert_int_equal(cc.cwnd_bytes, cwnd);
	round_trip(RTT_US, true);
	assert_in_range(cc.cwnd_bytes, cwnd, cwnd + 20 * MSS);
}

/* 5.8: time in which the window was not used is not on the curve */
static void
time_not_used_is_left_out(void **state)
{
	uint32_t cwnd;

	(void)state;
	start(1000);
	cc_lost(&cc, 1000 * MSS);
	for (uint32_t i = 0; i < 85; i++)
		round_trip(RTT_US, true);
	cwnd = cc.cwnd_bytes;
	for (uint32_t i = 0; i < 100; i++)                     /* 10 s */
		round_trip(RTT_US, false);
	assert_int_equal(cc.cwnd_bytes, cwnd);
	for (uint32_t i = 0; i < 5; i++)
		round_trip(RTT_US, true);
	assert_in_range(cc.cwnd_bytes, cwnd, cwnd + 3 * MSS);  /* still where it is flat */
}

static void
fast_convergence_leaves_room(void **state)
{
	(void)state;
	start(1000);
	cc_lost(&cc, 1000 * MSS);
	assert_int_equal(cc.cubic.epoch.w_max_bytes, 1000 * MSS);
	cc_lost(&cc, 700 * MSS);                               /* 4.7: 700 * 1.7 / 2 */
	assert_in_range(cc.cubic.epoch.w_max_bytes, 594 * MSS, 596 * MSS);
}

static void
a_mark_costs_less_than_a_loss(void **state)
{
	(void)state;
	start(1000);
	cc_marked(&cc, 1000 * MSS);                            /* RFC 8511: 0.85 */
	assert_in_range(cc.cwnd_bytes, 848 * MSS, 852 * MSS);
	assert_int_equal(cc.cwnd_bytes, cc.ssthresh_bytes);
	cc_marked(&cc, 10 * MSS);
	assert_in_range(cc.cwnd_bytes, 8 * MSS, 9 * MSS);
}

static void
another_congestion_control_keeps_the_window(void **state)
{
	(void)state;
	start(1000);
	cc_lost(&cc, 1000 * MSS);
	cc_change(&cc, &cc_newreno);
	assert_in_range(cc.cwnd_bytes, 695 * MSS, 705 * MSS);
	assert_int_equal(cc.ssthresh_bytes, cc.cwnd_bytes);
	cc_change(&cc, &cc_bbr);
	cc_change(&cc, &cc_cubic);
	assert_in_range(cc.cwnd_bytes, 695 * MSS, 705 * MSS);
	round_trip(RTT_US, true);                              /* no slow start from here */
	assert_in_range(cc.cwnd_bytes, 695 * MSS, 710 * MSS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reno_friendly_growth_follows_the_formula),
		cmocka_unit_test(the_window_meets_the_curve),
		cmocka_unit_test(after_a_timeout_the_curve_begins_at_ssthresh),
		cmocka_unit_test(an_undone_loss_leaves_no_trace),
		cmocka_unit_test(time_not_used_is_left_out),
		cmocka_unit_test(fast_convergence_leaves_room),
		cmocka_unit_test(a_mark_costs_less_than_a_loss),
		cmocka_unit_test(another_congestion_control_keeps_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
