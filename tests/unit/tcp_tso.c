/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Packets that the device cuts: how long they are, what is never in them, and that what becomes of
 * one of their segments is no other's fate. That segments are what they would be without is for
 * all other tests, which run with such a device too. */
#include "tests/unit/tcp_lab_icmp.h"
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CWR = 0x80, ECE = 0x40, MSS = 1448 };

static const struct lab_variant wrapping = {
	.ours = UINT32_MAX - 3000, .theirs = UINT32_MAX - 40, .tso_max = 65535,
};

#define TSO_TEST(f)                                                                                \
	{#f, f, NULL, NULL, (void *)(uintptr_t)&lab_tso},                                          \
	{#f "_wrap", f, NULL, NULL, (void *)(uintptr_t)&wrapping}

/* start opens a connection with a measured round trip and a window of cnt segments. */
static void
start(void **state, uint32_t cnt)
{
	open_one(state, true, true);
	assert_int_equal(mss, MSS);
	peer.tcb->cc.cwnd_bytes = cnt * mss;
}

/* packet_of returns the payload of the packet that a segment left in. */
static uint32_t
packet_of(uint32_t segment)
{
	for (uint32_t i = 0; i < lab.out_cnt; i++) {
		if (lab.out[i].seg.len > 0 && lab.out[i].seg.seq == at(segment))
			return lab.out[i].packet_len;
	}
	return 0;
}

/* fly_whole has a flight of cnt segments that left in one packet, and are one record. */
static void
fly_whole(void **state, uint32_t cnt)
{
	start(state, cnt);
	lab_queue(&peer, cnt * mss, 16384);
	assert_int_equal(lab_flush(&lab), cnt);
	assert_int_equal(lab.packet_cnt, 1);
	assert_int_equal(peer.tcb->board.cnt, 1);
}

/* ---- how long */

static void
packet_holds_what_window_and_device_allow(void **state)
{
	start(state, 100);
	lab_queue(&peer, 100 * mss, 16384);
	assert_int_equal(lab_flush(&lab), 100);
	assert_int_equal(lab.packet_cnt, 3);
	assert_int_equal(packet_of(0), 45 * mss);      /* 65160: with headers just below 64 KiB */
	assert_int_equal(packet_of(45), 45 * mss);
	assert_int_equal(packet_of(90), 10 * mss);
	assert_int_equal(counted(CTR_tcp_segments_out), 100 + 2);
	assert_int_equal(counted(CTR_tcp_payload_out), 101 * mss);
	lab_fini(&lab);
}

static void
device_may_take_less(void **state)
{
	start(state, 100);
	lab.stack->config.tso_max = 4 * mss + 5;
	lab_queue(&peer, 9 * mss, 16384);
	assert_int_equal(lab_flush(&lab), 9);
	assert_int_equal(packet_of(0), 4 * mss);
	assert_int_equal(packet_of(4), 4 * mss);
	assert_int_equal(packet_of(8), mss);
	lab_fini(&lab);
}

/* full segments only, as far as the windows go; the remainder waits for them, not for the queue */
static void
windows_are_not_exceeded(void **state)
{
	start(state, 100);
	peer.wnd = (uint16_t)((7 * mss + 700) >> peer.tcb->snd_wscale);
	lab_ack(&peer, peer.rcv, NULL, 0);
	lab_queue(&peer, 20 * mss, 16384);
	assert_int_equal(lab_flush(&lab), 7);
	assert_int_equal(packet_of(0), 7 * mss);
	lab_fini(&lab);
	start(state, 5);
	peer.tcb->cc.cwnd_bytes += 700;
	lab_queue(&peer, 20 * mss, 16384);
	assert_int_equal(lab_flush(&lab), 5);
	assert_int_equal(packet_of(0), 5 * mss);
	lab_fini(&lab);
}

static void
the_end_of_the_queue_may_be_short(void **state)
{
	start(state, 100);
	lab_queue(&peer, 3 * mss + 10, 16384);
	assert_int_equal(lab_flush(&lab), 4);
	assert_int_equal(lab.packet_cnt, 1);
	assert_int_equal(lab.out[2].seg.flags, TCP_ACK);
	assert_int_equal(lab.out[3].seg.flags, TCP_ACK | TCP_PSH);
	assert_int_equal(lab.out[3].seg.len, 10);
	assert_int_equal(counted(CTR_tcp_segments_out), 4 + 2);
	lab_fini(&lab);
}

/* a millisecond of the rate; two segments when that is less */
static void
pacing_sizes_packets(void **state)
{
	static const struct {
		double bytes_per_us;
		uint32_t segments;
	} rows[] = {{5000, 45}, {40, 27}, {15, 10}, {2, 2}, {0.1, 2}, {0.02, 1}};

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		start(state, 100);
		lab.stack->config.unpaced = false;
		peer.tcb->cc.byte_time = (uint32_t)((1 << PACE_SHIFT) / rows[i].bytes_per_us);
		lab_queue(&peer, 100 * mss, 16384);
		lab_flush(&lab);
		assert_int_equal(packet_of(0), rows[i].segments * mss);
		lab_fini(&lab);
	}
}

/* each takes a packet's turn, though a quantum is less */
static void
packets_are_not_cut_short_by_turns(void **state)
{
	static struct lab_peer two[2];

	lab_init(&lab, *state, 4);
	for (uint16_t i = 0; i < 2; i++) {
		lab_peer_init(&lab, &two[i], (uint16_t)(40000 + i));
		lab_connect(&two[i]);
		two[i].tcb->cc.cwnd_bytes = 1 << 20;
	}
	for (uint32_t i = 0; i < 2; i++)
		lab_queue(&two[i], 8 * 45 * MSS, 16384);
	assert_int_equal(lab_flush(&lab), 2 * 8 * 45);
	assert_int_equal(lab.packet_cnt, 16);
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		assert_int_equal(lab.out[i].packet_len, 45 * MSS);
	lab_fini(&lab);
}

/* too many fragments for one packet: it ends with a full segment, and the next goes on there */
static void
fragments_end_a_packet_between_segments(void **state)
{
	start(state, 100);
	lab_queue(&peer, 60 * 1000, 1000);
	assert_int_equal(lab_flush(&lab), 42);
	assert_int_equal(packet_of(0), 8 * mss);       /* 12 of them: 12,000 bytes */
	for (uint32_t i = 0; i < 41; i++)
		assert_int_equal(lab.out[i].seg.len, mss);
	lab_fini(&lab);
}

/* ---- what never is in them */

static void
fin_leaves_alone(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		start(state, 100);
		lab_queue(&peer, 3 * mss + more, 16384);
		tcp_close(lab.stack, peer.tcb, lab.now_us);
		assert_int_equal(lab_flush(&lab), 3 + more);
		assert_int_equal(lab.packet_cnt, 2);
		assert_int_equal(packet_of(0), (2 + more) * mss);
		assert_int_equal(lab.out[2 + more].seg.flags, TCP_ACK | TCP_PSH | TCP_FIN);
		assert_int_equal(lab.out[2 + more].seg.len, more ? 1 : mss);
		lab_fini(&lab);
	}
}

