/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Headers out of range and options cut short, repeated or of wrong length (RFC 9293 3.1, MUST-6,
 * MUST-7): each is dropped or taken as defined, counted once, and leaves an honest transfer as it
 * was. */
#include "tests/unit/tcp_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;

static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
}

/* raw gives the stack the peer's next segment with option bytes as they are, padded to words with
 * fill; data_offset 0: the right one. Returns the events. */
static uint32_t
raw(const uint8_t *opts, uint32_t len, uint8_t fill, uint8_t data_offset)
{
	uint8_t l4[TCP_HDR_MAX + 8];
	uint32_t padded = (len + 3) & ~3u;
	struct ip_seg ip = {
		.l4 = l4, .l4_len = TCP_HDR_LEN + padded, .csum_good = true,
		.src_be = htonl(0x0a000002), .dst_be = htonl(0x0a000001),
	};

	memset(l4, fill, sizeof(l4));
	tcp_put16(l4, peer.port);
	tcp_put16(l4 + 2, LAB_PORT);
	tcp_put32(l4 + 4, peer.nxt);
	tcp_put32(l4 + 8, peer.rcv);
	l4[12] = data_offset != 0 ? (uint8_t)(data_offset << 4) :
	                            (uint8_t)((TCP_HDR_LEN + padded) / 4 << 4);
	l4[13] = TCP_ACK;
	tcp_put16(l4 + 14, peer.wnd);
	tcp_put32(l4 + 16, 0);
	if (len > 0)
		memcpy(l4 + TCP_HDR_LEN, opts, len);
	return lab_deliver(&peer, &ip);
}

/* dropped returns the sum of all counters that say a segment was dropped as malformed. */
static uint64_t
dropped(void)
{
	return lab.ctr.value[CTR_tcp_bad_header] + lab.ctr.value[CTR_tcp_bad_options] +
	       lab.ctr.value[CTR_tcp_bad_checksum];
}

/* a known option whose length byte says anything but its own */
static void
every_wrong_length_of_every_option(void **state)
{
	static const struct { uint8_t kind, right; } rows[] = {{2, 4}, {3, 3}, {4, 2}, {8, 10}};

	start(state);
	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		for (uint32_t len = 0; len < 256; len++) {
			uint8_t opts[40] = {rows[i].kind, (uint8_t)len};
			uint64_t before = lab.ctr.value[CTR_tcp_bad_options];

			memset(opts + 2, 1, sizeof(opts) - 2);
			assert_int_equal(raw(opts, sizeof(opts), 1, 0), 0);
			assert_int_equal(lab.ctr.value[CTR_tcp_bad_options] - before,
			                 len != rows[i].right);
		}
	}
	for (uint32_t len = 0; len < 256; len++) {     /* SACK: whole blocks, one to four */
		uint8_t opts[40] = {5, (uint8_t)len};
		uint64_t before = lab.ctr.value[CTR_tcp_bad_options];
		bool right = len == 10 || len == 18 || len == 26 || len == 34;

		memset(opts + 2, 1, sizeof(opts) - 2);
		raw(opts, sizeof(opts), 1, 0);
		assert_int_equal(lab.ctr.value[CTR_tcp_bad_options] - before, !right);
	}
	for (uint32_t len = 0; len < 256; len++) {     /* unknown: skipped when it fits */
		uint8_t opts[40] = {253, (uint8_t)len};
		uint64_t before = lab.ctr.value[CTR_tcp_bad_options];

		memset(opts + 2, 1, sizeof(opts) - 2);
		raw(opts, sizeof(opts), 1, 0);
		assert_int_equal(lab.ctr.value[CTR_tcp_bad_options] - before, len < 2 || len > 40);
	}
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	lab_fini(&lab);
}

/* each option, cut off by the end of the header after each of its bytes */
static void
every_prefix_of_every_option(void **state)
{
	static const uint8_t lens[] = {[2] = 4, [3] = 3, [4] = 2, [5] = 34, [8] = 10, [253] = 20};

	start(state);
	for (uint32_t kind = 2; kind < ARRAY_CNT(lens); kind++) {
		for (uint32_t cut = 1; cut < lens[kind]; cut++) {
			uint8_t opts[40];
			uint32_t at = (4 - cut % 4) % 4;       /* NOPs before: it ends the header */
			uint64_t before = lab.ctr.value[CTR_tcp_bad_options];

			memset(opts, 1, sizeof(opts));
			opts[at] = (uint8_t)kind;
			opts[at + 1] = lens[kind];
			raw(opts, at + cut, 1, 0);
			assert_int_equal(lab.ctr.value[CTR_tcp_bad_options] - before, 1);
		}
	}
	lab_fini(&lab);
}

