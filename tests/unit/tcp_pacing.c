/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Pacing under the virtual clock: spacing, quanta, what lateness and idleness are worth, and what
 * is not paced. */
#include "tests/unit/tcp_lab.h"

#include "dataplane/tcp/steer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SRTT_US = 100000, WINDOW = 200 };

static struct lab lab;
static struct lab_peer peer;
static uint32_t mss;

/* start has a connection in congestion avoidance with a window of 200 segments on a round trip of
 * 100 ms, and nothing in flight. */
static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab.stack->config.unpaced = false;
	lab_peer_init(&lab, &peer, 40000);
	peer.wnd = 65535;
	lab_connect(&peer);
	mss = peer.tcb->mss;
	peer.tcb->srtt_us = SRTT_US;
	peer.tcb->cc.cwnd_bytes = WINDOW * mss;
	peer.tcb->cc.ssthresh_bytes = WINDOW * mss;
	lab_queue(&peer, mss, mss);
	lab_flush(&lab);
	lab_wait(&lab, SRTT_US);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	lab_flush(&lab);
}

/* rate returns the bytes that the window is worth in a time, by the formula. */
static double
rate(double us)
{
	return 1.2 * WINDOW * mss / SRTT_US * us;
}

static void
a_rate_is_the_time_of_a_byte(void **state)
{
	double expected;

	start(state);
	expected = SRTT_US / (1.2 * WINDOW * mss) * (1 << PACE_SHIFT);
	assert_in_range(peer.tcb->pace.byte_time, expected * 0.99, expected * 1.01);
	assert_int_equal(peer.tcb->pace.quantum_us, 1000);
	peer.tcb->cc.ssthresh_bytes = 2 * WINDOW * mss;        /* slow start: twice the window */
	cc_pace(&peer.tcb->cc, SRTT_US);
	expected = SRTT_US / (2.0 * WINDOW * mss) * (1 << PACE_SHIFT);
	assert_in_range(peer.tcb->cc.byte_time, expected * 0.99, expected * 1.01);
	lab_fini(&lab);
}

static void
segments_are_spread_over_the_round_trip(void **state)
{
	uint64_t begin_us;
	uint32_t bytes = 0;
	uint32_t bursts = 0;

	start(state);
	lab_wait(&lab, 10000);
	lab_queue(&peer, 300 * mss, 10 * mss);
	begin_us = lab.now_us;
	for (uint32_t turn = 0; bytes < 150 * mss; turn++) {
		double us = (double)(lab.now_us - begin_us);

		lab_wait(&lab, 40);
		bursts += lab.out_cnt > 0;
		for (uint32_t i = 0; i < lab.out_cnt; i++)
			bytes += lab.out[i].seg.len;
		assert_true(bytes <= rate(us + 40) + rate(1000) + 2 * mss);
		assert_true(bytes >= rate(us) - rate(1000));
		assert_true(lab.out_cnt * mss <= rate(2000) + mss);
		assert_true(turn < 10000);
	}
	assert_true(bursts > 40);
	lab_fini(&lab);
}

static void
waiting_is_no_work(void **state)
{
	start(state);
	lab_queue(&peer, 300 * mss, 10 * mss);
	lab_flush(&lab);
	assert_true(peer.tcb->pace.shut);
	assert_false(tcp_output_pending(lab.stack));
	assert_in_range(tcp_next_us(lab.stack), lab.now_us, lab.now_us + 1000 + 2 * TIMER_TICK_US);
	assert_int_equal(tcp_output(lab.stack, (struct pkt_out[1]){{0}}, 1, lab.now_us), 0);
	lab_fini(&lab);
}

static void
idle_time_is_worth_a_quantum(void **state)
{
	start(state);
	lab_wait(&lab, 50000);
	lab_queue(&peer, 300 * mss, 10 * mss);
	lab_flush(&lab);
	assert_in_range(lab.out_cnt * mss, rate(1000) - mss, rate(1000) + 2 * mss);
	lab_fini(&lab);
}

/* a worker that comes late sends what was due meanwhile, up to 4 ms of it */
static void
lateness_costs_no_rate(void **state)
{
	start(state);
	lab_queue(&peer, 300 * mss, 10 * mss);
	lab_flush(&lab);
	for (uint32_t i = 0; i < 10; i++) {
		struct tcp_note notes[4];

		lab.now_us += 3500;
		tcp_timers(lab.stack, lab.now_us, notes, 4);
		lab_flush(&lab);
		if (i > 0)
			assert_in_range(lab.out_cnt * mss, rate(3500) - 2 * mss, rate(3500) + 2 * mss);
	}
	lab.now_us += 60000;
	tcp_timers(lab.stack, lab.now_us, (struct tcp_note[4]){{0}}, 4);
	lab_flush(&lab);
	assert_in_range(lab.out_cnt * mss, rate(4000) - 2 * mss, rate(4000) + 2 * mss);
	lab_fini(&lab);
}

