/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The path's MTU as routers tell it: RFC 1191; which claims are believed: RFC 5927 7.2. */
#include "tests/unit/tcp_lab_icmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HDRS = 52 };                    /* IPv4, TCP, timestamps */

static struct lab lab;
static struct lab_peer peer;
static uint32_t base;

/* start connects and has a first window of ten full segments in flight, with more behind. */
static void
start(void **state, bool sack)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.sack_permitted = sack;
	lab_connect(&peer);
	base = peer.rcv;
	lab_wait(&lab, 10000);
	lab_queue(&peer, 200 * 1448, 8000);
	assert_int_equal(lab_flush(&lab), 10);
	assert_int_equal(lab.out[0].seg.len, 1500 - HDRS);
	lab_wait(&lab, 10000);
}

/* resent returns the bytes sent from a number on, without a gap, in segments of at most max. */
static uint32_t
resent(uint32_t seq, uint32_t max)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < lab.out_cnt; i++) {
		assert_true(lab.out[i].seg.len <= max);
		if (lab.out[i].seg.seq == seq + len)
			len += lab.out[i].seg.len;
	}
	return len;
}

/* ack_flight acknowledges all that is in flight, 20 ms later. */
static void
ack_flight(void)
{
	lab_wait(&lab, 20000);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
}

static void
told_size_is_used_at_once(void **state, bool sack)
{
	uint32_t cwnd;
	uint32_t flight;
	uint64_t rto_due_us;

	start(state, sack);
	cwnd = peer.tcb->cc.cwnd_bytes;
	flight = tcb_flight(peer.tcb);
	rto_due_us = peer.tcb->deadline_us[TCP_DUE_RTO];
	lab_too_big(&peer, base, 1280);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_lowered], 1);
	assert_int_equal(peer.tcb->mss, 1280 - HDRS);
	assert_int_equal(peer.tcb->cc.mss, 1280 - HDRS);
	lab_flush(&lab);
	assert_true(resent(base, 1280 - HDRS) >= cwnd - (1280 - HDRS));
	/* too large is not congested, and the timer runs on, but for bytes that were waited for */
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(peer.tcb->backoff, 0);
	if (lab.ctr.value[CTR_tcp_given_up] == 0)
		assert_int_equal(peer.tcb->deadline_us[TCP_DUE_RTO], rto_due_us);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 0);
	ack_flight();
	assert_true(peer.tcb->cc.cwnd_bytes >= cwnd);
	lab_flush(&lab);
	assert_true(resent(base + flight, 1280 - HDRS) > 0);
	/* the other nine routers' messages are old news */
	lab_too_big(&peer, peer.tcb->snd_una, 1280);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_refused], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 0);
	lab_fini(&lab);
}

static void
told_size_is_used_at_once_sack(void **state)
{
	told_size_is_used_at_once(state, true);
}

static void
told_size_is_used_at_once_no_sack(void **state)
{
	told_size_is_used_at_once(state, false);
}

static void
a_second_narrow_hop_lowers_it_again(void **state)
{
	start(state, true);
	lab_too_big(&peer, base, 1400);
	lab_flush(&lab);
	lab_wait(&lab, 10000);
	lab_too_big(&peer, base, 1006);
	lab_flush(&lab);
	assert_true(resent(base, 1006 - HDRS) >= 9 * 1448);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_lowered], 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 0);
	ack_flight();
	lab_fini(&lab);
}

static void
what_has_arrived_is_not_sent_again(void **state)
{
	struct tcp_range block;

	start(state, true);
	block = (struct tcp_range){base + 4 * 1448, base + 6 * 1448};
	lab_ack(&peer, base, &block, 1);
	lab_flush(&lab);
	lab_too_big(&peer, base, 1280);
	lab_flush(&lab);
	assert_true(resent(base, 1280 - HDRS) == 4 * 1448);
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		assert_true(seq_lt(lab.out[i].seg.seq, block.start) ||
		            seq_ge(lab.out[i].seg.seq, block.end));
	lab_fini(&lab);
}

static void
duplicates_of_what_is_sent_again_are_no_congestion(void **state)
{
	uint32_t cwnd;

	start(state, false);
	cwnd = peer.tcb->cc.cwnd_bytes;
	lab_too_big(&peer, base, 1280);
	lab_flush(&lab);
	for (uint32_t i = 0; i < 5; i++)
		lab_ack(&peer, base, NULL, 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 0);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd);
	lab_fini(&lab);
}

/* RFC 1191 7.1: a router that does not tell */
static void
untold_sizes_go_down_the_plateaus(void **state)
{
	static const uint16_t plateaus[] = {1492, 1006, TCP_PMTU_MIN};

	start(state, true);
	for (uint32_t i = 0; i < ARRAY_CNT(plateaus); i++) {
		lab_too_big(&peer, base, 0);
		assert_int_equal(peer.tcb->pmtu.mtu, plateaus[i]);
		lab_flush(&lab);
	}
	lab_too_big(&peer, base, 0);
	assert_int_equal(peer.tcb->pmtu.mtu, TCP_PMTU_MIN);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_refused], 1);
	lab_fini(&lab);
}

static void
absurd_claims_are_refused(void **state)
{
	static const uint16_t claims[] = {1, 67, 68, 551, 1500, 1501, 65535};

	start(state, true);
	for (uint32_t i = 0; i < ARRAY_CNT(claims); i++) {
		peer.tcb->pmtu.icmp_cnt = 0;
		lab_too_big(&peer, base, claims[i]);
		assert_int_equal(lab.ctr.value[CTR_tcp_mtu_refused], i + 1);
	}
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	assert_int_equal(lab_flush(&lab), 0);
	lab_fini(&lab);
}

