/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The congestion window by itself: slow start, and CUBIC's curve against the formulas of RFC 9438
 * in floating point. */
#include "dataplane/tcp/cc.h"

#include "dataplane/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1448, RTT_US = 100000, RTT_UNPACED_US = 100 };

static struct cc cc;

/* acked gives a window an ACK of bytes that the window had held back. */
static void
acked(struct cc *window, uint32_t bytes, uint32_t srtt_us, uint64_t now_us)
{
	struct cc_ack ack = {
		.now_us = now_us,
		.acked_bytes = bytes,
		.delivered_bytes = bytes,
		.srtt_us = srtt_us,
		.cwnd_limited = true,
	};

	window->ops->acked(window, &ack);
}

static void
initial_window(void **state)
{
	static const struct { uint32_t mss, window; } rows[] = {
		{76, 760}, {536, 5360}, {1448, 14480}, {1460, 14600}, {4000, 14600}, {8948, 17896},
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		cc_init(&cc, &cc_cubic, rows[i].mss, false);
		assert_int_equal(cc.cwnd_bytes, rows[i].window);       /* RFC 6928 2 */
		cc_init(&cc, &cc_cubic, rows[i].mss, true);
		assert_int_equal(cc.cwnd_bytes, rows[i].mss);
	}
}

static void
slow_start_counts_bytes(void **state)
{
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cwnd = cc.cwnd_bytes;
	acked(&cc, 100, RTT_UNPACED_US, 1000000);
	assert_int_equal(cc.cwnd_bytes, cwnd + 100);
	acked(&cc, 2 * MSS, RTT_UNPACED_US, 1000000);
	assert_int_equal(cc.cwnd_bytes, cwnd + 100 + 2 * MSS);
	/* RFC 9406 4.3: one ACK is worth 8 segments without pacing, whatever it says with it */
	acked(&cc, 100 * MSS, RTT_UNPACED_US, 1000000);
	assert_int_equal(cc.cwnd_bytes, cwnd + 100 + 10 * MSS);
	acked(&cc, 0, RTT_US, 1000000);
	acked(&cc, 100 * MSS, RTT_US, 1000000);
	assert_int_equal(cc.cwnd_bytes, cwnd + 100 + 110 * MSS);
}

static void
slow_start_ends_at_ssthresh(void **state)
{
	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.ssthresh_bytes = cc.cwnd_bytes + 100;
	acked(&cc, MSS, RTT_US, 1000000);
	assert_int_equal(cc.cwnd_bytes, cc.ssthresh_bytes);
}

static void
after_a_timeout_an_ack_is_worth_one_segment(void **state)
{
	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 100 * MSS;
	cc.ops->timed_out(&cc, 100 * MSS);
	assert_int_equal(cc.cwnd_bytes, MSS);
	assert_in_range(cc.ssthresh_bytes, 70 * MSS - MSS, 70 * MSS + MSS);
	acked(&cc, 50 * MSS, RTT_US, 1000000);         /* RFC 3465 2.3 */
	assert_int_equal(cc.cwnd_bytes, 2 * MSS);
}

static void
a_loss_takes_three_tenths(void **state)
{
	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 100 * MSS;
	cc.ops->lost(&cc, 100 * MSS);
	assert_in_range(cc.cwnd_bytes, 70 * MSS - MSS, 70 * MSS + MSS);
	assert_int_equal(cc.cwnd_bytes, cc.ssthresh_bytes);
	cc.ops->lost(&cc, MSS);                                /* never below two segments */
	assert_int_equal(cc.ssthresh_bytes, 2 * MSS);
}

static void
a_window_that_was_not_used_counts_as_what_was(void **state)
{
	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 1000 * MSS;
	cc.ops->lost(&cc, 100 * MSS);
	assert_in_range(cc.cwnd_bytes, 70 * MSS - MSS, 70 * MSS + MSS);
}

/* grow acknowledges a window each RTT for some time. Returns the time after it. */
static uint64_t
grow(uint64_t now_us, uint64_t for_us)
{
	uint64_t until_us = now_us + for_us;

	while (now_us < until_us) {
		for (uint32_t left = cc.cwnd_bytes; left > 0; left -= MIN(left, 2u * MSS))
			acked(&cc, MIN(left, 2u * MSS), RTT_US, now_us);
		now_us += RTT_US;
	}
	return now_us;
}