static void
an_open_gate_needs_no_timer(void **state)
{
	start(state);
	lab_queue(&peer, 2 * mss, 2 * mss);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 2);
	assert_true(peer.tcb->deadline_us[TCP_DUE_PACE] == TCP_NEVER);
	lab_fini(&lab);
}

static void
the_initial_window_leaves_at_once(void **state)
{
	lab_init(&lab, *state, 4);
	lab.stack->config.unpaced = false;
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	peer.tcb->srtt_us = SRTT_US;
	lab_queue(&peer, 20 * 1448, 16384);
	assert_int_equal(lab_flush(&lab), 10);
	lab_fini(&lab);
}

static void
short_round_trips_are_not_paced(void **state)
{
	start(state);
	peer.tcb->srtt_us = 100;
	lab_queue(&peer, mss, mss);
	lab_flush(&lab);
	lab.now_us += 100;
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	assert_int_equal(peer.tcb->pace.byte_time, 0);
	lab_queue(&peer, 300 * mss, 10 * mss);
	lab_flush(&lab);
	assert_in_range(lab.out_cnt, WINDOW, WINDOW + 2);
	lab_fini(&lab);
}

/* what recovery sends at once does not wait for the gate, and counts */
static void
the_first_lost_segment_does_not_wait(void **state)
{
	uint64_t release_us;

	start(state);
	lab_queue(&peer, 300 * mss, 10 * mss);
	lab_flush(&lab);
	assert_true(peer.tcb->pace.shut);
	scoreboard_lose_first(&peer.tcb->board, &lab.stack->records, mss);
	peer.tcb->again_force = true;
	release_us = peer.tcb->pace.release_us;
	tcp_send(lab.stack, peer.tcb, &(struct frag){.inline_len = 1}, 1);
	peer.queued++;
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 1);
	assert_true(seq_lt(lab.out[0].seg.seq, peer.tcb->snd_nxt - mss));
	assert_true(peer.tcb->pace.release_us > release_us);
	lab_fini(&lab);
}

static void
quanta_suit_the_rate(void **state)
{
	static const struct { double bytes_per_us; double quantum_bytes; } rows[] = {
		{0.02, 1448}, {0.1, 2 * 1448}, {1, 2 * 1448}, {10, 10000}, {50, 50000},
		{200, 65536}, {1000, 65536},
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		struct pace pace = {0};
		double bytes;

		pace_follow(&pace, (uint32_t)((1 << PACE_SHIFT) / rows[i].bytes_per_us), 1448);
		bytes = pace.quantum_us * rows[i].bytes_per_us;
		assert_in_range(bytes, rows[i].quantum_bytes * 0.97, rows[i].quantum_bytes * 1.03);
		assert_true(pace.burst_us > pace.quantum_us);
	}
}

/* over a second the rate is met to a thousandth, at any rate and segment size */
static void
fractions_add_up(void **state)
{
	static const double rates[] = {0.05, 0.37, 1.1, 33.3, 125.0, 1250.0};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(rates); i++) {
		struct pace pace = {0};
		uint64_t now_us = 1ull << 40;
		double bytes = 0;

		pace_follow(&pace, (uint32_t)((1 << PACE_SHIFT) / rates[i] + 0.5), 1448);
		pace.release_us = now_us;
		while (now_us < (1ull << 40) + 4000000) {
			pace_settle(&pace, now_us);
			while (!pace.shut) {
				pace_charge(&pace, 1448, now_us);
				bytes += 1448;
			}
			now_us = pace_open_us(&pace) + 17;
		}
		assert_in_range(bytes, rates[i] * 4e6 * 0.997 - 65536,
		                rates[i] * 4e6 * 1.003 + 65536);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_rate_is_the_time_of_a_byte),
		LAB_TEST(segments_are_spread_over_the_round_trip),
		LAB_TEST(waiting_is_no_work),
		LAB_TEST(idle_time_is_worth_a_quantum),
		LAB_TEST(lateness_costs_no_rate),
		LAB_TEST(an_open_gate_needs_no_timer),
		LAB_TEST(the_initial_window_leaves_at_once),
		LAB_TEST(short_round_trips_are_not_paced),
		LAB_TEST(the_first_lost_segment_does_not_wait),
		cmocka_unit_test(quanta_suit_the_rate),
		cmocka_unit_test(fractions_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