/* RFC 3168 6.1.2: CWR once, and a device would repeat it */
static void
cwr_leaves_alone(void **state)
{
	start(state, 100);
	peer.tcb->ecn.ok = true;
	peer.tcb->ecn.cwr = true;
	lab_queue(&peer, 10 * mss, 16384);
	assert_int_equal(lab_flush(&lab), 10);
	assert_int_equal(packet_of(0), mss);
	assert_int_equal(packet_of(1), 9 * mss);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(lab.out[i].seg.flags & CWR, i == 0 ? CWR : 0);
		assert_int_equal(lab.out[i].seg.ecn, 2);
	}
	lab_fini(&lab);
}

static void
sack_blocks_leave_in_single_segments(void **state)
{
	start(state, 100);
	peer.nxt += 100;
	lab_data(&peer, 10, 0);
	lab_queue(&peer, 5 * (mss - 12), 16384);
	assert_int_equal(lab_flush(&lab), 5);
	assert_int_equal(lab.packet_cnt, 5);
	lab_fini(&lab);
}

/* RFC 8899: a probe of the path is one segment, larger than others, and stays whole */
static void
mtu_probe_stays_whole(void **state)
{
	start(state, 100);
	peer.wnd = 65535;
	lab_ack(&peer, peer.rcv, NULL, 0);
	fly(10, 200);
	peer.tcb->pmtu.arrived = 0;            /* the router is believed */
	lab_too_big(&peer, at(0), 1280);
	for (uint32_t i = 0; i < 10 && counted(CTR_tcp_mtu_probes) == 0; i++) {
		lab_wait(&lab, RTT_US);
		peer.tcb->pmtu.search_us = 0;
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
		lab_flush(&lab);
	}
	assert_int_equal(counted(CTR_tcp_mtu_probes), 1);
	assert_int_equal(lab.out[0].seg.len, 1400 - 52);
	assert_int_equal(lab.out[0].packet_len, 1400 - 52);
	assert_true(lab.packet_cnt < lab.out_cnt);
	for (uint32_t i = 1; i < lab.out_cnt; i++)
		assert_int_equal(lab.out[i].seg.len, 1280 - 52);
	lab_fini(&lab);
}

