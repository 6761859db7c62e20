/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Tail loss probes: RFC 8985 7. */
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* 7.2, 7.3: after two round trips the last segment again, well before the timeout */
static void
silence_is_probed_with_the_last_segment(void **state)
{
	open_one(state, true, true);
	fly(5, 5);
	assert_int_equal(lab_wait(&lab, 2 * RTT_US - 1000), 0);
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_int_equal(times_sent(4), 1);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	/* one at a time; the timeout begins anew with the probe */
	assert_int_equal(lab_wait(&lab, peer.tcb->rto_us - 5000), 0);
	assert_int_equal(lab_wait(&lab, 10000), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	assert_false(peer.tcb->tlp.out);
	lab_fini(&lab);
}

/* 7.3: new data if there is some, whatever the congestion window */
static void
new_data_is_the_better_probe(void **state)
{
	open_one(state, true, true);
	fly(5, 9);
	assert_int_equal(lab_wait(&lab, 2 * RTT_US + 1000), 1);
	assert_int_equal(times_sent(5), 1);
	assert_int_equal(counted(CTR_tcp_retransmits), 0);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(6), NULL, 0);
	assert_false(peer.tcb->tlp.out);
	assert_int_equal(counted(CTR_tcp_tlp_repaired), 0);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 0);
	lab_fini(&lab);
}

/* 7.2: one segment may wait for a delayed ACK */
static void
a_single_segment_waits_longer(void **state)
{
	open_one(state, true, true);
	peer.tcb->rto_us = 900 * 1000;
	fly(1, 1);
	assert_int_equal(lab_wait(&lab, 2 * RTT_US + TCP_PTO_DELACK_US - 1000), 0);
	assert_int_equal(lab_wait(&lab, 2000), 1);
	assert_int_equal(times_sent(0), 1);
	lab_fini(&lab);
}

/* the probe shows that others before it are lost: RACK, no timeout */
static void
probe_reveals_a_lost_tail(void **state)
{
	open_one(state, true, true);
	fly(5, 5);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(2), NULL, 0);        /* 2, 3, 4 are lost */
	lab_wait(&lab, 2 * RTT_US + 2000);
	assert_int_equal(times_sent(4), 1);
	lab_wait(&lab, RTT_US);
	sack(2, 4, 5);
	lab_flush(&lab);
	lab.keep = true;
	lab_wait(&lab, RTT_US / 2);
	assert_int_equal(times_sent(2), 1);
	lab_ack(&peer, at(3), NULL, 0);
	lab_flush(&lab);
	assert_int_equal(times_sent(3), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	lab_fini(&lab);
}

/* 7.4.2 case 2: only the probe came, so the last segment had been lost: the window answers */
static void
repair_by_the_probe_is_congestion(void **state)
{
	uint32_t ssthresh;

	open_one(state, true, true);
	fly(10, 10);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(9), NULL, 0);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	lab_wait(&lab, 4 * RTT_US);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 1);
	lab_ack(&peer, at(10), NULL, 0);
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, ssthresh);       /* not known yet */
	lab_queue(&peer, 2 * mss, mss);
	lab_flush(&lab);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(12), NULL, 0);
	assert_true(peer.tcb->cc.ssthresh_bytes < ssthresh);
	assert_int_equal(counted(CTR_tcp_tlp_repaired), 1);
	assert_false(peer.tcb->tlp.out);
	lab_fini(&lab);
}

static void
probe_both_ways(void **state, bool dsack)
{
	struct tcp_range block;
	uint32_t ssthresh;

	open_one(state, true, true);
	fly(10, 10);
	ssthresh = peer.tcb->cc.ssthresh_bytes;
	lab_wait(&lab, 2 * RTT_US + 1000);
	assert_true(peer.tcb->tlp.out && peer.tcb->tlp.again);
	lab_ack(&peer, at(10), NULL, 0);       /* the ACKs were late */
	block = (struct tcp_range){at(9), at(10)};
	lab_ack(&peer, at(10), &block, dsack ? 1 : 0);
	assert_false(peer.tcb->tlp.out);
	lab_queue(&peer, 2 * mss, mss);
	lab_flush(&lab);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(12), NULL, 0);
	assert_int_equal(peer.tcb->cc.ssthresh_bytes, ssthresh);
	assert_int_equal(counted(CTR_tcp_tlp_repaired), 0);
	assert_int_equal(peer.tcb->rack.reo_mult, 1);
	lab_fini(&lab);
}

