/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What was spurious is taken back: RFC 3522 and 4015 (Eifel), 2883 (D-SACK), 5682 (F-RTO). */
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* recover begins a fast recovery of segment 0, for nothing. */
static void
recover(void **state, bool ts)
{
	open_one(state, true, ts);
	fly(20, 60);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 10);
	lab_flush(&lab);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	assert_true(peer.tcb->cc.ssthresh_bytes < 20 * mss);
}

static void
assert_undone(enum counter why)
{
	assert_int_equal(counted(why), 1);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_true(peer.tcb->cc.cwnd_bytes >= 20 * mss);
	assert_true(peer.tcb->cc.ssthresh_bytes > 20 * mss);
	assert_int_equal(peer.tcb->board.lost_bytes, 0);
	assert_int_equal(peer.tcb->board.rtx_bytes, 0);
	assert_null(peer.tcb->board.again);
}

/* RFC 3522 3.2: the ACK echoes what was sent before the retransmission */
static void
late_original_is_known_by_its_echo(void **state)
{
	recover(state, true);
	lab_wait(&lab, 5000);
	echoing(at(10), RTT_US + 5000, NULL, 0);
	assert_undone(CTR_tcp_undo_eifel);
	assert_true(peer.tcb->rack.reordering_seen);
	assert_true(peer.tcb->rack.reo_mult > 1);
	lab_fini(&lab);
}

static void
repaired_loss_stays_one(void **state)
{
	recover(state, true);
	lab_wait(&lab, RTT_US);
	echoing(at(10), RTT_US, NULL, 0);
	assert_int_equal(counted(CTR_tcp_undo_eifel), 0);
	assert_true(peer.tcb->cc.ssthresh_bytes < 20 * mss);
	lab_fini(&lab);
}

/* RFC 2883: all that was sent again came twice; also after recovery has ended */
static void
dsack_of_all_undoes(void **state)
{
	recover(state, false);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(20), NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);     /* recovery has ended */
	sack(20, 0, 1);
	assert_undone(CTR_tcp_undo_dsack);
	assert_int_equal(counted(CTR_tcp_dsacks), 1);
	lab_fini(&lab);
}

/* of two retransmissions one was needed */
static void
dsack_of_some_does_not(void **state)
{
	open_one(state, true, false);
	fly(20, 20);
	lab_wait(&lab, RTT_US);
	sack(0, 2, 20);                        /* 0 and 1 */
	lab.keep = true;
	lab_flush(&lab);
	lab_wait(&lab, RTT_US / 2);
	lab_ack(&peer, at(1), NULL, 0);
	lab_flush(&lab);
	assert_int_equal(times_sent(0) + times_sent(1), 2);
	sack(1, 0, 1);
	assert_int_equal(counted(CTR_tcp_dsacks), 1);
	assert_int_equal(counted(CTR_tcp_undo_dsack), 0);
	for (uint32_t i = 0; i < 20; i++)      /* D-SACKs of what was not sent again */
		sack(1, 0 - 3, 0 - 2);
	assert_int_equal(counted(CTR_tcp_undo_dsack), 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	lab_fini(&lab);
}

/* a D-SACK that comes a flight after recovery takes nothing back */
static void
old_dsacks_are_ignored(void **state)
{
	uint32_t ssthresh;

	recover(state, false);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	for (uint32_t i = 0; i < 3; i++) {
		lab_flush(&lab);
		lab_wait(&lab, RTT_US);
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	}
	sack((peer.rcv - base) / mss, 0, 1);
	assert_int_equal(counted(CTR_tcp_undo_dsack), 0);
	assert_int_equal(counted(CTR_tcp_dsacks_ignored), 1);
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, ssthresh);
	lab_fini(&lab);
}

