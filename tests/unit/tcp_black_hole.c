/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Paths that swallow large packets without a word, and the search for what they carry:
 * RFC 4821, 8899 4.3 (black holes), 3 (a lost probe is no congestion). */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HDRS = 52, SACKS = 3 };

static struct lab lab;
static struct lab_peer peer;
static uint32_t total;
/* what the peer has beyond peer.rcv, in order */
static struct tcp_range have[64];
static uint32_t have_cnt;

static void
start(void **state, bool sack)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.sack_permitted = sack;
	peer.wnd = 4000;
	lab_connect(&peer);
	total = 0;
	have_cnt = 0;
}

/* take gives the peer a segment. */
static void
take(uint32_t seq, uint32_t end)
{
	if (seq_gt(seq, peer.rcv)) {
		assert_true(have_cnt < ARRAY_CNT(have));
		have[have_cnt++] = (struct tcp_range){seq, end};
	} else {
		peer.rcv = seq_max(peer.rcv, end);
	}
	for (uint32_t i = 0; i < have_cnt; i++) {
		if (seq_gt(have[i].start, peer.rcv))
			continue;
		peer.rcv = seq_max(peer.rcv, have[i].end);
		have[i] = have[--have_cnt];
		i = UINT32_MAX;                /* again from the first */
	}
}

static void
acknowledge(void)
{
	struct tcp_range block;

	if (have_cnt == 0) {
		lab_ack(&peer, peer.rcv, NULL, 0);
		return;
	}
	block = have[have_cnt - 1];
	for (uint32_t i = have_cnt - 1; i > 0 && have[i - 1].end == block.start; i--)
		block.start = have[i - 1].start;
	lab_ack(&peer, peer.rcv, &block, peer.tcb->sack_ok ? 1 : 0);
}

/* path carries packets of at most mtu bytes, each way in 10 ms, until len bytes more arrived or
 * limit_us is over. Returns the time taken. */
static uint64_t
path(uint32_t mtu, uint32_t len, uint64_t limit_us)
{
	static struct lab_seg segs[LAB_OUT_MAX];
	uint64_t begin_us = lab.now_us;
	uint32_t goal = peer.irs + 1 + (total += len);

	while (seq_lt(peer.rcv, goal) && lab.now_us - begin_us < limit_us) {
		uint32_t cnt;

		if (tcb_queued(peer.tcb) < 100000)
			lab_queue(&peer, 100000, 8000);
		lab_wait(&lab, 20000);
		cnt = lab.out_cnt;
		for (uint32_t i = 0; i < cnt; i++)
			segs[i] = lab.out[i].seg;
		for (uint32_t i = 0; i < cnt; i++) {
			if (segs[i].len == 0 || segs[i].len + HDRS > mtu)
				continue;
			take(segs[i].seq, segs[i].seq + segs[i].len);
			lab.keep = true;
			acknowledge();
			lab.keep = false;
		}
	}
	return lab.now_us - begin_us;
}

static void
two_timeouts_of_large_segments_step_down(void **state)
{
	start(state, true);
	lab_queue(&peer, 50000, 8000);
	lab_flush(&lab);
	lab_wait(&lab, 250000);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 0);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	lab_wait(&lab, 500000);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 1);
	assert_int_equal(peer.tcb->pmtu.mtu, 1220);
	assert_int_equal(lab.out[0].seg.len, 1220 - HDRS);
	lab_wait(&lab, 3000000);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 4);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 2);
	assert_int_equal(peer.tcb->pmtu.mtu, 576);
	lab_wait(&lab, 60000000);              /* no further down, and given up in the end */
	assert_int_equal(peer.tcb->pmtu.mtu, 576);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 2);
	lab_fini(&lab);
}

static void
small_segments_that_vanish_say_nothing(void **state)
{
	start(state, true);
	lab_queue(&peer, 1000, 1000);
	lab_flush(&lab);
	lab_wait(&lab, 30000000);
	assert_true(lab.ctr.value[CTR_tcp_rtos] > 4);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 0);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	lab_fini(&lab);
}

static void
progress_between_timeouts_says_nothing(void **state)
{
	start(state, true);
	lab_queue(&peer, 100000, 8000);
	lab_flush(&lab);
	for (uint32_t i = 0; i < 6; i++) {
		lab_wait(&lab, (uint64_t)peer.tcb->rto_us * 3 / 2);
		assert_int_equal(lab.ctr.value[CTR_tcp_rtos], i + 1);
		lab_ack(&peer, peer.rcv + 1448, NULL, 0);
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
		lab_flush(&lab);
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 0);
	lab_fini(&lab);
}