/* 7.4.2 case 1, 3: both came */
static void
needless_probe_is_known_by_its_dsack(void **state)
{
	probe_both_ways(state, true);
}

static void
needless_probe_is_known_by_a_duplicate_ack(void **state)
{
	probe_both_ways(state, false);
}

/* 7.2: not without SACK, and not while something is SACKed */
static void
no_probe_without_sack_or_in_disorder(void **state)
{
	open_one(state, false, true);
	fly(5, 5);
	lab_wait(&lab, 2 * RTT_US + 1000);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 0);
	lab_fini(&lab);
	open_one(state, true, true);
	peer.tcb->rack.reordering_seen = true;
	fly(5, 5);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 2);
	lab_wait(&lab, 2 * RTT_US + 1000);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 0);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	lab_fini(&lab);
}

/* with a tiny round trip nothing stalls, and nothing is sent in a storm */
static void
tiny_round_trips_are_probed_calmly(void **state)
{
	open_one(state, true, true);
	peer.tcb->srtt_us = 40;
	peer.tcb->min_rtt = (struct min_rtt){.since_us = lab.now_us, .now_us = 30, .before_us = 30};
	fly(4, 4);
	assert_int_equal(lab_wait(&lab, TCP_PTO_MIN_US - 200), 0);
	assert_int_equal(lab_wait(&lab, 400), 1);
	sack(0, 3, 4);
	assert_true(lab_wait(&lab, TCP_REO_MIN_US + 500) >= 1);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	lab_fini(&lab);
}

/* recovery hears nothing: its first segment once more, once, then the timeout */
static void
silent_recovery_is_probed_once(void **state)
{
	open_one(state, true, true);
	fly(6, 6);
	lab_wait(&lab, RTT_US);
	sack(0, 1, 6);
	lab_flush(&lab);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_FAST);
	lab_wait(&lab, 3 * RTT_US + 2000);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(counted(CTR_tcp_tlp_again), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	lab_wait(&lab, peer.tcb->rto_us + 10000ull);
	assert_int_equal(counted(CTR_tcp_tlp_again), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	lab_fini(&lab);
}

/* no flight record is free: the probe is the last segment, and a peer that is gone is given up */
static void
without_a_record_silence_ends(void **state)
{
	struct pool *records;
	struct sent *taken = NULL;
	struct sent *sent;

	open_one(state, true, true);
	fly(5, 9);
	records = &lab.stack->records;
	while ((sent = pool_get(records)) != NULL) {
		sent->next = taken;
		taken = sent;
	}
	assert_int_equal(lab_wait(&lab, 2 * RTT_US + 1000), 1);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 1);
	assert_int_equal(counted(CTR_tcp_retransmits), 1);
	lab_wait(&lab, 1200ull * 1000 * 1000);
	assert_null(peer.tcb);
	assert_int_equal(counted(CTR_tcp_timeouts), 1);
	while ((sent = taken) != NULL) {
		taken = sent->next;
		pool_put(records, sent);
	}
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(silence_is_probed_with_the_last_segment),
		LAB_TEST(new_data_is_the_better_probe),
		LAB_TEST(a_single_segment_waits_longer),
		LAB_TEST(probe_reveals_a_lost_tail),
		LAB_TEST(repair_by_the_probe_is_congestion),
		LAB_TEST(needless_probe_is_known_by_its_dsack),
		LAB_TEST(needless_probe_is_known_by_a_duplicate_ack),
		LAB_TEST(no_probe_without_sack_or_in_disorder),
		LAB_TEST(tiny_round_trips_are_probed_calmly),
		LAB_TEST(silent_recovery_is_probed_once),
		LAB_TEST(without_a_record_silence_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
