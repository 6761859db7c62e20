/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Loss found by time: RFC 8985 6, with the reordering window and its timer. */
#include "dataplane/tcp/timers.h"
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* 6.2 step 4: no reordering was seen, three have overtaken: no wait */
static void
three_above_are_enough(void **state)
{
	open_one(state, true, true);
	fly(20, 60);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 3);
	assert_int_equal(peer.tcb->board.lost_bytes, 0);
	sack(0, 1, 4);
	assert_int_equal(peer.tcb->board.lost_bytes, mss);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	lab_flush(&lab);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(counted(CTR_tcp_rack_lost), mss);
	lab_fini(&lab);
}

/* 6.2 step 5: fewer than three, then a quarter of the least round trip */
static void
fewer_wait_for_the_window(void **state)
{
	open_one(state, true, true);
	fly(3, 3);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 3);
	assert_int_not_equal(peer.tcb->deadline_us[TCP_DUE_REO], TCP_NEVER);
	assert_int_equal(lab_wait(&lab, RTT_US / 4 - 1000), 0);
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	assert_int_equal(peer.tcb->deadline_us[TCP_DUE_REO], TCP_NEVER);
	lab_fini(&lab);
}

/* 6.2 step 3: what is late but was sent once is reordered; then three above are not enough */
static void
reordering_is_learnt(void **state)
{
	open_one(state, true, true);
	fly(40, 80);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 3);
	assert_false(peer.tcb->rack.reordering_seen);
	lab_ack(&peer, at(3), NULL, 0);
	assert_true(peer.tcb->rack.reordering_seen);
	assert_int_equal(counted(CTR_tcp_reorderings), 1);
	sack(3, 4, 30);                        /* 26 overtake one */
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	lab_wait(&lab, RTT_US / 8);
	lab_ack(&peer, at(30), NULL, 0);
	lab_flush(&lab);
	assert_int_equal(counted(CTR_tcp_retransmits), 0);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 0);
	assert_int_equal(peer.tcb->deadline_us[TCP_DUE_REO], TCP_NEVER);
	lab_fini(&lab);
}

/* a retransmission is lost as well: something sent after it arrives */
static void
lost_retransmission_is_found(void **state)
{
	uint32_t ssthresh;

	open_one(state, true, true);
	fly(20, 60);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 10);
	lab_flush(&lab);
	assert_int_equal(times_sent(0), 1);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	lab_wait(&lab, RTT_US / 2);
	sack(0, 1, 20);                        /* lets new data out, after the retransmission */
	lab_flush(&lab);
	assert_true(times_sent(20) == 1 || seq_gt(peer.tcb->snd_nxt, at(20)));
	lab_wait(&lab, RTT_US);
	lab.keep = false;
	sack(0, 1, 21);
	lab_flush(&lab);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	/* RFC 5681 4.3: that is a second indication of congestion */
	assert_true(peer.tcb->cc.ssthresh_bytes < ssthresh);
	lab_fini(&lab);
}

/* 6.2 step 4: D-SACKs widen the window, once a round, at most to srtt; recoveries close it */
static void
dsacks_widen_the_window(void **state)
{
	struct rack *rack;

	open_one(state, true, false);          /* no timestamps: D-SACK alone tells */
	fly(20, 60);
	lab_wait(&lab, RTT_US);
	rack = &peer.tcb->rack;
	sack(0, 1, 4);
	lab_flush(&lab);
	lab_ack(&peer, at(20), NULL, 0);
	assert_int_equal(rack->reo_mult, 1);
	sack(20, 0, 1);
	assert_int_equal(rack->reo_mult, 2);
	assert_int_equal(counted(CTR_tcp_dsacks), 1);
	for (uint32_t i = 0; i < 50; i++)
		sack(20, 0, 1);
	assert_int_equal(rack->reo_mult, 2);
	assert_int_equal(counted(CTR_tcp_dsacks_ignored), 50);
	for (uint32_t i = 0; i < 16; i++)
		rack_recovered(rack);
	assert_int_equal(rack->reo_mult, 1);
	for (uint32_t i = 0; i < 300; i++) {
		rack->in_round = false;
		rack_spurious(peer.tcb, 0);
	}
	rack->reordering_seen = true;
	assert_true(lab.now_us - rack_due_us(lab.stack, peer.tcb) <=
	            (uint64_t)rack->rtt_us + peer.tcb->srtt_us);
	lab_fini(&lab);
}

/* what was sent at one time is told apart by its place: RACK_sent_after */
static void
only_what_was_sent_before_is_lost(void **state)
{
	open_one(state, true, true);
	fly(20, 20);
	lab_wait(&lab, RTT_US);
	sack(0, 5, 8);
	assert_int_equal(peer.tcb->board.lost_bytes, 5 * mss);
	assert_int_equal(peer.tcb->board.sacked_bytes, 3 * mss);
	lab_fini(&lab);
}

/* SACKs that lie: never sent, backwards, below, over one another */
static void
lying_sacks_lose_nothing(void **state)
{
	struct tcp_range blocks[4];

	open_one(state, true, false);
	fly(20, 20);
	lab_wait(&lab, RTT_US / 2);
	blocks[0] = (struct tcp_range){at(20), at(21)};
	blocks[1] = (struct tcp_range){at(9), at(8)};
	blocks[2] = (struct tcp_range){at(0) - 5000, at(3)};
	blocks[3] = (struct tcp_range){at(19), at(19) + (1u << 31) + 5};
	for (uint32_t i = 0; i < 20; i++)
		lab_ack(&peer, base, blocks, 4);
	assert_int_equal(peer.tcb->board.sacked_bytes, 0);
	assert_int_equal(peer.tcb->board.lost_bytes, 0);
	assert_int_equal(peer.tcb->dupack_cnt, 0);
	assert_int_equal(peer.tcb->rack.reo_mult, 1);
	lab_fini(&lab);
}

/* many flight records become coarse; nothing is lost sooner for it, and all is repaired */
static void
records_are_joined(void **state)
{
	uint32_t cnt = TCP_SENT_RECORDS_COARSE + 500;

	open_one(state, true, true);
	lab_queue(&peer, cnt * mss, 16384);
	for (uint32_t i = 1; i <= cnt; i++) {
		peer.tcb->cc.cwnd_bytes = i * mss;
		tcb_settle(lab.stack, peer.tcb);
		lab_flush(&lab);
		lab.now_us += 20;
	}
	assert_true(peer.tcb->board.cnt < TCP_SENT_RECORDS_COARSE + 20);
	assert_true(counted(CTR_tcp_records_coarse) > 400);
	lab_wait(&lab, RTT_US / 2);
	sack(0, cnt - 30, cnt);
	lab.keep = true;
	for (uint32_t una = 1; una <= cnt; una += MIN(32u, MAX(cnt - una, 1u))) {
		lab_flush(&lab);
		lab_wait(&lab, 100);
		sack(una, cnt - 30, cnt);
	}
	assert_int_equal(tcb_flight(peer.tcb), 0);
	assert_int_equal(peer.tcb->board.cnt, 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(three_above_are_enough),
		LAB_TEST(fewer_wait_for_the_window),
		LAB_TEST(reordering_is_learnt),
		LAB_TEST(lost_retransmission_is_found),
		LAB_TEST(dsacks_widen_the_window),
		LAB_TEST(only_what_was_sent_before_is_lost),
		LAB_TEST(lying_sacks_lose_nothing),
		LAB_TEST(records_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