static double
cube_root(double x)
{
	double low = 0;
	double high = x + 1;

	while (high - low > 1e-9) {
		double middle = (low + high) / 2;

		if (middle * middle * middle > x)
			high = middle;
		else
			low = middle;
	}
	return low;
}

static double
w_cubic(double w_max, double t)
{
	double k = cube_root(w_max * 0.3 / 0.4);               /* RFC 9438 4.2 */

	return 0.4 * (t - k) * (t - k) * (t - k) + w_max;
}

static void
the_curve_is_cubic(void **state)
{
	uint64_t now_us = 1000000;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 1000 * MSS;
	cc.ops->lost(&cc, 1000 * MSS);                         /* K is about 9.1 s */
	for (uint32_t second = 2; second <= 14; second += 2) {
		double expected;

		now_us = grow(now_us, 2000000);
		expected = w_cubic(1000, second);
		assert_in_range(cc.cwnd_bytes / MSS, (uint32_t)(expected * 0.97),
		                (uint32_t)(expected * 1.03));
	}
}

static void
every_loss_begins_a_new_curve(void **state)
{
	uint64_t now_us;
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 1000 * MSS;
	cc.ops->lost(&cc, 1000 * MSS);
	now_us = grow(1000000, 4000000);
	cwnd = cc.cwnd_bytes;
	cc.ops->lost(&cc, cwnd);
	/* before the former maximum was reached: room is left for others (4.7) */
	assert_in_range(cc.cubic.epoch.w_max_bytes, cwnd / 100 * 84, cwnd / 100 * 86);
	grow(now_us, 100000);
	assert_true(cc.cubic.epoch.start_us >= now_us);
	assert_true(cc.cwnd_bytes < cwnd / 10 * 8);
}

static void
small_windows_grow_as_renos_do(void **state)
{
	uint64_t now_us = 1000000;
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 20 * MSS;
	cc.ops->lost(&cc, 20 * MSS);
	cwnd = cc.cwnd_bytes;
	/* RTT 1 ms: 0.53 segments each until the 6 lost are back, then one (4.3) */
	for (uint32_t i = 0; i < 100; i++) {
		acked(&cc, cc.cwnd_bytes, 1000, now_us);
		now_us += 1000;
	}
	assert_in_range((cc.cwnd_bytes - cwnd) / MSS, 91, 97);
}

static void
growth_in_one_rtt_is_at_most_half(void **state)
{
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 100 * MSS;
	cc.ops->lost(&cc, 100 * MSS);
	cwnd = cc.cwnd_bytes;
	acked(&cc, 1, RTT_US, 1000000);
	cc.cubic.epoch.start_us -= 60000000;                         /* far up the curve */
	for (uint32_t left = cwnd; left > 0; left -= MIN(left, 2u * MSS))
		acked(&cc, MIN(left, 2u * MSS), RTT_US, 1000000);
	assert_in_range(cc.cwnd_bytes, cwnd / 10 * 13, cwnd / 10 * 17);
}

static void
idle_time_is_not_growth(void **state)
{
	uint64_t now_us = 1000000;
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	cc.cwnd_bytes = 1000 * MSS;
	cc.ops->lost(&cc, 1000 * MSS);
	now_us = grow(now_us, 9000000);
	cwnd = cc.cwnd_bytes;
	grow(now_us + 30000000, 200000);                       /* 5.8 */
	assert_in_range(cc.cwnd_bytes, cwnd, cwnd + 5 * MSS);
}

static void
the_window_is_bounded(void **state)
{
	(void)state;
	cc_init(&cc, &cc_cubic, MSS, false);
	for (uint32_t i = 0; i < 20000; i++)
		acked(&cc, 64 * MSS, RTT_US, 1000000 + i * 1000);
	assert_int_equal(cc.cwnd_bytes, TCP_SND_QUEUE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initial_window),
		cmocka_unit_test(slow_start_counts_bytes),
		cmocka_unit_test(slow_start_ends_at_ssthresh),
		cmocka_unit_test(after_a_timeout_an_ack_is_worth_one_segment),
		cmocka_unit_test(a_loss_takes_three_tenths),
		cmocka_unit_test(a_window_that_was_not_used_counts_as_what_was),
		cmocka_unit_test(the_curve_is_cubic),
		cmocka_unit_test(every_loss_begins_a_new_curve),
		cmocka_unit_test(small_windows_grow_as_renos_do),
		cmocka_unit_test(growth_in_one_rtt_is_at_most_half),
		cmocka_unit_test(idle_time_is_not_growth),
		cmocka_unit_test(the_window_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
