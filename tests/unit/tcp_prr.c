/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Proportional rate reduction: RFC 9937. */
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* 6.2: one loss of twenty: what leaves in recovery comes down to ssthresh, spread over it */
static void
flight_comes_down_evenly(void **state)
{
	uint32_t sent = 0;
	uint32_t silent = 0;

	open_one(state, true, true);
	fly(20, 80);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 4);
	lab_flush(&lab);
	assert_int_equal(lab.out[0].seg.seq, at(0));   /* the first goes whatever the pipe */
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	for (uint32_t to = 5; to <= 20; to++) {
		sack(0, 1, to);
		lab_flush(&lab);
		assert_true(lab.out_cnt <= 1);         /* no burst */
		silent = lab.out_cnt == 0 ? silent + 1 : 0;
		assert_true(silent <= 2);              /* no long silence either */
		sent += lab.out_cnt;
	}
	assert_in_range(sent, 10, 13);                 /* 0.7 of the rest */
	assert_in_range(tcb_pipe(peer.tcb), peer.tcb->cc.ssthresh_bytes - 2 * mss,
	                peer.tcb->cc.ssthresh_bytes + mss);
	lab_ack(&peer, peer.tcb->recover_seq, NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, peer.tcb->cc.ssthresh_bytes);
	lab_fini(&lab);
}

/* 6.2 CRB: heavy loss leaves less than ssthresh in the pipe: no more leaves than was delivered,
 * while nothing shows that it goes well */
static void
heavy_loss_is_conservative(void **state)
{
	open_one(state, true, true);
	fly(40, 120);
	lab_wait(&lab, RTT_US);
	sack(0, 36, 40);
	lab_flush(&lab);
	assert_int_equal(peer.tcb->board.lost_bytes, 36 * mss);
	assert_true(lab.out_cnt <= 4);
	assert_int_equal(peer.tcb->prr.out_bytes, lab.out_cnt * mss);
	lab_fini(&lab);
}

/* 6.2 SSRB: snd_una moves and nothing more is lost: one segment more for each such ACK */
static void
progress_lets_it_catch_up(void **state)
{
	uint32_t out;

	open_one(state, true, true);
	fly(40, 120);
	lab_wait(&lab, RTT_US);
	sack(0, 36, 40);
	lab_flush(&lab);
	out = lab.out_cnt;
	lab_wait(&lab, RTT_US);
	sack(1, 36, 40);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 2);
	assert_true(out >= 1);
	assert_true(tcb_pipe(peer.tcb) <= peer.tcb->cc.ssthresh_bytes);
	lab_fini(&lab);
}

/* more than once a round trip an ACK that delivers nothing lets nothing out */
static void
empty_acks_let_nothing_out(void **state)
{
	open_one(state, true, true);
	fly(20, 80);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 6);
	lab_flush(&lab);
	for (uint32_t i = 0; i < 30; i++) {
		sack(0, 1, 6);
		assert_int_equal(lab_flush(&lab), 0);
	}
	lab_fini(&lab);
}

static void
lost_of(struct cc *cc, uint32_t flight_bytes)
{
	cc->ssthresh_bytes = flight_bytes;
}

/* a congestion control that models the path answers losses by itself */
static void
own_recovery_is_left_alone(void **state)
{
	struct cc_ops own;

	open_one(state, true, true);
	fly(20, 80);
	own = *peer.tcb->cc.ops;
	own.own_recovery = true;
	own.lost = lost_of;
	peer.tcb->cc.ops = &own;
	lab_wait(&lab, RTT_US);
	sack(0, 1, 10);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 20 * mss);
	lab_flush(&lab);
	assert_int_equal(times_sent(0), 1);
	lab_ack(&peer, at(20), NULL, 0);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 20 * mss);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(flight_comes_down_evenly),
		LAB_TEST(heavy_loss_is_conservative),
		LAB_TEST(progress_lets_it_catch_up),
		LAB_TEST(empty_acks_let_nothing_out),
		LAB_TEST(own_recovery_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
