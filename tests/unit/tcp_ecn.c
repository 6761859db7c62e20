/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Explicit congestion notification: RFC 3168 6.1, both directions. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3 };

static struct lab lab;
static struct lab_peer peer;
static uint32_t mss;
static uint32_t base;

/* handshake does it with flags on the SYN, as a peer would. Returns the SYN-ACK's flags. */
static uint8_t
handshake(void **state, bool enabled, uint8_t flags)
{
	struct lab_seg syn = {.flags = TCP_SYN | flags};
	uint8_t answer;

	lab_init(&lab, *state, 4);
	lab.stack->config.ecn = enabled;
	lab_peer_init(&lab, &peer, 40000);
	syn.seq = peer.iss;
	syn.wnd = peer.wnd;
	syn.opt = peer.syn;
	syn.opt.tsval = peer.tsval;
	assert_int_equal(lab_input(&peer, &syn), 0);
	lab_flush(&lab);
	answer = lab_only(&lab)->flags;
	assert_int_equal(lab_only(&lab)->ecn, NOT_ECT);        /* 6.1.1 */
	peer.ts = true;
	peer.irs = lab_only(&lab)->seq;
	peer.rcv = peer.irs + 1;
	peer.nxt = peer.iss + 1;
	assert_int_equal(lab_ack(&peer, peer.rcv, NULL, 0), TCP_EV_OPEN);
	lab_events(&peer);
	mss = peer.tcb->mss;
	base = peer.rcv;
	return answer;
}

static void
start(void **state)
{
	assert_int_equal(handshake(state, true, TCP_ECE | TCP_CWR), TCP_SYN | TCP_ACK | TCP_ECE);
	peer.tcb->cc.cwnd_bytes = 20 * mss;
}

/* in sends a segment of the peer with an IP codepoint. */
static void
in(uint32_t ack, uint8_t flags, uint32_t len, uint8_t ecn)
{
	uint8_t data[100] = {0};
	struct lab_seg seg = {
		.flags = TCP_ACK | flags, .seq = peer.nxt, .ack = ack, .wnd = peer.wnd,
		.len = len, .data = data, .ecn = ecn,
	};

	for (uint32_t i = 0; i < len; i++)
		data[i] = lab_byte(peer.nxt - peer.iss - 1 + i);
	peer.nxt += len;
	peer.rcv = seq_max(peer.rcv, ack);
	lab_input(&peer, &seg);
}

/* answer returns the next pure ACK; it may be delayed. */
static const struct lab_seg *
answer(void)
{
	uint32_t i = 0;

	lab_wait(&lab, 2 * TCP_DELACK_US);
	while (i < lab.out_cnt && lab.out[i].seg.len > 0)
		i++;
	assert_true(i < lab.out_cnt);
	return &lab.out[i].seg;
}

static void
it_is_agreed_on_by_both_or_not_at_all(void **state)
{
	static const struct { bool enabled; uint8_t flags; bool agreed; } rows[] = {
		{true, TCP_ECE | TCP_CWR, true}, {true, 0, false}, {true, TCP_ECE, false},
		{true, TCP_CWR, false}, {false, TCP_ECE | TCP_CWR, false},
	};

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		uint8_t answer = handshake(state, rows[i].enabled, rows[i].flags);
		struct tcp_info info;

		assert_int_equal(answer, TCP_SYN | TCP_ACK | (rows[i].agreed ? TCP_ECE : 0));
		tcp_info(lab.stack, peer.tcb, &info);
		assert_int_equal(info.ecn, rows[i].agreed);
		lab_queue(&peer, 100, 100);
		lab_flush(&lab);
		assert_int_equal(lab_only(&lab)->ecn, rows[i].agreed ? ECT_0 : NOT_ECT);
		lab_fini(&lab);
	}
}

static void
only_new_data_may_be_marked(void **state)
{
	start(state);
	lab_queue(&peer, 5 * mss, 5 * mss);
	lab_flush(&lab);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(lab.out[i].seg.ecn, ECT_0);
	lab_wait(&lab, 10000);
	peer.nxt += 10;                        /* out of order: answered at once */
	in(base, 0, 10, NOT_ECT);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ecn, NOT_ECT);        /* 6.1.4: a pure ACK */
	lab_wait(&lab, 400000);
	assert_true(lab.out_cnt > 0);
	for (uint32_t i = 0; i < lab.out_cnt; i++) {           /* 6.1.5: sent again */
		assert_true(seq_lt(lab.out[i].seg.seq, base + 5 * mss));
		assert_int_equal(lab.out[i].seg.ecn, NOT_ECT);
	}
	lab_fini(&lab);
}

static void
probes_of_a_shut_window_are_not_marked(void **state)
{
	start(state);
	peer.wnd = 0;
	in(base, 0, 0, NOT_ECT);
	lab_queue(&peer, mss, mss);
	lab_wait(&lab, 1500000);
	assert_true(lab.out_cnt > 0);
	assert_int_equal(lab.out[0].seg.len, 1);
	assert_int_equal(lab.out[0].seg.ecn, NOT_ECT);         /* 6.1.6 */
	lab_fini(&lab);
}