/* where such segments have arrived, losses are the likelier cause: it takes more */
static void
proven_size_is_given_up_late(void **state)
{
	start(state, true);
	path(1500, 100000, 60000000);
	assert_int_equal(peer.tcb->pmtu.arrived, 1500);
	lab_wait(&lab, 1700000);               /* some 200, 400 and 800 ms */
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 3);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	lab_wait(&lab, 1800000);
	assert_int_equal(lab.ctr.value[CTR_tcp_rtos], 4);
	assert_int_equal(peer.tcb->pmtu.mtu, 1220);
	lab_fini(&lab);
}

static void
large_segments_that_arrive_beyond_say_no(void **state)
{
	uint32_t base;

	start(state, true);
	peer.wnd = 65535;
	lab_queue(&peer, 50000, 8000);
	lab_flush(&lab);
	base = peer.rcv;
	lab_ack(&peer, base, &(struct tcp_range){base + 1448, base + 2 * 1448}, 1);
	lab_wait(&lab, 3000000);
	assert_true(lab.ctr.value[CTR_tcp_rtos] >= 3);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 0);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	lab_fini(&lab);
}

/* the whole of it, for paths of every size; with what a receiver sees, in bounded time */
static void
transfer_passes_a_black_hole(void **state)
{
	static const uint32_t mtus[] = {1499, 1492, 1450, 1400, 1280, 1220, 1000, 576};
	static const uint32_t found[] = {1492, 1492, 1400, 1400, 1280, 1220, 576, 576};

	for (uint32_t i = 0; i < ARRAY_CNT(mtus); i++) {
		uint64_t rtos;

		start(state, true);
		assert_true(path(mtus[i], 600000, 60000000) < 20000000);
		assert_int_equal(peer.tcb->pmtu.mtu, found[i]);
		assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], mtus[i] < 1220 ? 2 : 1);
		/* the search is over: nothing is lost any more */
		assert_true(lab.ctr.value[CTR_tcp_mtu_probes_lost] == TCP_PMTU_PROBES_MAX);
		rtos = lab.ctr.value[CTR_tcp_rtos];
		assert_int_equal(rtos, mtus[i] < 1220 ? 4 : 2);
		path(mtus[i], 300000, 60000000);
		assert_int_equal(lab.ctr.value[CTR_tcp_rtos], rtos);
		assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes_lost], TCP_PMTU_PROBES_MAX);
		lab_fini(&lab);
	}
}

static void
transfer_without_sack_stays_small(void **state)
{
	start(state, false);
	assert_true(path(1280, 300000, 60000000) < 20000000);
	assert_int_equal(peer.tcb->pmtu.mtu, 1220);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes], 0);
	lab_fini(&lab);
}

/* a lost probe is sent again in pieces and the window stays */
static void
lost_probe_is_no_congestion(void **state)
{
	uint32_t cwnd = 0;
	uint64_t recoveries;

	start(state, true);
	path(1280, 200000, 60000000);
	recoveries = lab.ctr.value[CTR_tcp_fast_recoveries];
	assert_int_equal(peer.tcb->pmtu.mtu, 1280);
	peer.tcb->pmtu.search_us = 0;          /* ten minutes later */
	peer.tcb->pmtu.high = 1280;
	lab.ctr.value[CTR_tcp_mtu_probes_lost] = 0;
	cwnd = peer.tcb->cc.cwnd_bytes;
	path(1280, 200000, 60000000);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes_lost], TCP_PMTU_PROBES_MAX);
	assert_int_equal(lab.ctr.value[CTR_tcp_fast_recoveries], recoveries);
	assert_true(peer.tcb->cc.cwnd_bytes >= cwnd);
	assert_int_equal(peer.tcb->phase, TCP_PHASE_OPEN);
	lab_fini(&lab);
}

/* a path that was away for a while is found whole again */
static void
outage_is_no_black_hole_for_long(void **state)
{
	start(state, true);
	path(1500, 100000, 60000000);
	path(0, 100000, 4000000);
	assert_int_equal(lab.ctr.value[CTR_tcp_black_holes], 1);
	path(1500, 600000, 60000000);
	assert_int_equal(peer.tcb->pmtu.mtu, 1500);
	assert_int_equal(lab.ctr.value[CTR_tcp_mtu_probes_lost], 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(two_timeouts_of_large_segments_step_down),
		LAB_TEST(small_segments_that_vanish_say_nothing),
		LAB_TEST(progress_between_timeouts_says_nothing),
		LAB_TEST(proven_size_is_given_up_late),
		LAB_TEST(large_segments_that_arrive_beyond_say_no),
		LAB_TEST(transfer_passes_a_black_hole),
		LAB_TEST(transfer_without_sack_stays_small),
		LAB_TEST(lost_probe_is_no_congestion),
		LAB_TEST(outage_is_no_black_hole_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
