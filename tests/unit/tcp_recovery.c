/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Losses: fast retransmit with and without SACK, timeouts, and what must not be taken for one. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;
static uint32_t mss;
static uint32_t base;          /* sequence number of the first byte sent */

/* start connects and has 20 segments in flight. */
static void
start(void **state, bool sack)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.sack_permitted = sack;
	lab_connect(&peer);
	mss = peer.tcb->mss;
	base = peer.rcv;
	lab_wait(&lab, 10000);
	peer.tcb->cc.cwnd_bytes = 20 * mss;
	peer.tcb->srtt_us = 10000;             /* the probe comes later than the ACKs */
	lab_queue(&peer, 60 * mss, 4 * mss);
	assert_int_equal(lab_flush(&lab), 20);
	assert_int_equal(tcb_flight(peer.tcb), 20 * mss);
	lab_wait(&lab, 10000);
}

static uint32_t
at(uint32_t segment)
{
	return base + segment * mss;
}

/* sack acknowledges up to segment una, with a block [from, to) of segments. */
static void
sack(uint32_t una, uint32_t from, uint32_t to)
{
	struct tcp_range block = {at(from), at(to)};

	lab_ack(&peer, at(una), &block, 1);
}

/* resent tells whether the packets that left were segments from on, each of mss bytes. */
static bool
sent_from(uint32_t segment, uint32_t cnt)
{
	if (lab.out_cnt != cnt)
		return false;
	for (uint32_t i = 0; i < cnt; i++) {
		if (lab.out[i].seg.seq != at(segment + i) || lab.out[i].seg.len != mss)
			return false;
	}
	return true;
}

static void
three_duplicates_resend_without_sack(void **state)
{
	start(state, false);
	for (uint32_t i = 0; i < 2; i++) {     /* RFC 3042: new data for the first two */
		lab_ack(&peer, base, NULL, 0);
		lab_flush(&lab);
		assert_true(sent_from(20 + i, 1));
	}
	lab_ack(&peer, base, NULL, 0);
	lab_flush(&lab);
	assert_true(sent_from(0, 1));
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 1);
	assert_true(peer.tcb->cc.ssthresh_bytes < 20 * mss);
	assert_true(peer.tcb->cc.ssthresh_bytes > 10 * mss);
	/* each further one lets a segment go, once the pipe has shrunk (RFC 6582 3.2) */
	for (uint32_t i = 0; i < 17; i++) {
		lab_ack(&peer, base, NULL, 0);
		lab_flush(&lab);
	}
	assert_true(seq_gt(peer.tcb->snd_nxt, at(22)));
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 1);
	lab_ack(&peer, at(22), NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, peer.tcb->cc.ssthresh_bytes);
	lab_fini(&lab);
}

static void
partial_ack_resends_the_next_hole(void **state)
{
	start(state, false);
	for (uint32_t i = 0; i < 3; i++)
		lab_ack(&peer, base, NULL, 0);
	lab_flush(&lab);
	lab_ack(&peer, at(7), NULL, 0);        /* 0 repaired, 7 lost as well */
	lab_flush(&lab);
	assert_true(lab.out_cnt >= 1 && lab.out[0].seg.seq == at(7));
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 2);
	lab_fini(&lab);
}

static void
duplicates_with_data_or_another_window_do_not_count(void **state)
{
	start(state, false);
	for (uint32_t i = 0; i < 5; i++) {
		peer.wnd--;
		lab_ack(&peer, base, NULL, 0);
		lab_data(&peer, 5, 0);
	}
	lab_flush(&lab);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 0);
	lab_fini(&lab);
}

