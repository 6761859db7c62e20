/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Peers that say nothing: keepalive (RFC 1122 4.2.3.6); and how long one that is being closed may
 * hold what is queued for it (RFC 1122 4.2.2.13, RFC 6429). */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;

static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
}

static void
probe_is_one_that_must_be_answered(void **state)
{
	start(state);
	assert_int_equal(lab_wait(&lab, TCP_KEEPALIVE_IDLE_US + 1000), 1);
	assert_int_equal(lab_only(&lab)->flags, TCP_ACK);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv - 1);   /* SEG.SEQ = SND.NXT-1 */
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	assert_int_equal(lab_only(&lab)->len, 0);
	lab_fini(&lab);
}

static void
who_answers_stays_for_ever(void **state)
{
	start(state);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(lab_wait(&lab, TCP_KEEPALIVE_IDLE_US + 2000), 1);
		lab_ack(&peer, peer.rcv, NULL, 0);
	}
	assert_non_null(peer.tcb);
	lab_fini(&lab);
}

/* 4.2.3.6: no single probe that goes unanswered ends a connection */
static void
a_late_answer_counts(void **state)
{
	start(state);
	assert_int_equal(lab_wait(&lab, TCP_KEEPALIVE_IDLE_US + 1000), 1);
	assert_int_equal(lab_wait(&lab, (TCP_KEEPALIVE_MAX - 1ull) * TCP_KEEPALIVE_US),
	                 TCP_KEEPALIVE_MAX - 1);
	lab_ack(&peer, peer.rcv, NULL, 0);
	assert_int_equal(lab_wait(&lab, TCP_KEEPALIVE_IDLE_US - 1000), 0);
	assert_int_equal(lab_wait(&lab, (TCP_KEEPALIVE_MAX + 1ull) * TCP_KEEPALIVE_US),
	                 TCP_KEEPALIVE_MAX);
	assert_null(peer.tcb);
	assert_int_equal(lab.ctr.value[CTR_tcp_timeouts], 1);
	lab_fini(&lab);
}

static void
data_puts_probes_off(void **state)
{
	start(state);
	for (uint32_t i = 0; i < 10; i++) {
		lab_wait(&lab, TCP_KEEPALIVE_IDLE_US - 1000000);
		lab_data(&peer, 1, 0);
		assert_int_equal(lab_wait(&lab, 100000), 1);
		assert_int_equal(lab_only(&lab)->seq, peer.rcv);       /* the ACK of it */
	}
	lab_fini(&lab);
}

/* closed_within closes with 50000 bytes queued and lets time pass; the peer acknowledges nothing,
 * or what it is sent until its window is shut. */
static void
closed_within(uint16_t wnd, bool their_fin_first)
{
	peer.wnd = wnd;
	lab_ack(&peer, peer.rcv, NULL, 0);
	if (their_fin_first)
		lab_data(&peer, 0, TCP_FIN);
	lab_queue(&peer, 50000, 16384);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_flush(&lab);
	for (uint32_t s = 0; s < 59 && peer.tcb != NULL; s++) {
		if (wnd > 0)
			lab_ack(&peer, peer.rcv + 1, NULL, 0);  /* a byte at a time */
		else
			lab_ack(&peer, peer.rcv, NULL, 0);
		lab_wait(&lab, 1000000);
	}
	assert_non_null(peer.tcb);
	assert_int_equal(peer.tcb->state, their_fin_first ? TCP_LAST_ACK : TCP_FIN_WAIT_1);
	lab_wait(&lab, 2000000);
	assert_null(peer.tcb);
	assert_true(lab_events(&peer) & TCP_EV_CLOSED);
	assert_int_equal(lab.out[lab.out_cnt - 1].seg.flags, TCP_RST | TCP_ACK);
	assert_int_equal(lab.ctr.value[CTR_tcp_timeouts], 1);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	assert_int_equal(lab.stack->records.free_cnt, lab.stack->records.cnt);
	lab_fini(&lab);
}

static void
closing_is_bounded_whatever_the_peer_does(void **state)
{
	static const uint16_t wnds[] = {0, 1, 65535};

	for (uint32_t i = 0; i < 2 * ARRAY_CNT(wnds); i++) {
		start(state);
		closed_within(wnds[i / 2], i % 2);
	}
}

static void
fin_wait_2_ends_with_a_reset(void **state)
{
	start(state);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_flush(&lab);
	lab_ack(&peer, peer.rcv + 1, NULL, 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	lab_wait(&lab, TCP_FIN_WAIT_2_US + 1000);
	assert_null(peer.tcb);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST | TCP_ACK);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(probe_is_one_that_must_be_answered),
		LAB_TEST(who_answers_stays_for_ever),
		LAB_TEST(a_late_answer_counts),
		LAB_TEST(data_puts_probes_off),
		LAB_TEST(closing_is_bounded_whatever_the_peer_does),
		LAB_TEST(fin_wait_2_ends_with_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
