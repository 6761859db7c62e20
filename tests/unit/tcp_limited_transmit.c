/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limited transmit (RFC 3042), and losses of a flight too small for three duplicate ACKs
 * (RFC 5827 without SACK, 8985 with). */
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
duplicates_let_new_data_out(void **state, bool with_sack)
{
	open_one(state, with_sack, true);
	fly(4, 20);
	lab_wait(&lab, RTT_US);
	for (uint32_t i = 0; i < 2; i++) {
		if (with_sack)
			sack(0, 1, 2 + i);
		else
			lab_ack(&peer, base, NULL, 0);
		lab_flush(&lab);
		assert_int_equal(lab.out_cnt, 1);
		assert_int_equal(times_sent(4 + i), 1);
		assert_int_equal(peer.tcb->cc.cwnd_bytes, 4 * mss);
	}
	if (with_sack)
		sack(0, 1, 4);
	else
		lab_ack(&peer, base, NULL, 0);
	lab_flush(&lab);
	assert_int_equal(lab.out[0].seg.seq, base);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	lab_fini(&lab);
}

/* RFC 3042 2 */
static void
two_duplicates_with_sack(void **state)
{
	duplicates_let_new_data_out(state, true);
}

static void
two_duplicates_without_sack(void **state)
{
	duplicates_let_new_data_out(state, false);
}

/* RFC 3042 2: not beyond the peer's window */
static void
not_beyond_the_window(void **state)
{
	open_one(state, false, true);
	peer.tcb->snd_wnd = 4 * mss;
	peer.wnd = (uint16_t)(4 * mss >> peer.tcb->snd_wscale);
	fly(4, 20);
	lab_wait(&lab, RTT_US / 2);
	lab_ack(&peer, base, NULL, 0);
	lab_ack(&peer, base, NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	lab_fini(&lab);
}

/* RFC 5827 3.1: nothing new to send, three in flight: two duplicates; two: one */
static void
small_flights_need_fewer(void **state)
{
	for (uint32_t cnt = 2; cnt <= 3; cnt++) {
		open_one(state, false, true);
		fly(cnt, cnt);
		lab_wait(&lab, RTT_US);
		for (uint32_t i = 1; i < cnt; i++) {
			assert_int_equal(counted(CTR_tcp_fast_recoveries), 0);
			lab_ack(&peer, base, NULL, 0);
		}
		lab_flush(&lab);
		assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
		assert_int_equal(times_sent(0), 1);
		lab_fini(&lab);
	}
}

static void
large_flights_need_three(void **state)
{
	open_one(state, false, true);
	fly(5, 5);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, base, NULL, 0);
	lab_ack(&peer, base, NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	lab_ack(&peer, base, NULL, 0);
	assert_int_equal(lab_flush(&lab), 1);
	lab_fini(&lab);
}

/* RFC 8985: two in flight, the first is lost: no timeout */
static void
small_flights_with_sack_wait_briefly(void **state)
{
	open_one(state, true, true);
	fly(2, 2);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 2);
	lab_wait(&lab, RTT_US / 4 + 1000);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(two_duplicates_with_sack),
		LAB_TEST(two_duplicates_without_sack),
		LAB_TEST(not_beyond_the_window),
		LAB_TEST(small_flights_need_fewer),
		LAB_TEST(large_flights_need_three),
		LAB_TEST(small_flights_with_sack_wait_briefly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
