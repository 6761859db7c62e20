/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Windows that are not used: RFC 7661 4, its phases and what each does on growth, loss and time. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RTT_US = 20000 };

static struct lab lab;
static struct lab_peer peer;
static uint32_t mss;

static void
start(void **state, uint32_t segments)
{
	lab_init(&lab, *state, 4);
	lab.stack->config.unpaced = false;
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	mss = peer.tcb->mss;
	peer.tcb->srtt_us = RTT_US;
	peer.tcb->cc.cwnd_bytes = segments * mss;
	peer.tcb->cc.ssthresh_bytes = segments * mss;
}

/* serve sends an answer of so many segments every so often, a round trip each. */
static void
serve(uint32_t segments, uint32_t every_us, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		lab_queue(&peer, segments * mss, 8 * mss);
		for (uint32_t wait = 0; wait < every_us; wait += RTT_US) {
			lab_wait(&lab, RTT_US);
			lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
		}
	}
}

static void
a_window_in_use_is_validated(void **state)
{
	start(state, 40);
	serve(30, RTT_US, 150);
	assert_int_equal(peer.tcb->validation.unvalidated_ticks, 0);
	assert_in_range(peer.tcb->cc.pipe_ack_bytes, 20 * mss, 45 * mss);
	assert_false(cc_unvalidated(&peer.tcb->cc));
	lab_fini(&lab);
}

/* 4.2: pipeACK is the most of a round trip, not the mean: an answer every half a second */
static void
answers_now_and_then_validate_too(void **state)
{
	start(state, 40);
	serve(30, 500000, 10);
	assert_true(peer.tcb->cc.pipe_ack_bytes >= 20 * mss);
	assert_false(cc_unvalidated(&peer.tcb->cc));
	lab_fini(&lab);
}

static void
a_window_half_unused_is_kept_and_does_not_grow(void **state)
{
	start(state, 40);
	serve(4, RTT_US, 300);                 /* 6 s of 4 segments a round trip */
	assert_true(peer.tcb->validation.unvalidated_ticks != 0);
	assert_in_range(peer.tcb->cc.pipe_ack_bytes, 4 * mss, 8 * mss);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 40 * mss);
	lab_fini(&lab);
}

static void
pipe_ack_is_undefined_at_first(void **state)
{
	start(state, 40);
	serve(1, RTT_US, 5);
	assert_int_equal(peer.tcb->cc.pipe_ack_bytes, CC_PIPE_ACK_UNDEFINED);
	assert_int_equal(peer.tcb->validation.unvalidated_ticks, 0);
	lab_fini(&lab);
}

/* an idle window is there when it is wanted again, and pacing spreads it */
static void
an_idle_window_is_kept(void **state)
{
	start(state, 40);
	serve(30, RTT_US, 150);
	lab_wait(&lab, 60 * 1000 * 1000);
	assert_true(peer.tcb->cc.cwnd_bytes >= 40 * mss);
	lab_queue(&peer, 80 * mss, 8 * mss);
	lab_flush(&lab);
	assert_true(peer.tcb->cc.cwnd_bytes >= 40 * mss);
	assert_true(lab.out_cnt <= 6);         /* no burst of 40 */
	lab_wait(&lab, RTT_US);
	assert_true(lab.out_cnt >= 36);
	lab_fini(&lab);
}

/* 4.4.3: half of it after 5 minutes, and again after 5 more */
static void
a_window_long_unused_decays(void **state)
{
	start(state, 160);
	serve(4, 100000, 50);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 160 * mss);
	lab_wait(&lab, 100ull * 1000 * 1000);
	serve(1, RTT_US, 1);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 160 * mss);
	lab_wait(&lab, 210ull * 1000 * 1000);
	lab_input(&peer, &(struct lab_seg){.flags = TCP_ACK, .seq = peer.nxt, .ack = peer.rcv,
	                                   .wnd = peer.wnd});
	serve(1, RTT_US, 1);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 80 * mss);
	assert_true(peer.tcb->cc.ssthresh_bytes >= 120 * mss);
	for (uint32_t i = 0; i < 10; i++) {
		lab_wait(&lab, 200ull * 1000 * 1000);
		lab_input(&peer, &(struct lab_seg){.flags = TCP_ACK, .seq = peer.nxt,
		                                   .ack = peer.rcv, .wnd = peer.wnd});
		serve(1, RTT_US, 1);
	}
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 10 * mss);   /* IW */
	lab_fini(&lab);
}

/* looked at just when the time is over: half, not all */
static void
a_window_decays_by_half_at_the_very_moment(void **state)
{
	uint32_t now_ticks;

	start(state, 160);
	serve(4, 100000, 50);
	now_ticks = (uint32_t)(lab.now_us >> 10) | 1;
	peer.tcb->validation.unvalidated_ticks = now_ticks - (TCP_NVP_US >> 10);
	validation_resumed(&peer.tcb->validation, &peer.tcb->cc, lab.now_us, 0, 1);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 80 * mss);
	assert_int_equal(peer.tcb->validation.unvalidated_ticks, now_ticks);
	lab_fini(&lab);
}

/* 4.4.1: cwnd = max(pipeACK, FlightSize) / 2, whatever the unused window was */
static void
a_loss_in_an_unvalidated_window_halves_what_was_used(void **state)
{
	struct cc *cc;

	start(state, 400);
	serve(16, RTT_US, 300);
	cc = &peer.tcb->cc;
	assert_true(cc_unvalidated(cc));
	cc_lost(cc, 4 * mss);
	assert_int_equal(cc->cwnd_bytes, 8 * mss);
	assert_int_equal(cc->ssthresh_bytes, 8 * mss);
	assert_false(cc_unvalidated(cc));
	lab_fini(&lab);
}

static void
a_loss_in_a_validated_window_is_an_ordinary_one(void **state)
{
	struct cc *cc;

	start(state, 40);
	serve(36, RTT_US, 150);
	cc = &peer.tcb->cc;
	cc->cwnd_bytes = 40 * mss;
	cc_lost(cc, 40 * mss);
	assert_in_range(cc->cwnd_bytes, 27 * mss, 29 * mss);
	lab_fini(&lab);
}

/* without pacing nothing would spread it (RFC 5681 4.1) */
static void
an_unpaced_window_starts_small_after_idling(void **state)
{
	start(state, 40);
	peer.tcb->srtt_us = 50;
	lab_queue(&peer, mss, mss);
	lab_flush(&lab);
	lab.now_us += 50;
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	lab_wait(&lab, 3000000);
	lab_queue(&peer, 80 * mss, 8 * mss);
	assert_int_equal(lab_flush(&lab), 10);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_window_in_use_is_validated),
		LAB_TEST(answers_now_and_then_validate_too),
		LAB_TEST(a_window_half_unused_is_kept_and_does_not_grow),
		LAB_TEST(pipe_ack_is_undefined_at_first),
		LAB_TEST(an_idle_window_is_kept),
		LAB_TEST(a_window_long_unused_decays),
		LAB_TEST(a_window_decays_by_half_at_the_very_moment),
		LAB_TEST(a_loss_in_an_unvalidated_window_halves_what_was_used),
		LAB_TEST(a_loss_in_a_validated_window_is_an_ordinary_one),
		LAB_TEST(an_unpaced_window_starts_small_after_idling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
