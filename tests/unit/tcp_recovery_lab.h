/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_recovery_lab.h starts a connection with a known flight and round trip, for the tests of loss
 * recovery: segments of it are counted from 0. */
#ifndef SPILLWAY_TESTS_UNIT_TCP_RECOVERY_LAB_H
#define SPILLWAY_TESTS_UNIT_TCP_RECOVERY_LAB_H

#include "tests/unit/tcp_lab.h"

enum { RTT_US = 100 * 1000 };

static struct lab lab;
static struct lab_peer peer;
static uint32_t mss;
static uint32_t base;          /* sequence number of segment 0 */

/* connect makes a connection, whose peer then offers what peer.syn says, with a round trip of
 * RTT_US measured over one segment, and an infinite ssthresh. */
static inline void
open_one(void **state, bool sack, bool ts)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.sack_permitted = sack;
	peer.syn.has_ts = ts;
	lab_connect(&peer);
	mss = peer.tcb->mss;
	peer.tcb->srtt_us = 0;                 /* the handshake took no time */
	lab_queue(&peer, mss, mss);
	lab_flush(&lab);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, peer.rcv + mss, NULL, 0);
	base = peer.rcv;
}

/* fly has cnt segments in flight, of queued. */
static inline void
fly(uint32_t cnt, uint32_t queued)
{
	peer.tcb->cc.cwnd_bytes = cnt * mss;
	lab_queue(&peer, queued * mss, 8 * mss);
	dp_assert(lab_flush(&lab) == cnt && tcb_flight(peer.tcb) == cnt * mss);
}

static inline uint32_t
at(uint32_t segment)
{
	return base + segment * mss;
}

/* sack acknowledges up to segment una, with a block [from, to) of segments. */
static inline void
sack(uint32_t una, uint32_t from, uint32_t to)
{
	struct tcp_range block = {at(from), at(to)};

	lab_ack(&peer, at(una), &block, 1);
}

/* sent_again returns how often a segment is among the packets that left. */
static inline uint32_t
times_sent(uint32_t segment)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < lab.out_cnt; i++)
		cnt += lab.out[i].seg.len > 0 && lab.out[i].seg.seq == at(segment);
	return cnt;
}

/* counted returns a counter. */
static inline uint64_t
counted(enum counter which)
{
	return lab.ctr.value[which];
}

/* echoing sends an ACK that echoes the time us ago. */
static inline void
echoing(uint32_t ack, uint64_t ago_us, const struct tcp_range *sacks, uint8_t cnt)
{
	struct lab_seg seg = {.flags = TCP_ACK, .seq = peer.nxt, .ack = ack, .wnd = peer.wnd};

	peer.rcv = seq_max(peer.rcv, ack);
	seg.opt.has_ts = true;
	seg.opt.tsval = peer.tsval;
	seg.opt.tsecr = (uint32_t)((lab.now_us - ago_us) >> 10) + peer.tcb->ts_offset;
	seg.opt.sack_cnt = cnt;
	for (uint8_t i = 0; i < cnt; i++)
		seg.opt.sack[i] = sacks[i];
	lab_input(&peer, &seg);
}

#endif