static void
sack_resends_each_hole_once(void **state)
{
	struct tcp_range blocks[3];

	start(state, true);
	/* lost: 0, 3, 4, 9. the rest arrives, told as it does */
	sack(0, 1, 3);
	assert_int_equal(lab_flush(&lab), 2);
	assert_true(sent_from(20, 2));         /* the pipe has shrunk: new data */
	blocks[0] = (struct tcp_range){at(5), at(9)};
	blocks[1] = (struct tcp_range){at(1), at(3)};
	lab_ack(&peer, base, blocks, 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 1);
	lab_flush(&lab);
	assert_int_equal(lab.out[0].seg.seq, base);
	blocks[0] = (struct tcp_range){at(10), at(20)};
	blocks[1] = (struct tcp_range){at(5), at(9)};
	blocks[2] = (struct tcp_range){at(1), at(3)};
	lab.keep = true;
	lab_ack(&peer, base, blocks, 3);
	lab_flush(&lab);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmit_bytes], 4 * mss);
	for (uint32_t i = 0, found = 0; i < lab.out_cnt; i++) {
		static const uint32_t holes[] = {0, 3, 4, 9};

		if (seq_lt(lab.out[i].seg.seq, at(20)))
			assert_int_equal(lab.out[i].seg.seq, at(holes[found++]));
		else
			assert_true(found >= 3);       /* no hole that was known waited */
	}
	lab_ack(&peer, at(22), NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 0);
	lab_fini(&lab);
}

static void
one_window_reduction_for_one_flight(void **state)
{
	uint32_t ssthresh;

	start(state, true);
	sack(0, 1, 4);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	lab_flush(&lab);
	sack(0, 1, 8);
	sack(8, 9, 14);
	lab_flush(&lab);
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, ssthresh);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 1);
	lab_fini(&lab);
}

static void
a_little_reordering_is_no_loss(void **state)
{
	start(state, true);
	sack(0, 1, 3);
	lab_ack(&peer, at(3), NULL, 0);
	lab_flush(&lab);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 0);
	assert_int_equal(peer.tcb->board.sacked_bytes, 0);
	lab_fini(&lab);
}

static void
foolish_sacks_are_ignored(void **state)
{
	struct tcp_range blocks[3];

	start(state, true);
	lab_ack(&peer, at(2), NULL, 0);
	lab_flush(&lab);
	blocks[0] = (struct tcp_range){at(0), at(1)};          /* D-SACK: old */
	blocks[1] = (struct tcp_range){at(6), at(5)};          /* backwards */
	blocks[2] = (struct tcp_range){peer.tcb->snd_nxt - 1, peer.tcb->snd_nxt + 1}; /* not sent */
	for (uint32_t i = 0; i < 5; i++)
		lab_ack(&peer, at(2), blocks, 3);
	lab_flush(&lab);
	assert_int_equal(peer.tcb->board.sacked_bytes, 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	lab_fini(&lab);
}

static void
timeout_resends_the_first_and_backs_off(void **state)
{
	uint32_t ssthresh;
	uint64_t rto_us;

	start(state, false);                   /* without SACK there is no probe before it */
	rto_us = peer.tcb->rto_us;
	assert_true(rto_us >= TCP_RTO_MIN_US);
	assert_int_equal(lab_wait(&lab, rto_us - 11000), 0);
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_true(sent_from(0, 1));
	assert_int_equal(peer.tcb->cc.cwnd_bytes, mss);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 1);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	assert_true(ssthresh >= 10 * mss);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(lab_wait(&lab, (rto_us << i) - 2000), 0);
		assert_int_equal(lab_wait(&lab, 2000), 1);
		mss = peer.tcb->mss;   /* smaller, once a black hole is suspected */
		assert_true(sent_from(0, 1));
	}
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, ssthresh);       /* RFC 5681 3.1 */
	lab_fini(&lab);
}

/* RFC 6582 3.2 (1): duplicates of what a timeout sent again are no loss */
static void
duplicates_after_a_timeout_do_not_resend(void **state)
{
	start(state, false);
	lab_wait(&lab, peer.tcb->rto_us);
	lab_ack(&peer, at(20), NULL, 0);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_true(lab_flush(&lab) > 0);
	for (uint32_t i = 0; i < 4; i++) {
		lab_ack(&peer, at(20), NULL, 0);
		lab_flush(&lab);
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 1);
	lab_fini(&lab);
}

static void
after_a_timeout_all_is_sent_again_in_slow_start(void **state)
{
	uint32_t sent = 0;

	start(state, false);
	lab_wait(&lab, peer.tcb->rto_us);
	lab.keep = true;
	for (uint32_t una = 1; una <= 20; una++) {
		lab_ack(&peer, at(una), NULL, 0);
		lab_flush(&lab);
	}
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		sent += seq_lt(lab.out[i].seg.seq, at(20));
	assert_int_equal(sent, 20);
	assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 20);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 1);
	lab_fini(&lab);
}

