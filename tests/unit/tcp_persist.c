/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How long a peer that does not read may hold what is queued for it: RFC 6429. Shut windows,
 * windows opened by crumbs, trickle readers, windows that shrink (RFC 9293 3.8.6). */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SECOND_US = 1000 * 1000 };

static struct lab lab;
static struct lab_peer peer;

/* start connects with a window that is not scaled, and queues. */
static void
start(void **state, uint16_t wnd, uint32_t queued)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.has_wscale = false;
	peer.wnd = wnd;
	lab_connect(&peer);
	lab_queue(&peer, queued, LAB_BUF_LEN);
	lab_flush(&lab);
}

/* read_some lets the peer, for so long, every second take what came up to bytes of it, offer a
 * window of bytes more, and answer. Returns the seconds until the connection was gone, or all. */
static uint32_t
read_some(uint32_t seconds, uint32_t bytes)
{
	for (uint32_t i = 0; i < seconds; i++) {
		uint32_t ack;

		lab_wait(&lab, SECOND_US);
		if (peer.tcb == NULL)
			return i + 1;
		ack = peer.rcv + MIN(bytes, tcb_flight(peer.tcb));
		peer.wnd = (uint16_t)bytes;
		lab_ack(&peer, ack, NULL, 0);
	}
	return seconds;
}

/* is_reset tells whether the last packet was RST, and the owner knows. */
static bool
is_reset(void)
{
	return lab.out_cnt > 0 && (lab.out[lab.out_cnt - 1].seg.flags & TCP_RST) &&
	       (peer.events & TCP_EV_CLOSED) && lab.ctr.value[CTR_tcp_persist_expired] == 1 &&
	       lab.ctr.value[CTR_tcp_connections] == 0 && lab.ctr.value[CTR_tcp_timeouts] == 0;
}

static const uint32_t bound_s = TCP_PERSIST_MAX_US / SECOND_US;
static const uint32_t late_s = TCP_PERSIST_LOOK_US / SECOND_US + 2;

static void
shut_window_is_endured_for_a_while(void **state)
{
	uint32_t seconds;

	start(state, 0, 100000);
	assert_int_equal(read_some(bound_s - 1, 0), bound_s - 1);
	assert_non_null(peer.tcb);
	seconds = read_some(1000, 0);
	assert_true(seconds <= late_s);
	assert_true(is_reset());
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	lab_fini(&lab);
}

static void
who_takes_only_the_probes_is_no_better(void **state)
{
	uint32_t seconds = 0;

	start(state, 0, 100000);
	while (peer.tcb != NULL && seconds < 2000) {
		lab_wait(&lab, SECOND_US);
		seconds++;
		if (peer.tcb != NULL && tcb_flight(peer.tcb) > 0)
			lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	}
	assert_true(seconds >= bound_s - 1 && seconds <= bound_s + late_s);
	assert_true(is_reset());
	lab_fini(&lab);
}

static void
crumbs_do_not_help(void **state)
{
	uint32_t seconds;

	start(state, 0, 100000);
	seconds = read_some(2000, 40);         /* 40 bytes a second: 12,000 in the time */
	assert_true(seconds >= bound_s - 1 && seconds <= bound_s + late_s);
	assert_true(is_reset());
	lab_fini(&lab);
}

static void
slow_reader_is_served(void **state)
{
	start(state, 0, 200000);
	assert_int_equal(read_some(2 * bound_s, 200), 2 * bound_s);
	assert_non_null(peer.tcb);
	assert_true(peer.tcb->acked_bytes > 2 * TCP_PERSIST_BYTES);
	lab_fini(&lab);
}

/* what was taken once buys the time of one look and the bound, no more */
static void
who_stops_reading_later_is_bounded(void **state)
{
	uint32_t seconds;

	start(state, 60000, 200000);
	for (uint32_t i = 0; i < 60; i++) {
		lab_wait(&lab, SECOND_US);
		lab_ack(&peer, peer.tcb->snd_una + MIN(1500u, tcb_flight(peer.tcb)), NULL, 0);
	}
	assert_true(peer.tcb->acked_bytes > 4 * TCP_PERSIST_BYTES);
	peer.wnd = 0;
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	seconds = read_some(2000, 0);
	assert_true(seconds >= bound_s && seconds <= bound_s + 2 * late_s);
	assert_true(is_reset());
	lab_fini(&lab);
}

/* little is queued: all of it is progress, however long ago the window was last shut */
static void
clock_starts_anew_when_all_was_taken(void **state)
{
	start(state, 0, 1000);
	for (uint32_t i = 0; i < 6; i++) {
		read_some(bound_s / 2, 0);
		assert_non_null(peer.tcb);
		peer.wnd = 5000;
		lab_ack(&peer, peer.rcv, NULL, 0);
		lab_flush(&lab);
		assert_int_equal(tcb_flight(peer.tcb), 1000);
		peer.wnd = 0;
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
		for (uint32_t k = 0; k < 10; k++) {
			lab_wait(&lab, 60 * SECOND_US);
			lab_ack(&peer, peer.rcv, NULL, 0);
		}
		lab_queue(&peer, 1000, 1000);
	}
	assert_non_null(peer.tcb);
	lab_fini(&lab);
}

/* the right edge moves back, and shut, with segments in flight (RFC 9293 3.8.6, 1122 4.2.2.16) */
static void
window_that_shrinks_is_endured_and_bounded(void **state)
{
	uint32_t seconds;
	uint32_t edge;

	start(state, 60000, 100000);
	assert_true(tcb_flight(peer.tcb) >= 10000);
	edge = peer.tcb->snd_nxt;
	peer.wnd = 100;
	lab_ack(&peer, peer.rcv + 1448, NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(peer.tcb->snd_nxt, edge);
	peer.wnd = 0;
	lab_ack(&peer, peer.rcv + 100, NULL, 0);
	lab_ack(&peer, edge, NULL, 0);         /* what was in flight is taken, then it stays shut */
	seconds = read_some(2000, 0);
	assert_true(seconds >= bound_s - 1 && seconds <= bound_s + late_s);
	assert_true(is_reset());
	lab_fini(&lab);
}

/* what is sent again finds the window shut, and is answered, so that R2 does not end it */
static void
window_that_shuts_on_what_is_in_flight(void **state)
{
	uint32_t seconds = 0;

	start(state, 60000, 100000);
	peer.wnd = 0;
	lab_ack(&peer, peer.rcv, NULL, 0);
	while (peer.tcb != NULL && seconds < 4000) {
		lab_wait(&lab, SECOND_US);
		seconds++;
		if (peer.tcb != NULL && lab.out_cnt > 0)
			lab_ack(&peer, peer.rcv, NULL, 0);
	}
	assert_true(seconds >= bound_s - 1 && seconds <= bound_s + late_s);
	assert_true(is_reset());
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(shut_window_is_endured_for_a_while),
		LAB_TEST(who_takes_only_the_probes_is_no_better),
		LAB_TEST(crumbs_do_not_help),
		LAB_TEST(slow_reader_is_served),
		LAB_TEST(who_stops_reading_later_is_bounded),
		LAB_TEST(clock_starts_anew_when_all_was_taken),
		LAB_TEST(window_that_shrinks_is_endured_and_bounded),
		LAB_TEST(window_that_shuts_on_what_is_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