/* ---- what becomes of their segments */

static void
acknowledgement_ends_within(void **state)
{
	fly_whole(state, 10);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(3), NULL, 0);
	assert_int_equal(tcb_flight(peer.tcb), 7 * mss);
	assert_int_equal(peer.tcb->board.cnt, 1);
	assert_in_range(peer.tcb->rack.rtt_us, RTT_US, RTT_US + 100);
	lab_fini(&lab);
}

/* the hole is sent again, segment by segment; what came before and after it is not */
static void
hole_in_the_middle_is_all_that_is_lost(void **state)
{
	fly_whole(state, 20);
	lab_queue(&peer, 40 * mss, 16384);
	lab_wait(&lab, RTT_US);
	sack(4, 6, 20);
	assert_int_equal(peer.tcb->board.lost_bytes, 2 * mss);
	assert_int_equal(peer.tcb->board.sacked_bytes, 14 * mss);
	lab_flush(&lab);
	assert_int_equal(times_sent(4), 1);
	assert_int_equal(times_sent(5), 1);
	assert_int_equal(packet_of(4), mss);
	assert_int_equal(packet_of(5), mss);
	assert_int_equal(times_sent(3) + times_sent(6), 0);
	assert_int_equal(counted(CTR_tcp_retransmits), 2);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(20), NULL, 0);
	assert_int_equal(peer.tcb->board.lost_bytes, 0);
	lab_fini(&lab);
}

/* what was delivered, and since when, is as if each segment had a record of its own */
static void
delivery_is_measured_by_segments(void **state)
{
	uint32_t delivered;

	fly_whole(state, 10);
	delivered = peer.tcb->board.rate.delivered_bytes;
	lab_wait(&lab, RTT_US);
	sack(0, 2, 5);
	assert_int_equal(peer.tcb->board.rate.delivered_bytes - delivered, 3 * mss);
	assert_int_equal(peer.tcb->board.rate.sample_bytes, 3 * mss);
	lab_ack(&peer, at(10), NULL, 0);
	assert_int_equal(peer.tcb->board.rate.delivered_bytes - delivered, 10 * mss);
	assert_int_equal(peer.tcb->board.rate.sample_bytes, 10 * mss);
	assert_in_range(peer.tcb->board.rate.sample_us, RTT_US, RTT_US + 100);
	lab_fini(&lab);
}