static void
timeout_keeps_sacks_unless_the_first_has_one(void **state)
{
	start(state, true);
	sack(0, 1, 3);
	lab_wait(&lab, 2 * (uint64_t)peer.tcb->rto_us - 100000);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_RTO);
	assert_int_equal(peer.tcb->board.sacked_bytes, 2 * mss);
	lab_ack(&peer, at(1), NULL, 0);        /* it has reneged on 1 and 2 */
	lab_flush(&lab);
	lab_wait(&lab, 3 * (uint64_t)peer.tcb->rto_us);
	assert_int_equal(peer.tcb->board.sacked_bytes, 0);
	lab.keep = true;
	for (uint32_t una = 2; una <= 22; una++) {
		lab_ack(&peer, at(una), NULL, 0);
		lab_flush(&lab);
	}
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	lab_fini(&lab);
}

static void
silence_ends_the_connection(void **state)
{
	start(state, true);
	lab_wait(&lab, 900ull * 1000 * 1000);
	assert_null(peer.tcb);
	assert_int_equal(lab.out_cnt, 1 + TCP_RETRIES_MAX);    /* a probe first; no keepalive */
	assert_int_equal(lab_events(&peer), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_timeouts], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], TCP_RETRIES_MAX);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	lab_fini(&lab);
}

static void
rtt_is_measured(void **state)
{
	start(state, true);                    /* the ACK comes 10 ms after the data */
	lab_ack(&peer, at(4), NULL, 0);
	assert_true(peer.tcb->srtt_us > 1000 && peer.tcb->srtt_us <= 10000);
	for (uint32_t i = 0; i < 60; i++) {
		lab_queue(&peer, mss, mss);
		lab_flush(&lab);
		lab_wait(&lab, 30000);
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	}
	assert_in_range(peer.tcb->srtt_us, 29000, 31000);
	assert_in_range(peer.tcb->rto_us, 30000 + TCP_RTO_MIN_US - 1000, 32000 + TCP_RTO_MIN_US);
	lab_fini(&lab);
}

static void
rtt_is_not_taken_from_what_was_sent_twice(void **state)
{
	uint32_t srtt_us;

	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.has_ts = false;
	peer.syn.sack_permitted = false;       /* no probe comes first */
	lab_connect(&peer);
	srtt_us = peer.tcb->srtt_us;
	lab_queue(&peer, 1000, 1000);
	lab_flush(&lab);
	lab_wait(&lab, (uint64_t)peer.tcb->rto_us + 50000);
	lab_ack(&peer, peer.rcv + 1000, NULL, 0);
	assert_int_equal(peer.tcb->srtt_us, srtt_us);
	assert_int_equal(peer.tcb->backoff, 1);        /* Karn: kept until there is a sample */
	lab_queue(&peer, 1000, 1000);
	lab_flush(&lab);
	lab_wait(&lab, 20000);
	lab_ack(&peer, peer.rcv + 1000, NULL, 0);
	assert_int_equal(peer.tcb->backoff, 0);
	assert_true(peer.tcb->srtt_us > srtt_us);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(three_duplicates_resend_without_sack),
		LAB_TEST(partial_ack_resends_the_next_hole),
		LAB_TEST(duplicates_with_data_or_another_window_do_not_count),
		LAB_TEST(sack_resends_each_hole_once),
		LAB_TEST(one_window_reduction_for_one_flight),
		LAB_TEST(a_little_reordering_is_no_loss),
		LAB_TEST(foolish_sacks_are_ignored),
		LAB_TEST(timeout_resends_the_first_and_backs_off),
		LAB_TEST(duplicates_after_a_timeout_do_not_resend),
		LAB_TEST(after_a_timeout_all_is_sent_again_in_slow_start),
		LAB_TEST(timeout_keeps_sacks_unless_the_first_has_one),
		LAB_TEST(silence_ends_the_connection),
		LAB_TEST(rtt_is_measured),
		LAB_TEST(rtt_is_not_taken_from_what_was_sent_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