static void
nothing_so_large_was_sent(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	lab_queue(&peer, 500, 500);
	lab_flush(&lab);
	lab_too_big(&peer, peer.rcv, 552);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_refused], 1);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	lab_fini(&lab);
}

/* proven brings a first window through, so that segments of 1500 bytes are known to arrive. */
static void
proven(void **state)
{
	start(state, true);
	ack_flight();
	lab_flush(&lab);
	lab_wait(&lab, 10000);
	assert_int_equal(peer.tcb->pmtu.arrived, 1500);
	base = peer.rcv;
}

/* RFC 5927 7.2 */
static void
lie_is_found_out_by_an_acknowledgement(void **state)
{
	proven(state);
	lab_too_big(&peer, base, 600);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_doubted], 1);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	assert_int_equal(lab_flush(&lab), 0);
	ack_flight();
	assert_int_equal(peer.tcb->pmtu_on & PMTU_CLAIM, 0);
	lab_flush(&lab);
	lab_wait(&lab, peer.tcb->rto_us * 3 / 2);     /* a timeout for another reason */
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 1);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_lowered], 0);
	lab_fini(&lab);
}

static void
doubted_claim_is_believed_when_progress_stops(void **state)
{
	proven(state);
	lab_too_big(&peer, base, 1280);
	lab_too_big(&peer, base, 600);         /* of two the larger */
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_doubted], 2);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	lab_wait(&lab, peer.tcb->rto_us * 3 / 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_lowered], 1);
	assert_int_equal(peer.tcb->pmtu.mtu, 1280);
	assert_true(lab.out_cnt >= 1);
	assert_int_equal(lab.out[0].seg.seq, base);
	assert_int_equal(lab.out[0].seg.len, 1280 - HDRS);
	lab_fini(&lab);
}

/* pump lets the peer take everything for some rounds of 20 ms, with more behind. Returns the
 * largest payload seen. */
static uint32_t
pump(uint32_t rounds)
{
	uint32_t largest = 0;

	for (uint32_t i = 0; i < rounds; i++) {
		if (tcb_unsent(peer.tcb) < 100 * 1448)
			lab_queue(&peer, 100 * 1448, 8000);
		lab_flush(&lab);
		for (uint32_t k = 0; k < lab.out_cnt; k++)
			largest = MAX(largest, lab.out[k].seg.len);
		ack_flight();
	}
	while (tcb_queued(peer.tcb) > 0) {
		lab_flush(&lab);
		ack_flight();
	}
	return largest;
}

/* pass_half lets half the raise timer pass, with a peer that is there. */
static void
pass_half(void)
{
	for (uint32_t i = 0; i < 10; i++) {
		lab_wait(&lab, TCP_PMTU_RAISE_US / 20);
		lab_ack(&peer, peer.rcv, NULL, 0);
	}
}

/* RFC 1191 6.3, 8899 5.1.1 (PMTU_RAISE_TIMER) */
static void
larger_ones_are_tried_after_ten_minutes(void **state)
{
	start(state, true);
	lab_too_big(&peer, base, 1280);
	assert_int_equal(pump(10), 1280 - HDRS);
	pass_half();
	assert_int_equal(pump(10), 1280 - HDRS);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes], 0);
	pass_half();
	assert_int_equal(pump(20), 1500 - HDRS);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	assert_int_equal(peer.tcb->cc.mss, 1500 - HDRS);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes], 4);        /* 1400 1452 1492 1500 */
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_raised], 4);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 0);
	lab_fini(&lab);
}

/* RFC 8899 4.6.2: a router's word about a probe gives the exact size */
static void
router_that_speaks_of_a_probe_is_believed(void **state)
{
	uint32_t cwnd;

	start(state, true);
	lab_too_big(&peer, base, 1280);
	pump(5);
	pass_half();
	pass_half();
	while ((peer.tcb->pmtu_on & PMTU_PROBE) == 0) {
		ack_flight();
		lab_queue(&peer, 20 * 1448, 8000);
		lab_flush(&lab);
	}
	cwnd = peer.tcb->cc.cwnd_bytes;
	lab_too_big(&peer, peer.tcb->pmtu.probe_seq, 1300);
	assert_int_equal(peer.tcb->pmtu.mtu, 1280);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, cwnd);
	/* all but the probe arrives */
	lab_ack(&peer, peer.tcb->pmtu.probe_seq,
	        &(struct tcp_range){peer.tcb->pmtu.probe_end, peer.tcb->snd_nxt}, 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes_lost], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 0);
	lab_flush(&lab);
	assert_int_equal(pump(20), 1300 - HDRS);
	assert_int_equal(peer.tcb->pmtu.mtu, 1300);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes], 2);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(told_size_is_used_at_once_sack),
		LAB_TEST(told_size_is_used_at_once_no_sack),
		LAB_TEST(a_second_narrow_hop_lowers_it_again),
		LAB_TEST(what_has_arrived_is_not_sent_again),
		LAB_TEST(duplicates_of_what_is_sent_again_are_no_congestion),
		LAB_TEST(untold_sizes_go_down_the_plateaus),
		LAB_TEST(absurd_claims_are_refused),
		LAB_TEST(nothing_so_large_was_sent),
		LAB_TEST(lie_is_found_out_by_an_acknowledgement),
		LAB_TEST(doubted_claim_is_believed_when_progress_stops),
		LAB_TEST(larger_ones_are_tried_after_ten_minutes),
		LAB_TEST(router_that_speaks_of_a_probe_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