/* RFC 8985 7.3 */
static void
tail_alone_is_the_probe(void **state)
{
	fly_whole(state, 10);
	assert_int_equal(lab_wait(&lab, 2 * RTT_US + 1000), 1);
	assert_int_equal(times_sent(9), 1);
	assert_int_equal(packet_of(9), mss);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 1);
	lab_wait(&lab, RTT_US);
	sack(0, 9, 10);                        /* the probe alone arrived: the rest is lost */
	lab_wait(&lab, RTT_US / 2);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	lab_fini(&lab);
}

/* RFC 6298 5.4: the earliest segment, not all that left with it */
static void
timeout_sends_one_segment(void **state)
{
	fly_whole(state, 10);
	lab_wait(&lab, 2 * RTT_US + 1000);
	assert_int_equal(lab_wait(&lab, peer.tcb->rto_us + 1000), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(packet_of(0), mss);
	lab_ack(&peer, at(1), NULL, 0);
	lab_flush(&lab);
	assert_true(times_sent(1) == 1 && packet_of(1) == mss);
	assert_int_equal(counted(CTR_tcp_undo_frto) + counted(CTR_tcp_undo_eifel), 0);
	lab_fini(&lab);
}

/* RFC 3522: what was late, not lost, is taken back; it was one segment of a packet */
static void
late_segment_is_undone(void **state)
{
	struct tcp_range block;
	uint32_t cwnd;

	fly_whole(state, 10);
	block = (struct tcp_range){at(5), at(10)};
	cwnd = peer.tcb->cc.cwnd_bytes;
	lab_wait(&lab, RTT_US);
	sack(4, 5, 10);
	lab_flush(&lab);
	assert_int_equal(times_sent(4), 1);
	assert_true(peer.tcb->cc.ssthresh_bytes < cwnd);
	lab_wait(&lab, 5000);
	echoing(at(10), RTT_US + 5000, &block, 0);
	assert_int_equal(counted(CTR_tcp_undo_eifel), 1);
	assert_true(peer.tcb->cc.cwnd_bytes >= cwnd);
	lab_fini(&lab);
}

/* RFC 1191: what is too long is sent again, cut, and what follows is cut so too */
static void
told_size_is_what_the_device_cuts_to(void **state)
{
	uint32_t small = 1280 - 52;

	fly_whole(state, 10);
	lab_queue(&peer, 100 * mss, 16384);
	peer.tcb->pmtu.arrived = 0;            /* the router is believed */
	lab_too_big(&peer, at(0), 1280);
	lab_flush(&lab);
	assert_true(lab.out_cnt >= 10);
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		assert_true(lab.out[i].seg.len <= small && lab.out[i].packet_len <= small);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	lab_flush(&lab);
	assert_true(lab.packet_cnt < lab.out_cnt / 2);
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		assert_int_equal(lab.out[i].seg.len, small);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TSO_TEST(packet_holds_what_window_and_device_allow),
		TSO_TEST(device_may_take_less),
		TSO_TEST(windows_are_not_exceeded),
		TSO_TEST(the_end_of_the_queue_may_be_short),
		TSO_TEST(pacing_sizes_packets),
		TSO_TEST(packets_are_not_cut_short_by_turns),
		TSO_TEST(fragments_end_a_packet_between_segments),
		TSO_TEST(fin_leaves_alone),
		TSO_TEST(cwr_leaves_alone),
		TSO_TEST(sack_blocks_leave_in_single_segments),
		TSO_TEST(mtu_probe_stays_whole),
		TSO_TEST(acknowledgement_ends_within),
		TSO_TEST(hole_in_the_middle_is_all_that_is_lost),
		TSO_TEST(delivery_is_measured_by_segments),
		TSO_TEST(tail_alone_is_the_probe),
		TSO_TEST(timeout_sends_one_segment),
		TSO_TEST(late_segment_is_undone),
		TSO_TEST(told_size_is_what_the_device_cuts_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
