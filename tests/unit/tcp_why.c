/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Why a connection is slow: what limits it, for how long, and what its trace tells of it. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;
static uint64_t opened_us;

static void
start(void **state, bool wscale)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.has_wscale = wscale;
	lab_connect(&peer);
	opened_us = lab.now_us;
}

/* told returns what is told now; the sums are always the time since the handshake. */
static struct tcp_info
told(void)
{
	struct tcp_info info;
	uint64_t sum_us = 0;

	tcp_info(lab.stack, peer.tcb, &info);
	for (uint32_t i = 0; i < TCP_LIMIT_CNT; i++)
		sum_us += info.limit_us[i];
	assert_int_equal(sum_us, lab.now_us - opened_us);
	return info;
}

/* held tells whether one limit alone held for the time that passes now. */
static void
held(enum tcp_limit limit, uint64_t us)
{
	uint64_t before_us = told().limit_us[limit];

	assert_int_equal(told().limit, limit);
	lab_wait(&lab, us);
	assert_int_equal(told().limit_us[limit] - before_us, us);
}

static void
ack_all(uint16_t wnd)
{
	peer.wnd = wnd;
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
}

static void
the_owner_says_what_it_waits_for(void **state)
{
	start(state, true);
	held(TCP_LIMIT_REQUESTS, 3000000);
	tcp_owner_waits(lab.stack, peer.tcb, TCP_LIMIT_DISK);
	held(TCP_LIMIT_DISK, 700);
	lab_queue(&peer, 1000, 1000);
	lab_flush(&lab);
	held(TCP_LIMIT_DISK, 100);
	tcp_owner_waits(lab.stack, peer.tcb, TCP_LIMIT_REQUESTS);
	held(TCP_LIMIT_REQUESTS, 100);
	ack_all(peer.wnd);
	held(TCP_LIMIT_REQUESTS, 100);
	lab_fini(&lab);
}

static void
a_window_that_is_full_is_the_peers(void **state)
{
	start(state, false);
	ack_all(4000);
	lab_queue(&peer, 100000, 16384);
	assert_int_equal(told().limit, TCP_LIMIT_SENDING);
	lab_flush(&lab);
	held(TCP_LIMIT_RWND, 5000);
	ack_all(0);
	held(TCP_LIMIT_RWND, 5000);
	lab_fini(&lab);
}

/* A shut window is told to the owner as no room, so its content waits with it. */
static void
a_window_shut_holds_what_the_owner_has(void **state)
{
	start(state, false);
	ack_all(0);
	held(TCP_LIMIT_REQUESTS, 5000);
	tcp_owner_waits(lab.stack, peer.tcb, TCP_LIMIT_DISK);
	held(TCP_LIMIT_RWND, 5000);
	lab_fini(&lab);
}

static void
a_small_congestion_window_is_ours(void **state)
{
	start(state, true);
	lab_queue(&peer, 100000, 16384);
	lab_flush(&lab);
	assert_true(tcb_unsent(peer.tcb) > 0);
	held(TCP_LIMIT_CWND, 5000);
	lab_fini(&lab);
}

static void
a_loss_is_recovery_until_it_is_repaired(void **state)
{
	uint32_t una;

	start(state, true);
	lab_queue(&peer, 14000, 14000);
	lab_flush(&lab);
	una = peer.tcb->snd_una;
	lab_wait(&lab, 250000);
	assert_true(lab.ctr.value[CTR_tcp_rtos] == 1);
	held(TCP_LIMIT_RECOVERY, 1000);
	lab_ack(&peer, una + 1448, NULL, 0);
	assert_int_equal(told().limit, TCP_LIMIT_RECOVERY);
	ack_all(peer.wnd);
	held(TCP_LIMIT_REQUESTS, 1000);
	lab_fini(&lab);
}

/* Sums lose precision, not value: a connection may live for years. */
static void
a_long_life_is_summed(void **state)
{
	const uint64_t days_us = 100ull * 24 * 3600 * 1000 * 1000;
	struct tcp_info info;
	uint64_t us;

	start(state, true);
	for (uint32_t i = 0; i < 10; i++) {
		lab.now_us += days_us;
		lab.stack->now_us = lab.now_us;
		tcp_owner_waits(lab.stack, peer.tcb, i % 2 ? TCP_LIMIT_REQUESTS : TCP_LIMIT_DISK);
	}
	tcp_info(lab.stack, peer.tcb, &info);
	us = info.limit_us[TCP_LIMIT_REQUESTS];
	assert_in_range(us, 5 * days_us - (days_us >> 20), 5 * days_us + (days_us >> 20));
	us = info.limit_us[TCP_LIMIT_DISK];
	assert_in_range(us, 5 * days_us - (days_us >> 20), 5 * days_us + (days_us >> 20));
	for (uint32_t i = 0; i < 20000; i++) {         /* shorter than what the sums can tell */
		lab.now_us += 700;
		lab.stack->now_us = lab.now_us;
		tcp_owner_waits(lab.stack, peer.tcb, i % 2 ? TCP_LIMIT_REQUESTS : TCP_LIMIT_DISK);
	}
	us = info.limit_us[TCP_LIMIT_DISK];
	tcp_info(lab.stack, peer.tcb, &info);
	assert_in_range(info.limit_us[TCP_LIMIT_DISK] - us, 6900000, 7100000);
	tcp_abort(lab.stack, peer.tcb);
	peer.tcb = NULL;
	lab_flush(&lab);
	lab_fini(&lab);
}

