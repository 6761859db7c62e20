/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* PAWS, clause by clause: RFC 7323 5.3 (R1 to R3), 5.5 (24 days), 3.2 (missing or unasked), with
 * timestamps that wrap. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_US (24ull * 3600 * 1000 * 1000)

static struct lab lab;
static struct lab_peer peer;

/* start_at connects with the peer's clock at tsval. */
static void
start_at(void **state, uint32_t tsval)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.tsval = tsval;
	lab_connect(&peer);
}

static const uint32_t clocks[] = {1000, 0, UINT32_MAX, 1u << 31, (1u << 31) - 1};

static void
older_is_refused_at_every_point_of_the_circle(void **state)
{
	static const struct { uint32_t add; bool old; } rows[] = {
		{0, false}, {1, false}, {(1u << 31) - 1, false},
		{-1u, true}, {-1000u, true}, {(1u << 31) + 1, true},
	};

	for (uint32_t c = 0; c < ARRAY_CNT(clocks); c++) {
		for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
			start_at(state, clocks[c]);
			peer.tsval += rows[i].add;
			assert_int_equal(lab_data(&peer, 10, 0), rows[i].old ? 0 : TCP_EV_READ);
			assert_int_equal(lab.ctr.value[CTR_tcp_paws], rows[i].old);
			assert_int_equal(peer.tcb->ts_recent,
			                 clocks[c] + (rows[i].old ? 0 : rows[i].add));
			lab_flush(&lab);
			if (rows[i].old)       /* R1: acknowledged, and dropped */
				assert_int_equal(lab_only(&lab)->ack, peer.nxt - 10);
			lab_fini(&lab);
		}
	}
}

static void
old_timestamps_are_refused_on_every_kind_but_resets(void **state)
{
	static const uint8_t flags[] = {TCP_ACK, TCP_ACK | TCP_FIN, TCP_ACK | TCP_PSH,
	                                TCP_ACK | TCP_URG};

	for (uint32_t i = 0; i < ARRAY_CNT(flags); i++) {
		start_at(state, 1000);
		lab_queue(&peer, 100, 100);
		lab_flush(&lab);
		peer.tsval--;
		assert_int_equal(lab_input(&peer, &(struct lab_seg){
			.flags = flags[i], .seq = peer.nxt, .ack = peer.rcv + 100, .wnd = 9}), 0);
		assert_int_equal(lab.ctr.value[CTR_tcp_paws], 1);
		assert_int_equal(peer.tcb->snd_una, peer.rcv);
		lab_fini(&lab);
	}
	start_at(state, 1000);
	assert_int_equal(lab_input(&peer, &(struct lab_seg){
		.flags = TCP_RST, .seq = peer.nxt, .opt = {.has_ts = true, .tsval = 1}}),
		TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_paws], 0);
	lab_fini(&lab);
}

static void
timestamps_of_24_days_ago_mean_nothing(void **state)
{
	start_at(state, 1000);
	lab.now_us += 24 * DAY_US - 1;
	peer.tsval -= 5;
	assert_int_equal(lab_data(&peer, 10, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_paws], 1);
	lab.now_us += 2;
	peer.nxt -= 10;
	assert_int_equal(lab_data(&peer, 10, 0), TCP_EV_READ); /* 5.5: accepted, and taken */
	assert_int_equal(peer.tcb->ts_recent, peer.tsval);
	peer.tsval--;
	assert_int_equal(lab_data(&peer, 10, 0), 0);           /* from which it counts again */
	assert_int_equal(lab.ctr.value[CTR_tcp_paws], 2);
	lab_fini(&lab);
}

static void
missing_ones_are_dropped_without_a_word(void **state)
{
	start_at(state, 1000);
	peer.ts = false;
	assert_int_equal(lab_data(&peer, 10, 0), 0);
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), 0);
	lab_ack(&peer, peer.rcv, NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_timestamp], 3);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	assert_int_equal(lab_input(&peer, &(struct lab_seg){.flags = TCP_RST, .seq = peer.nxt - 11}),
	                 TCP_EV_CLOSED);                       /* 3.2: resets are exempt */
	lab_fini(&lab);
}

static void
unasked_ones_are_ignored(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.has_ts = false;
	lab_connect(&peer);
	peer.ts = true;
	for (uint32_t i = 0; i < 3; i++) {
		peer.tsval -= 1000;
		assert_int_equal(lab_data(&peer, 10, 0), TCP_EV_READ);
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_paws], 0);
	lab_wait(&lab, 50000);
	assert_false(lab_only(&lab)->opt.has_ts);
	lab_fini(&lab);
}

/* R3, 4.3: only what is not beyond the last ACK sent tells what to echo */
static void
echo_is_of_the_segment_that_moves_the_edge(void **state)
{
	start_at(state, UINT32_MAX - 2);
	peer.tsval += 4;
	peer.nxt += 100;                               /* leaves a hole */
	lab_data(&peer, 100, 0);
	assert_int_equal(peer.tcb->ts_recent, UINT32_MAX - 2);
	peer.nxt -= 200;
	peer.tsval -= 2;                               /* sent before, arrives later */
	lab_data(&peer, 100, 0);
	assert_int_equal(peer.tcb->ts_recent, UINT32_MAX);
	assert_int_equal(peer.read, 200);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->opt.tsecr, UINT32_MAX);
	lab_fini(&lab);
}

/* outside the window nothing is taken from a segment */
static void
out_of_window_moves_no_clock(void **state)
{
	start_at(state, 1000);
	peer.tsval += 500;
	peer.nxt -= 50000;
	lab_data(&peer, 10, 0);
	peer.nxt += 50000 - 10 + TCP_RCV_WND;
	lab_data(&peer, 10, 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_out_of_window], 2);
	assert_int_equal(peer.tcb->ts_recent, 1000);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(older_is_refused_at_every_point_of_the_circle),
		LAB_TEST(old_timestamps_are_refused_on_every_kind_but_resets),
		LAB_TEST(timestamps_of_24_days_ago_mean_nothing),
		LAB_TEST(missing_ones_are_dropped_without_a_word),
		LAB_TEST(unasked_ones_are_ignored),
		LAB_TEST(echo_is_of_the_segment_that_moves_the_edge),
		LAB_TEST(out_of_window_moves_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
