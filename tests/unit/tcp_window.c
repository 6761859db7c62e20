/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The peer's window: shut, nearly shut, shrunk; and ours to send: growth, restart, room. */
#include "dataplane/tcp/output.h"
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
	peer.syn.has_wscale = false;
	lab_connect(&peer);
}

/* ack_all acknowledges everything with a window. */
static uint32_t
ack_all(uint16_t wnd)
{
	peer.wnd = wnd;
	return lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
}

static void
probe_shut_window(void **state, bool sack)
{
	uint32_t start_seq;

	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.sack_permitted = sack;
	lab_connect(&peer);
	start_seq = peer.rcv;
	ack_all(0);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_queue(&peer, 5000, 5000);
	assert_int_equal(lab_flush(&lab), 0);
	for (uint32_t i = 0; i < 4; i++) {     /* backs off: about 200, 400, 800, 1600 ms */
		assert_int_equal(lab_wait(&lab, 150000u << i), 0);
		assert_int_equal(lab_wait(&lab, 60000u << i), 1);
		assert_int_equal(lab.out[0].seg.len, 1);
		assert_int_equal(lab.out[0].seg.seq, start_seq);
		lab_ack(&peer, start_seq, NULL, 0);    /* it did not take it */
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_probes], 4);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 0);   /* answers are no duplicates */
	peer.wnd = 60000;
	assert_int_equal(lab_ack(&peer, start_seq, NULL, 0), TCP_EV_ROOM);
	assert_true(tcp_send_room(lab.stack, peer.tcb) > 0);
	lab_flush(&lab);
	assert_int_equal(lab.out[0].seg.seq, start_seq);
	assert_int_equal(tcb_flight(peer.tcb), 5000);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	lab_fini(&lab);
}

static void
shut_window_is_probed_with_one_byte(void **state)
{
	probe_shut_window(state, true);
	probe_shut_window(state, false);
}

static void
probe_that_is_taken_moves_on(void **state)
{
	uint32_t start_seq;

	start(state);
	start_seq = peer.rcv;
	ack_all(0);
	lab_queue(&peer, 5000, 5000);
	lab_wait(&lab, 250000);
	assert_int_equal(lab_only(&lab)->seq, start_seq);
	lab_ack(&peer, start_seq + 1, NULL, 0);
	lab_wait(&lab, 450000);
	assert_int_equal(lab_only(&lab)->seq, start_seq + 1);
	assert_int_equal(lab_only(&lab)->len, 1);
	lab_fini(&lab);
}

static void
answered_probes_go_on_unanswered_ones_do_not(void **state)
{
	start(state);
	ack_all(0);
	lab_queue(&peer, 5000, 5000);
	for (uint32_t i = 0; i < 2 * TCP_RETRIES_MAX; i++) {
		lab_wait(&lab, 9u * 1000 * 1000);
		lab_ack(&peer, peer.rcv, NULL, 0);
	}
	assert_non_null(peer.tcb);
	lab_wait(&lab, 1000ull * 1000 * 1000);
	assert_null(peer.tcb);
	assert_int_equal(lab.ctr.value[CTR_tcp_timeouts], 1);
	assert_int_equal(lab_events(&peer) & TCP_EV_CLOSED, TCP_EV_CLOSED);
	lab_fini(&lab);
}

/* RFC 6429: after our close an answered probe is no licence to hold memory for ever */
static void
closed_connection_is_not_held_by_a_shut_window(void **state)
{
	start(state);
	ack_all(0);
	lab_queue(&peer, 5000, 5000);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	for (uint32_t i = 0; i < 100 && peer.tcb != NULL; i++) {
		lab_wait(&lab, 30u * 1000 * 1000);
		if (peer.tcb != NULL)
			lab_ack(&peer, peer.rcv, NULL, 0);
	}
	assert_null(peer.tcb);
	lab_fini(&lab);
}

/* the timer asks for a probe, but the window opens before the connection has its turn */
static void
window_that_opens_makes_the_probe_needless(void **state)
{
	struct tcp_note note;

	start(state);
	ack_all(0);
	lab_queue(&peer, 1000, 1000);
	assert_int_equal(lab_flush(&lab), 0);
	lab.now_us = peer.tcb->deadline_us[TCP_DUE_PERSIST] + 2 * TIMER_TICK_US;
	assert_int_equal(tcp_timers(lab.stack, lab.now_us, &note, 1), 0);
	assert_int_equal(tcb_owed(peer.tcb), TCP_OWED_PROBE);
	ack_all(60000);
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(lab.out[0].seg.len, 1000);
	assert_int_equal(lab.out[0].seg.flags & TCP_FIN, 0);
	assert_int_equal(peer.tcb->snd_nxt, peer.tcb->sendq.end);
	assert_int_equal(lab.ctr.value[CTR_tcp_probes], 0);
	assert_false(peer.tcb->probe_now);
	lab_fini(&lab);
}

