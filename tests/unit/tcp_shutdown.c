/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The half-close (RFC 9293 3.6.1, 3.10.4): we send no more, and go on reading. */
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

/* shut sends our FIN and returns the number after it. */
static uint32_t
shut(void)
{
	tcp_shutdown(lab.stack, peer.tcb, lab.now_us);
	lab_check(&lab);
	lab_flush(&lab);
	assert_true(lab_only(&lab)->flags & TCP_FIN);
	return lab_only(&lab)->seq + lab_only(&lab)->len + 1;
}

/* data_at sends len bytes of the stream that begin off bytes after the next ones. */
static uint32_t
data_at(uint32_t off, uint32_t len, uint8_t flags)
{
	uint32_t nxt = peer.nxt;
	uint32_t events;

	peer.nxt += off;
	events = lab_data(&peer, len, flags);
	peer.nxt = nxt;
	return events;
}

static void
bytes_are_read_until_the_peers_fin(void **state)
{
	uint32_t end;

	start(state);
	lab_queue(&peer, 500, 500);
	end = shut();
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_1);
	assert_int_equal(lab_data(&peer, 700, 0), TCP_EV_READ);
	lab_ack(&peer, end, NULL, 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	assert_int_equal(lab_data(&peer, 800, 0), TCP_EV_READ);
	assert_int_equal(lab_data(&peer, 900, TCP_FIN),
	                 TCP_EV_READ | TCP_EV_FIN | TCP_EV_CLOSED);
	assert_int_equal(peer.read, 2400);
	assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	lab_fini(&lab);
}

/* the FIN is early; what fills the gap before it brings bytes, FIN and end at once */
static void
early_bytes_are_read_at_the_end(void **state)
{
	start(state);
	lab_ack(&peer, shut(), NULL, 0);
	assert_int_equal(data_at(1000, 1000, 0), 0);
	assert_int_equal(data_at(2000, 1000, TCP_FIN), 0);
	assert_int_equal(lab_data(&peer, 1000, 0), TCP_EV_READ | TCP_EV_FIN | TCP_EV_CLOSED);
	assert_int_equal(peer.read, 3000);
	lab_flush(&lab);
	assert_int_equal(lab.stack->ooo.free_cnt, lab.stack->ooo.cnt);
	assert_int_equal(lab.stack->tcbs.free_cnt, lab.stack->tcbs.cnt);
	lab_fini(&lab);
}

/* an owner that does not want them loses them at the next call */
static void
unread_bytes_at_the_end_are_dropped(void **state)
{
	start(state);
	lab_ack(&peer, shut(), NULL, 0);
	data_at(1000, 1000, TCP_FIN);
	peer.lazy = true;
	lab_data(&peer, 1000, 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 0);
	lab_flush(&lab);
	assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 2000);
	assert_int_equal(lab.stack->ooo.free_cnt, lab.stack->ooo.cnt);
	lab_fini(&lab);
}

static void
both_fins_cross(void **state)
{
	uint32_t end;

	start(state);
	end = shut();
	assert_int_equal(lab_data(&peer, 300, TCP_FIN), TCP_EV_READ | TCP_EV_FIN);
	assert_int_equal(peer.tcb->state, TCP_CLOSING);
	assert_int_equal(peer.read, 300);
	assert_int_equal(lab_ack(&peer, end, NULL, 0), TCP_EV_CLOSED);
	lab_fini(&lab);
}

static void
the_peer_was_first(void **state)
{
	start(state);
	lab_data(&peer, 100, TCP_FIN);
	lab_flush(&lab);
	lab_queue(&peer, 500, 500);
	peer.rcv = shut();
	assert_int_equal(peer.tcb->state, TCP_LAST_ACK);
	assert_int_equal(lab_ack(&peer, peer.rcv, NULL, 0), TCP_EV_CLOSED);
	lab_fini(&lab);
}

static void
a_second_shutdown_does_nothing(void **state)
{
	start(state);
	lab_ack(&peer, shut(), NULL, 0);
	tcp_shutdown(lab.stack, peer.tcb, lab.now_us);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_fini(&lab);
}

/* a reader may wait long for a peer that lives, and finds out about one that does not */
static void
only_keepalive_limits_the_wait(void **state)
{
	start(state);
	lab_ack(&peer, shut(), NULL, 0);
	for (uint32_t i = 0; i < 10; i++) {
		lab_wait(&lab, TCP_KEEPALIVE_IDLE_US + 1000);
		assert_true(lab.out_cnt > 0);
		lab_ack(&peer, peer.rcv, NULL, 0);
	}
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	assert_int_equal(lab_data(&peer, 10, 0), TCP_EV_READ);
	lab_events(&peer);
	lab_wait(&lab, TCP_KEEPALIVE_IDLE_US + (TCP_KEEPALIVE_MAX + 1) * (uint64_t)TCP_KEEPALIVE_US);
	assert_int_equal(lab_events(&peer), TCP_EV_CLOSED);
	lab_fini(&lab);
}

/* then what arrives is dropped, and the wait for the peer's FIN is bounded */
static void
close_ends_reading(void **state)
{
	start(state);
	lab_ack(&peer, shut(), NULL, 0);
	data_at(1000, 100, 0);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_check(&lab);
	assert_int_equal(lab.stack->ooo.free_cnt, lab.stack->ooo.cnt);
	lab_flush(&lab);
	assert_int_equal(lab_data(&peer, 400, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 400);
	lab_events(&peer);
	lab_wait(&lab, TCP_CLOSING_US + 1000);
	assert_int_equal(lab_events(&peer), TCP_EV_CLOSED);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(bytes_are_read_until_the_peers_fin),
		LAB_TEST(early_bytes_are_read_at_the_end),
		LAB_TEST(unread_bytes_at_the_end_are_dropped),
		LAB_TEST(both_fins_cross),
		LAB_TEST(the_peer_was_first),
		LAB_TEST(a_second_shutdown_does_nothing),
		LAB_TEST(only_keepalive_limits_the_wait),
		LAB_TEST(close_ends_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
