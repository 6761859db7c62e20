/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ICMP errors: who is believed (RFC 5927 4.1), and that they end no connection that is open
 * (RFC 5927 6, 5461; 6633 for source quench). Those about the path's MTU are in tcp_pmtu. */
#include "tests/unit/tcp_lab_icmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;
static uint32_t base;

/* start connects and has three segments in flight: [base, base + 3000). */
static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	base = peer.rcv;
	lab_queue(&peer, 3000, 3000);
	assert_int_equal(lab_flush(&lab), 3);
}

/* still_works lets the peer take what is in flight. */
static void
still_works(void)
{
	assert_non_null(peer.tcb);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	assert_int_equal(lab_ack(&peer, base + 3000, NULL, 0), TCP_EV_ROOM);
	assert_int_equal(tcb_flight(peer.tcb), 0);
}

static void
no_error_ends_an_open_connection(void **state)
{
	static const uint8_t types[] = {IP_ICMP_UNREACHABLE, IP_ICMP_TIME_EXCEEDED,
	                                IP_ICMP_PARAMETER};
	uint32_t cwnd;
	uint64_t given = 0;

	start(state);
	cwnd = peer.tcb->cc.cwnd_bytes;
	for (uint32_t i = 0; i < ARRAY_CNT(types); i++) {
		for (uint8_t code = 0; code < 16; code++) {
			if (types[i] == IP_ICMP_UNREACHABLE && code == IP_ICMP_TOO_BIG)
				continue;
			peer.tcb->pmtu.icmp_cnt = 0;
			assert_int_equal(lab_icmp(&peer, types[i], code, base), 0);
			assert_int_equal(lab.ctr.value[CTR_tcp_icmp_soft], ++given);
		}
	}
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd);
	still_works();
	lab_fini(&lab);
}

static void
source_quench_is_ignored(void **state)
{
	uint32_t cwnd;

	start(state);
	cwnd = peer.tcb->cc.cwnd_bytes;
	assert_int_equal(lab_icmp(&peer, IP_ICMP_SOURCE_QUENCH, 0, base), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_quench], 1);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd);
	still_works();
	lab_fini(&lab);
}

static void
what_is_not_in_flight_is_not_believed(void **state)
{
	static const int32_t outside[] = {-1, -1448, 3000, 3001, 1 << 20, INT32_MIN};
	uint16_t mss;

	start(state);
	mss = peer.tcb->mss;
	for (uint32_t i = 0; i < ARRAY_CNT(outside); i++) {
		lab_too_big(&peer, base + (uint32_t)outside[i], 1000);
		assert_int_equal(lab.ctr.value[CTR_tcp_icmp_out_of_window], i + 1);
	}
	assert_int_equal(peer.tcb->mss, mss);
	lab_too_big(&peer, base + 2999, 1000);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_out_of_window], ARRAY_CNT(outside));
	assert_true(peer.tcb->mss < mss);
	still_works();
	lab_too_big(&peer, base + 2999, 800);  /* acknowledged by now */
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_out_of_window], ARRAY_CNT(outside) + 1);
	lab_fini(&lab);
}

static void
other_connections_are_not_touched(void **state)
{
	struct lab_peer stranger;

	start(state);
	lab_peer_init(&lab, &stranger, 40001);
	lab_too_big(&stranger, base, 1000);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_no_connection], 1);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	still_works();
	lab_fini(&lab);
}

static void
one_connection_acts_on_few_a_second(void **state)
{
	start(state);
	lab_wait(&lab, (1u << 20) - (lab.now_us & ((1u << 20) - 1)));  /* a new second begins */
	for (uint32_t i = 0; i < 3 * TCP_ICMP_PER_S; i++)
		lab_icmp(&peer, IP_ICMP_TIME_EXCEEDED, 0, base);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_soft], TCP_ICMP_PER_S);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_limited], 2 * TCP_ICMP_PER_S);
	lab_wait(&lab, 1u << 20);
	lab_icmp(&peer, IP_ICMP_TIME_EXCEEDED, 0, base);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_soft], TCP_ICMP_PER_S + 1);
	still_works();
	lab_fini(&lab);
}

static uint32_t
half_open(void)
{
	struct lab_seg syn = {.flags = TCP_SYN, .seq = peer.iss, .wnd = 1000};

	lab_input(&peer, &syn);
	lab_flush(&lab);
	assert_int_equal(lab.ctr.value[CTR_tcp_half_open], 1);
	return lab_only(&lab)->seq;
}

/* RFC 1122 4.2.3.9, 5927 6: before it is open, a connection may end */
static void
unreachable_ends_what_is_not_open_yet(void **state)
{
	uint32_t iss;

	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	iss = half_open();
	lab_icmp(&peer, IP_ICMP_UNREACHABLE, IP_ICMP_PORT, iss + 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_out_of_window], 1);
	lab_icmp(&peer, IP_ICMP_UNREACHABLE, 1, iss);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_soft], 1);
	lab_too_big(&peer, iss, 1000);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_soft], 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_half_open], 1);
	assert_int_equal(lab_icmp(&peer, IP_ICMP_UNREACHABLE, IP_ICMP_PORT, iss), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_icmp_refused], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_half_open], 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(no_error_ends_an_open_connection),
		LAB_TEST(source_quench_is_ignored),
		LAB_TEST(what_is_not_in_flight_is_not_believed),
		LAB_TEST(other_connections_are_not_touched),
		LAB_TEST(one_connection_acts_on_few_a_second),
		LAB_TEST(unreachable_ends_what_is_not_open_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