/* kinds_are compares the trace with kinds, the last being TRACE_KIND_CNT. */
static void
kinds_are(const enum trace_kind *kinds)
{
	struct trace_event events[TCP_TRACE_MAX];
	uint32_t cnt = tcp_trace(lab.stack, peer.tcb, events);

	for (uint32_t i = 0; i < cnt; i++) {
		assert_int_equal(events[i].kind, kinds[i]);
		assert_true(i == 0 || events[i].at_us >= events[i - 1].at_us);
	}
	assert_int_equal(kinds[cnt], TRACE_KIND_CNT);
}

static void
plain_traffic_is_one_event(void **state)
{
	static const enum trace_kind kinds[] = {TRACE_open, TRACE_flow, TRACE_KIND_CNT};
	struct trace_event events[TCP_TRACE_MAX];

	start(state, true);
	for (uint32_t i = 0; i < 50; i++) {
		lab_queue(&peer, 10000, 10000);
		lab_flush(&lab);
		lab_wait(&lab, 1000);
		ack_all(peer.wnd);
	}
	lab_queue(&peer, 1000, 1000);
	lab_flush(&lab);
	kinds_are(kinds);
	tcp_trace(lab.stack, peer.tcb, events);
	assert_int_equal(events[0].at_us, opened_us);
	assert_int_equal(events[0].a, 7);
	assert_int_equal(events[0].b, true);
	assert_null(peer.tcb->why.trace);
	assert_int_equal(events[1].a, 501000);
	assert_int_equal(events[1].b, 500000);
	lab_fini(&lab);
}

static void
a_loss_is_traced(void **state)
{
	static const enum trace_kind kinds[] = {
		TRACE_open, TRACE_flow, TRACE_duplicate, TRACE_recovering, TRACE_resent,
		TRACE_flow, TRACE_recovered, TRACE_KIND_CNT
	};
	struct trace_event events[TCP_TRACE_MAX];
	uint32_t una;

	start(state, true);
	lab_queue(&peer, 14480, 14480);
	lab_flush(&lab);
	una = peer.tcb->snd_una;
	for (uint32_t i = 1; i <= 3; i++) {
		struct tcp_range sack = {una + 1448, una + 1448 + i * 1448};

		lab_wait(&lab, 100);
		lab_ack(&peer, una, &sack, 1);
	}
	lab_flush(&lab);
	lab_wait(&lab, 100);
	ack_all(peer.wnd);
	kinds_are(kinds);
	tcp_trace(lab.stack, peer.tcb, events);
	assert_int_equal(events[2].a, 3 * 1448);
	assert_int_equal(events[2].b, 3);
	assert_int_equal(events[4].a, 1448);
	assert_int_equal(events[4].b, 1);
	lab_fini(&lab);
}

static void
a_shut_window_is_traced(void **state)
{
	static const enum trace_kind kinds[] = {
		TRACE_open, TRACE_shut, TRACE_flow, TRACE_probe, TRACE_opened, TRACE_KIND_CNT
	};

	start(state, false);
	ack_all(0);
	lab_queue(&peer, 5000, 5000);
	lab_wait(&lab, 1000000);
	assert_int_equal(lab.ctr.value[CTR_tcp_probes], 2);
	peer.wnd = 60000;
	lab_ack(&peer, peer.tcb->snd_una, NULL, 0);
	kinds_are(kinds);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(the_owner_says_what_it_waits_for),
		LAB_TEST(a_window_that_is_full_is_the_peers),
		LAB_TEST(a_window_shut_holds_what_the_owner_has),
		LAB_TEST(a_small_congestion_window_is_ours),
		LAB_TEST(a_loss_is_recovery_until_it_is_repaired),
		LAB_TEST(a_long_life_is_summed),
		LAB_TEST(plain_traffic_is_one_event),
		LAB_TEST(a_loss_is_traced),
		LAB_TEST(a_shut_window_is_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