/* 6.1.2: a reduction once a window, told by CWR on the next new data */
static void
an_echo_reduces_once_a_window(void **state)
{
	uint32_t cwnd;

	start(state);
	lab_queue(&peer, 60 * mss, 10 * mss);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 20);
	in(base + mss, TCP_ECE, 0, NOT_ECT);
	cwnd = peer.tcb->cc.cwnd_bytes;
	assert_in_range(cwnd, 16 * mss, 17 * mss);             /* RFC 8511: 0.85 of 19 */
	assert_int_equal(lab.ctr.value[CTR_tcp_ecn_reductions], 1);
	lab_flush(&lab);
	for (uint32_t una = 2; una <= 19; una++) {
		in(base + una * mss, TCP_ECE, 0, NOT_ECT);
		assert_in_range(peer.tcb->cc.cwnd_bytes, cwnd, cwnd + 3 * mss);
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_ecn_reductions], 1);
	lab_flush(&lab);
	assert_true(lab.out_cnt >= 2);
	assert_true(lab.out[0].seg.flags & TCP_CWR);
	assert_false(lab.out[1].seg.flags & TCP_CWR);
	in(base + 20 * mss, TCP_ECE, 0, NOT_ECT);              /* the next window */
	assert_int_equal(lab.ctr.value[CTR_tcp_ecn_reductions], 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 0);
	lab_fini(&lab);
}

static void
an_echo_in_recovery_reduces_no_more(void **state)
{
	struct tcp_range block;
	uint32_t cwnd;

	start(state);
	lab_queue(&peer, 60 * mss, 10 * mss);
	lab_flush(&lab);
	block = (struct tcp_range){base + mss, base + 5 * mss};
	lab_ack(&peer, base, &block, 1);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	cwnd = peer.tcb->cc.ssthresh_bytes;
	in(base, TCP_ECE, 0, NOT_ECT);
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, cwnd);
	assert_int_equal(lab.ctr.value[CTR_tcp_ecn_reductions], 0);
	assert_true(peer.tcb->ecn.cwr);
	lab_fini(&lab);
}

/* 6.1.3: ECE on every segment from a mark until CWR */
static void
marks_are_echoed_until_the_peer_has_reduced(void **state)
{
	start(state);
	in(base, TCP_PSH, 20, ECT_0);
	in(base, TCP_PSH, 20, ECT_0);
	assert_false(answer()->flags & TCP_ECE);
	in(base, TCP_PSH, 20, CE);
	in(base, TCP_PSH, 20, ECT_0);
	assert_true(answer()->flags & TCP_ECE);
	lab_queue(&peer, 100, 100);
	lab_flush(&lab);
	assert_true(lab_only(&lab)->flags & TCP_ECE);
	assert_int_equal(lab.ctr.value[CTR_tcp_ecn_marks], 1);
	in(base + 100, TCP_CWR, 20, ECT_0);
	in(base + 100, 0, 20, ECT_0);
	assert_false(answer()->flags & TCP_ECE);
	in(base + 100, TCP_CWR, 20, CE);                       /* a new mark on the very one */
	in(base + 100, 0, 20, ECT_1);
	assert_true(answer()->flags & TCP_ECE);
	lab_fini(&lab);
}

static void
without_agreement_flags_and_marks_mean_nothing(void **state)
{
	uint32_t cwnd;

	handshake(state, true, 0);
	cwnd = peer.tcb->cc.cwnd_bytes;
	lab_queue(&peer, 30 * mss, 10 * mss);
	lab_flush(&lab);
	in(base + mss, TCP_ECE | TCP_CWR, 0, NOT_ECT);
	assert_true(peer.tcb->cc.cwnd_bytes >= cwnd);
	in(base + mss, 0, 20, CE);
	in(base + mss, 0, 20, CE);
	lab_flush(&lab);
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		assert_false(lab.out[i].seg.flags & (TCP_ECE | TCP_CWR));
	lab_fini(&lab);
}

/* BBR has no answer to a mark: its segments do not offer to be marked */
static void
a_congestion_control_without_an_answer_offers_nothing(void **state)
{
	start(state);
	tcp_set_cc(lab.stack, peer.tcb, TCP_CC_BBR);
	lab_queue(&peer, 100, 100);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ecn, NOT_ECT);
	in(base + 100, TCP_ECE, 0, NOT_ECT);
	assert_int_equal(lab.ctr.value[CTR_tcp_ecn_reductions], 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(it_is_agreed_on_by_both_or_not_at_all),
		LAB_TEST(only_new_data_may_be_marked),
		LAB_TEST(probes_of_a_shut_window_are_not_marked),
		LAB_TEST(an_echo_reduces_once_a_window),
		LAB_TEST(an_echo_in_recovery_reduces_no_more),
		LAB_TEST(marks_are_echoed_until_the_peer_has_reduced),
		LAB_TEST(without_agreement_flags_and_marks_mean_nothing),
		LAB_TEST(a_congestion_control_without_an_answer_offers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