static void
repeated_options_are_taken_as_the_last_says(void **state)
{
	struct tcp_options opt;
	static const uint8_t mss[] = {2, 4, 1, 0, 2, 4, 2, 0, 1, 2, 4, 3, 0};
	static const uint8_t ts[] = {8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4};
	static const uint8_t end[] = {2, 4, 1, 0, 0, 2, 4, 9, 9, 8, 10};
	static const uint8_t sack[] = {5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 4, 2, 5, 10, 0, 0, 0, 3, 0, 0,
	                               0, 4};

	(void)state;
	assert_true(tcp_options_parse(&opt, mss, sizeof(mss)));
	assert_int_equal(opt.mss, 0x300);
	assert_true(tcp_options_parse(&opt, ts, sizeof(ts)));
	assert_int_equal(opt.tsval, 3);
	assert_int_equal(opt.tsecr, 4);
	assert_true(tcp_options_parse(&opt, end, sizeof(end)));        /* nothing after the end */
	assert_int_equal(opt.mss, 0x100);
	assert_true(tcp_options_parse(&opt, sack, sizeof(sack)));
	assert_int_equal(opt.sack_cnt, 1);
	assert_int_equal(opt.sack[0].start, 3);
	for (uint32_t bytes = 0; bytes <= 40; bytes++) {               /* only NOPs, or nothing */
		uint8_t nops[40];

		memset(nops, 1, sizeof(nops));
		assert_true(tcp_options_parse(&opt, nops, bytes));
	}
}

static void
every_data_offset(void **state)
{
	uint8_t opts[8] = {1, 1, 1, 1, 1, 1, 1, 1};

	start(state);
	for (uint8_t offset = 1; offset < 16; offset++) {
		uint64_t before = lab.ctr.value[CTR_tcp_bad_header];

		raw(opts, sizeof(opts), 1, offset);
		assert_int_equal(lab.ctr.value[CTR_tcp_bad_header] - before,
		                 offset < 5 || offset > 7);
	}
	lab_fini(&lab);
}

/* what an honest peer and an owner do, with one hostile segment of anything before each step */
static void
transfer(void **state, uint32_t seed, bool hostile)
{
	start(state);
	for (uint32_t step = 0; step < 20; step++) {
		if (hostile) {
			uint8_t opts[40];

			for (uint32_t i = 0; i < sizeof(opts); i++) {
				seed = seed * 1664525 + 1013904223;
				opts[i] = (uint8_t)((seed >> 24) % 12);
			}
			opts[36] = 2;          /* wrong, wherever the walk comes from */
			opts[37] = 0;
			opts[38] = 0xff;
			opts[39] = 0;
			if (tcp_options_parse(&(struct tcp_options){0}, opts, sizeof(opts)))
				opts[0] = 8, opts[1] = 3;
			raw(opts, sizeof(opts), 0, 0);
		}
		lab_data(&peer, 100, 0);
		lab_queue(&peer, 3000, 1000);
		lab_flush(&lab);
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
		lab_flush(&lab);
		lab.now_us += 10000;
	}
	assert_int_equal(peer.read, 2000);
	assert_int_equal(peer.tcb->acked_bytes, 60000);
	assert_int_equal(dropped(), hostile ? 20 : 0);
}

static void
malformed_segments_leave_a_transfer_unharmed(void **state)
{
	struct tcb calm;
	struct counters ctr;

	transfer(state, 0, false);
	calm = *peer.tcb;
	ctr = lab.ctr;
	lab_fini(&lab);
	for (uint32_t seed = 1; seed <= 50; seed++) {
		transfer(state, seed, true);
		assert_int_equal(peer.tcb->snd_nxt, calm.snd_nxt);
		assert_int_equal(peer.tcb->rcv_nxt, calm.rcv_nxt);
		assert_int_equal(peer.tcb->snd_wnd, calm.snd_wnd);
		assert_int_equal(peer.tcb->cc.cwnd_bytes, calm.cc.cwnd_bytes);
		assert_int_equal(peer.tcb->srtt_us, calm.srtt_us);
		assert_int_equal(peer.tcb->ts_recent, calm.ts_recent);
		assert_int_equal(lab.ctr.value[CTR_tcp_segments_out],
		                 ctr.value[CTR_tcp_segments_out]);
		assert_int_equal(lab.ctr.value[CTR_tcp_retransmits], 0);
		lab_fini(&lab);
	}
}

/* a window that shrinks is taken, and what is beyond it is not sent (RFC 9293 3.8.6, SHLD-14) */
static void
window_that_shrinks_is_obeyed(void **state)
{
	start(state);
	lab_queue(&peer, 10000, 1000);
	assert_true(lab_flush(&lab) > 5);
	peer.wnd = 0;
	lab_ack(&peer, peer.rcv + 1448, NULL, 0);
	lab_queue(&peer, 5000, 1000);
	assert_int_equal(lab_flush(&lab), 0);
	peer.wnd = 65535;
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	assert_true(lab_flush(&lab) > 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(every_wrong_length_of_every_option),
		LAB_TEST(every_prefix_of_every_option),
		cmocka_unit_test(repeated_options_are_taken_as_the_last_says),
		LAB_TEST(every_data_offset),
		LAB_TEST(malformed_segments_leave_a_transfer_unharmed),
		LAB_TEST(window_that_shrinks_is_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
