/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bytes from the peer: in order, early, twice, too many; when they are acknowledged. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;
static uint32_t base;

static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	base = peer.nxt;
}

/* piece sends bytes [from, to) of the peer's stream. */
static uint32_t
piece(uint32_t from, uint32_t to)
{
	peer.nxt = base + from;
	return lab_data(&peer, to - from, 0);
}

static void
every_second_segment_is_acknowledged(void **state)
{
	start(state);
	assert_int_equal(piece(0, 1448), TCP_EV_READ);
	assert_int_equal(lab_flush(&lab), 0);
	piece(1448, 2896);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, base + 2896);
	lab_fini(&lab);
}

/* A sender whose device cuts its packets may be next to us, with nothing in between that does. */
static void
an_uncut_packet_is_acknowledged_at_once(void **state)
{
	start(state);
	piece(0, 2000);
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(lab_only(&lab)->ack, base + 2000);
	piece(2000, 3448);
	assert_int_equal(lab_flush(&lab), 0);
	piece(3448, 4896);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, base + 4896);
	lab_fini(&lab);
}

static void
crumbs_share_acks(void **state)
{
	uint32_t sent = 0;

	start(state);
	for (uint32_t i = 0; i < 80; i++) {
		piece(i, i + 1);
		sent += lab_flush(&lab);
	}
	assert_int_equal(sent, 80 / TCP_DELACK_SEGMENTS);
	piece(80, 81);
	lab_wait(&lab, TCP_DELACK_US - 1000);
	piece(81, 82);                         /* does not put the ACK of the first off */
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_int_equal(lab_only(&lab)->ack, base + 82);
	lab_fini(&lab);
}

static void
a_single_one_within_40_ms(void **state)
{
	start(state);
	piece(0, 100);
	assert_int_equal(lab_wait(&lab, TCP_DELACK_US - 1000), 0);
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_int_equal(lab_only(&lab)->ack, base + 100);
	assert_int_equal(lab_wait(&lab, 1000000), 0);
	lab_fini(&lab);
}

static void
or_with_the_next_data(void **state)
{
	start(state);
	piece(0, 100);
	lab_queue(&peer, 10, 10);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, base + 100);
	assert_int_equal(lab_only(&lab)->len, 10);
	assert_int_equal(lab_wait(&lab, 60000), 0);
	lab_fini(&lab);
}

static void
early_bytes_are_held_told_and_given_in_order(void **state)
{
	const struct lab_seg *ack;

	start(state);
	assert_int_equal(piece(100, 200), 0);
	lab_flush(&lab);
	ack = lab_only(&lab);
	assert_int_equal(ack->ack, base);
	assert_int_equal(ack->opt.sack_cnt, 1);
	assert_int_equal(ack->opt.sack[0].start, base + 100);
	assert_int_equal(ack->opt.sack[0].end, base + 200);
	assert_int_equal(piece(300, 400), 0);
	assert_int_equal(piece(200, 250), 0);
	lab_flush(&lab);
	ack = lab_only(&lab);
	assert_int_equal(ack->opt.sack_cnt, 2);
	assert_int_equal(ack->opt.sack[0].start, base + 100);  /* the latest first */
	assert_int_equal(ack->opt.sack[0].end, base + 250);
	assert_int_equal(ack->opt.sack[1].start, base + 300);
	assert_int_equal(piece(0, 100), TCP_EV_READ);
	assert_int_equal(peer.read, 250);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, base + 250);     /* at once: a gap was filled */
	assert_int_equal(piece(250, 300), TCP_EV_READ);
	assert_int_equal(peer.read, 400);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->opt.sack_cnt, 0);
	assert_int_equal(lab.stack->ooo.free_cnt, lab.stack->ooo.cnt);
	lab_fini(&lab);
}

static void
overlaps_are_given_once(void **state)
{
	start(state);
	piece(100, 200);
	piece(50, 120);
	piece(150, 260);
	piece(90, 210);
	piece(0, 300);
	assert_int_equal(peer.read, 300);
	piece(0, 300);
	assert_int_equal(peer.read, 300);
	piece(250, 350);
	assert_int_equal(peer.read, 350);
	assert_true(lab.ctr.value[CTR_tcp_old_data] > 0);
	lab_fini(&lab);
}

static void
early_segments_are_bounded(void **state)
{
	start(state);
	for (uint32_t i = 1; i <= TCP_OOO_SEGS_MAX + 4; i++)
		piece(i * 20, i * 20 + 10);
	assert_int_equal(peer.tcb->reasm.cnt, TCP_OOO_SEGS_MAX);
	assert_int_equal(lab.ctr.value[CTR_tcp_ooo_full], 40);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->opt.sack_cnt, 3);     /* beside timestamps */
	piece(0, 330);
	assert_int_equal(peer.read, 330);
	assert_int_equal(peer.tcb->reasm.cnt, 0);
	lab_fini(&lab);
}