/* a mark after recovery is an event of its own: D-SACKs that are still to come leave it be */
static void
marks_are_not_taken_back(void **state)
{
	struct lab_seg ece = {.flags = TCP_ACK | TCP_ECE};

	recover(state, false);
	peer.tcb->ecn.ok = true;
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(20), NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	ece.seq = peer.nxt;
	ece.ack = peer.rcv;
	ece.wnd = peer.wnd;
	lab_input(&peer, &ece);
	assert_int_equal(counted(CTR_tcp_ecn_reductions), 1);
	sack(20, 0, 1);
	assert_int_equal(counted(CTR_tcp_undo_dsack), 0);
	assert_true(peer.tcb->cc.cwnd_bytes < 20 * mss);
	lab_fini(&lab);
}

/* time_out lets the timer expire with everything late. */
static void
time_out(void **state, bool ts, uint32_t queued)
{
	open_one(state, true, ts);
	fly(20, queued);
	lab_wait(&lab, 2 * RTT_US + 1000);             /* the probe */
	lab_wait(&lab, peer.tcb->rto_us + 1000ull);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, mss);
}

static void
spurious_timeout_is_known_by_its_echo(void **state)
{
	time_out(state, true, 60);
	echoing(at(1), lab.now_us - peer.tcb->undo.first_us + RTT_US, NULL, 0);
	assert_undone(CTR_tcp_undo_eifel);
	assert_int_equal(peer.tcb->backoff, 0);
	lab_flush(&lab);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(times_sent(i), 0);    /* no go-back-N */
	lab_fini(&lab);
}

/* RFC 5682 3: new data after the first ACK, and the second brings what was not sent again */
static void
spurious_timeout_is_found_by_frto(void **state)
{
	time_out(state, false, 60);
	lab_ack(&peer, at(1), NULL, 0);
	assert_int_equal(peer.tcb->undo.frto, FRTO_NEW);
	lab_flush(&lab);
	assert_true(lab.out_cnt > 0 && seq_ge(lab.out[0].seg.seq, at(20)));
	lab_ack(&peer, at(2), NULL, 0);
	assert_undone(CTR_tcp_undo_frto);
	lab_fini(&lab);
}

/* 3a: the second brings nothing of the old flight: the loss was real */
static void
real_timeout_passes_frto(void **state)
{
	time_out(state, false, 60);
	lab_ack(&peer, at(1), NULL, 0);
	lab_flush(&lab);
	assert_true(seq_ge(lab.out[0].seg.seq, at(20)));
	sack(1, (lab.out[0].seg.seq - base) / mss, (lab.out[0].seg.seq - base) / mss + 1);
	assert_int_equal(peer.tcb->undo.frto, FRTO_OFF);
	lab_flush(&lab);
	assert_int_equal(times_sent(1), 1);
	assert_int_equal(counted(CTR_tcp_undo_frto), 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_RTO);
	lab_fini(&lab);
}

/* 2b needs new data to send */
static void
frto_needs_new_data(void **state)
{
	time_out(state, false, 20);
	lab_ack(&peer, at(1), NULL, 0);
	assert_int_equal(peer.tcb->undo.frto, FRTO_OFF);
	lab_flush(&lab);
	assert_int_equal(times_sent(1), 1);
	lab_fini(&lab);
}

/* what was found lost came before it could be sent again */
static void
nothing_sent_again_is_undone(void **state)
{
	open_one(state, true, false);
	fly(20, 20);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 10);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	lab_ack(&peer, at(20), NULL, 0);
	assert_undone(CTR_tcp_undo_unsent);
	assert_int_equal(lab_flush(&lab), 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(late_original_is_known_by_its_echo),
		LAB_TEST(repaired_loss_stays_one),
		LAB_TEST(dsack_of_all_undoes),
		LAB_TEST(dsack_of_some_does_not),
		LAB_TEST(old_dsacks_are_ignored),
		LAB_TEST(marks_are_not_taken_back),
		LAB_TEST(spurious_timeout_is_known_by_its_echo),
		LAB_TEST(spurious_timeout_is_found_by_frto),
		LAB_TEST(real_timeout_passes_frto),
		LAB_TEST(frto_needs_new_data),
		LAB_TEST(nothing_sent_again_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
