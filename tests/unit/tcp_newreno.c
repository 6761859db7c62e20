/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Fast recovery where the peer has no SACK: RFC 6582. */
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
duplicates(uint32_t una, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		lab_ack(&peer, at(una), NULL, 0);
		lab_flush(&lab);
	}
}

/* 3.2: each partial ACK sends the next hole again, within one window reduction */
static void
one_hole_for_each_partial_ack(void **state)
{
	static const uint32_t holes[] = {0, 4, 9, 15};
	uint32_t ssthresh;

	open_one(state, false, false);
	fly(20, 80);
	lab_wait(&lab, RTT_US);
	lab.keep = true;
	duplicates(0, 16);
	assert_int_equal(times_sent(0), 1);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	for (uint32_t i = 1; i < ARRAY_CNT(holes); i++) {
		lab_wait(&lab, RTT_US);
		lab_ack(&peer, at(holes[i]), NULL, 0);
		lab_flush(&lab);
		assert_int_equal(times_sent(holes[i]), 1);
		assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	}
	lab_ack(&peer, peer.tcb->recover_seq, NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, ssthresh);
	assert_int_equal(counted(CTR_tcp_retransmits), 4);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	lab_fini(&lab);
}

/* 3.2 (1): duplicates of what recovery sent again begin no other one */
static void
late_duplicates_begin_nothing(void **state)
{
	open_one(state, false, false);
	fly(20, 80);
	lab_wait(&lab, RTT_US);
	duplicates(0, 3);
	lab_ack(&peer, peer.tcb->recover_seq, NULL, 0);
	lab_flush(&lab);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	duplicates((peer.rcv - base) / mss, 10);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	assert_int_equal(counted(CTR_tcp_retransmits), 1);
	lab_fini(&lab);
}

/* a flood of duplicates: the counter stays in bounds, no more leaves than what is in flight */
static void
floods_of_duplicates_are_bounded(void **state)
{
	uint32_t sent = 0;

	open_one(state, false, false);
	fly(20, 400);
	lab_wait(&lab, RTT_US);
	for (uint32_t i = 0; i < 1000; i++) {
		lab_ack(&peer, base, NULL, 0);
		sent += lab_flush(&lab);
	}
	assert_int_equal(peer.tcb->dupack_cnt, TCP_DUP_THRESH);
	assert_true(peer.tcb->dup_bytes <= tcb_flight(peer.tcb));
	assert_true(sent <= 1000);
	lab_fini(&lab);
}

/* the reordering that Eifel finds is taken back without SACK too (RFC 3522) */
static void
reordering_is_undone_by_the_echo(void **state)
{
	open_one(state, false, true);
	fly(20, 80);
	lab_wait(&lab, RTT_US);
	duplicates(0, 4);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	lab_wait(&lab, 3000);
	echoing(at(5), RTT_US + 3000, NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(counted(CTR_tcp_undo_eifel), 1);
	assert_true(peer.tcb->cc.cwnd_bytes >= 20 * mss);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(one_hole_for_each_partial_ack),
		LAB_TEST(late_duplicates_begin_nothing),
		LAB_TEST(floods_of_duplicates_are_bounded),
		LAB_TEST(reordering_is_undone_by_the_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