static void
bytes_beyond_the_window_are_cut(void **state)
{
	start(state);
	piece(TCP_RCV_WND - 10, TCP_RCV_WND + 20);
	assert_int_equal(lab.ctr.value[CTR_tcp_beyond_window], 20);
	assert_int_equal(peer.tcb->reasm.cnt, 1);
	piece(TCP_RCV_WND, TCP_RCV_WND + 20);
	assert_int_equal(lab.ctr.value[CTR_tcp_out_of_window], 1);
	assert_int_equal(peer.tcb->reasm.cnt, 1);
	lab_fini(&lab);
}

static void
the_window_is_what_was_configured(void **state)
{
	const uint32_t wnd = 4 << 20;
	uint32_t told;

	lab_init(&lab, *state, 4);
	lab.stack->config.rcv_wnd_bytes = wnd;
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	base = peer.nxt;
	assert_int_equal(peer.syn.wscale, 7);
	piece(0, 1448);
	piece(1448, 2896);
	lab_flush(&lab);
	told = (uint32_t)lab_only(&lab)->wnd << peer.syn.wscale;
	assert_int_equal(told, wnd);
	piece(2896 + wnd - 10, 2896 + wnd + 20);
	assert_int_equal(lab.ctr.value[CTR_tcp_beyond_window], 20);
	piece(2896 + wnd, 2896 + wnd + 20);
	assert_int_equal(lab.ctr.value[CTR_tcp_out_of_window], 1);
	lab_fini(&lab);
}

static void
repeated_bytes_are_acknowledged_at_once(void **state)
{
	start(state);
	piece(0, 100);
	piece(100, 200);
	lab_flush(&lab);
	assert_int_equal(piece(0, 100), 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, base + 200);
	lab_fini(&lab);
}

static void
early_fin_waits_for_what_is_before_it(void **state)
{
	start(state);
	peer.nxt = base + 100;
	assert_int_equal(lab_data(&peer, 50, TCP_FIN), 0);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	assert_int_equal(piece(0, 100), TCP_EV_READ | TCP_EV_FIN);
	assert_int_equal(peer.read, 150);
	assert_int_equal(peer.tcb->state, TCP_CLOSE_WAIT);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, base + 151);
	lab_fini(&lab);
}

static void
what_the_owner_leaves_on_close_is_counted(void **state)
{
	const uint8_t *got;

	for (uint32_t i = 0; i < 2; i++) {
		start(state);
		piece(30, 50);
		peer.lazy = true;
		assert_int_equal(piece(0, 30), TCP_EV_READ);
		assert_int_equal(tcp_read(lab.stack, peer.tcb, &got), 30);
		if (i == 0)
			tcp_close(lab.stack, peer.tcb, lab.now_us);
		else
			tcp_abort(lab.stack, peer.tcb);
		assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 20);
		lab_flush(&lab);
		lab_input(&peer, &(struct lab_seg){.flags = TCP_RST, .seq = peer.nxt});
		assert_int_equal(lab.stack->ooo.free_cnt, lab.stack->ooo.cnt);
		lab_fini(&lab);
	}
}

static void
silent_peer_is_asked_and_given_up(void **state)
{
	start(state);
	assert_int_equal(lab_wait(&lab, TCP_KEEPALIVE_IDLE_US - 1000), 0);
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv - 1);
	assert_int_equal(lab_only(&lab)->len, 0);
	lab_ack(&peer, peer.rcv, NULL, 0);                     /* alive */
	assert_int_equal(lab_wait(&lab, TCP_KEEPALIVE_IDLE_US - 1000), 0);
	assert_int_equal(lab_wait(&lab, 10ull * TCP_KEEPALIVE_US), TCP_KEEPALIVE_MAX);
	assert_null(peer.tcb);
	assert_int_equal(lab_events(&peer), TCP_EV_CLOSED);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(every_second_segment_is_acknowledged),
		LAB_TEST(an_uncut_packet_is_acknowledged_at_once),
		LAB_TEST(crumbs_share_acks),
		LAB_TEST(a_single_one_within_40_ms),
		LAB_TEST(or_with_the_next_data),
		LAB_TEST(early_bytes_are_held_told_and_given_in_order),
		LAB_TEST(overlaps_are_given_once),
		LAB_TEST(early_segments_are_bounded),
		LAB_TEST(bytes_beyond_the_window_are_cut),
		LAB_TEST(the_window_is_what_was_configured),
		LAB_TEST(repeated_bytes_are_acknowledged_at_once),
		LAB_TEST(early_fin_waits_for_what_is_before_it),
		LAB_TEST(what_the_owner_leaves_on_close_is_counted),
		LAB_TEST(silent_peer_is_asked_and_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