static void
small_windows_are_not_filled_with_small_segments(void **state)
{
	start(state);
	lab_queue(&peer, 100000, 10000);
	lab_flush(&lab);
	ack_all(500);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab_wait(&lab, 300000), 1);   /* the override */
	assert_int_equal(lab.out[0].seg.len, 500);
	lab_fini(&lab);
}

static void
shrunk_window_is_tolerated(void **state)
{
	start(state);
	lab_queue(&peer, 30000, 10000);
	assert_int_equal(lab_flush(&lab), 10);
	peer.wnd = 1000;                       /* the right edge moves back */
	lab_ack(&peer, peer.rcv + 1448, NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	lab_wait(&lab, 450000);                /* a probe, then the timeout */
	assert_true(lab.out_cnt >= 1 && lab.out[lab.out_cnt - 1].seg.seq == peer.rcv);
	peer.wnd = 60000;
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	lab_flush(&lab);
	assert_true(lab.out_cnt > 0);
	lab_fini(&lab);
}

static void
window_of_an_old_segment_is_not_taken(void **state)
{
	start(state);
	lab_data(&peer, 10, 0);
	lab_input(&peer, &(struct lab_seg){.flags = TCP_ACK, .seq = peer.nxt, .ack = peer.rcv,
	                                   .wnd = 5000});
	assert_int_equal(peer.tcb->snd_wnd, 5000);
	lab_input(&peer, &(struct lab_seg){.flags = TCP_ACK, .seq = peer.nxt - 10, .ack = peer.rcv,
	                                   .wnd = 10});
	assert_int_equal(peer.tcb->snd_wnd, 5000);
	lab_fini(&lab);
}

static void
window_grows_only_while_it_is_the_limit(void **state)
{
	uint32_t cwnd;

	start(state);
	cwnd = peer.tcb->cc.cwnd_bytes;
	assert_int_equal(cwnd, 10 * 1448);             /* RFC 6928 */
	for (uint32_t i = 0; i < 50; i++) {            /* one segment at a time: no growth */
		lab_queue(&peer, 1448, 1448);
		lab_flush(&lab);
		lab_wait(&lab, 10000);
		ack_all(65535);
	}
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd);
	lab_queue(&peer, 200000, 16384);
	lab_flush(&lab);
	lab_wait(&lab, 10000);
	lab_ack(&peer, peer.rcv + 2 * 1448, NULL, 0);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd + 2 * 1448);
	lab_fini(&lab);
}

static void
idle_connection_starts_small_again(void **state)
{
	start(state);
	peer.tcb->cc.cwnd_bytes = 40 * 1448;
	lab_queue(&peer, 1448, 1448);
	lab_flush(&lab);
	ack_all(65535);
	lab_wait(&lab, 100000);
	lab_queue(&peer, 1448, 1448);
	lab_flush(&lab);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 40 * 1448);  /* not idle for an RTO yet */
	ack_all(65535);
	lab_wait(&lab, 2000000);
	lab_queue(&peer, 60000, 16384);
	lab_flush(&lab);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 10 * 1448);  /* RFC 5681 4.1 */
	assert_int_equal(lab.out_cnt, 10);
	lab_fini(&lab);
}

static void
room_follows_the_windows(void **state)
{
	uint32_t room;

	start(state);
	room = tcp_send_room(lab.stack, peer.tcb);
	assert_int_equal(room, 2 * 14480 + 65536);
	lab_queue(&peer, room, 16384);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_flush(&lab);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_wait(&lab, 1000);
	assert_int_equal(ack_all(65535), TCP_EV_ROOM);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb),
	                 2 * peer.tcb->cc.cwnd_bytes + 65536 - (room - 14480));
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(shut_window_is_probed_with_one_byte),
		LAB_TEST(probe_that_is_taken_moves_on),
		LAB_TEST(answered_probes_go_on_unanswered_ones_do_not),
		LAB_TEST(closed_connection_is_not_held_by_a_shut_window),
		LAB_TEST(window_that_opens_makes_the_probe_needless),
		LAB_TEST(small_windows_are_not_filled_with_small_segments),
		LAB_TEST(shrunk_window_is_tolerated),
		LAB_TEST(window_of_an_old_segment_is_not_taken),
		LAB_TEST(window_grows_only_while_it_is_the_limit),
		LAB_TEST(idle_connection_starts_small_again),
		LAB_TEST(room_follows_the_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
