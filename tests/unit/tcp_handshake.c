/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The handshake: options, the segments it accepts, its bounds. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct lab lab;
	struct lab_peer peer;
};

static struct fixture f;

static void
start(void **state, uint32_t connections_max)
{
	lab_init(&f.lab, *state, connections_max);
	lab_peer_init(&f.lab, &f.peer, 40000);
}

/* syn sends the peer's SYN and returns the answer. */
static const struct lab_seg *
syn(void)
{
	struct lab_seg seg = {
		.flags = TCP_SYN, .seq = f.peer.iss, .wnd = f.peer.wnd, .opt = f.peer.syn,
	};

	seg.opt.tsval = f.peer.tsval;
	assert_int_equal(lab_input(&f.peer, &seg), 0);
	assert_int_equal(lab_flush(&f.lab), 1);
	f.peer.irs = f.lab.out[0].seg.seq;
	f.peer.rcv = f.peer.irs + 1;
	f.peer.nxt = f.peer.iss + 1;
	f.peer.ts = f.peer.syn.has_ts;
	return &f.lab.out[0].seg;
}

static void
options_all(void **state)
{
	const struct lab_seg *synack;
	uint8_t wscale;

	start(state, 4);
	synack = syn();
	wscale = synack->opt.wscale;
	assert_int_equal(synack->flags, TCP_SYN | TCP_ACK);
	assert_int_equal(synack->ack, f.peer.iss + 1);
	assert_int_equal(synack->seq, f.lab.variant.ours);
	assert_int_equal(synack->wnd, 65535);
	assert_int_equal(synack->opt.mss, 1460);
	assert_true(synack->opt.has_wscale && synack->opt.sack_permitted && synack->opt.has_ts);
	assert_true(TCP_RCV_WND >> wscale <= 65535);
	assert_int_equal(synack->opt.tsecr, f.peer.tsval);
	assert_int_equal(lab_ack(&f.peer, f.peer.rcv, NULL, 0), TCP_EV_OPEN);
	assert_int_equal(f.peer.tcb->mss, 1448);
	assert_int_equal(f.peer.tcb->snd_wnd, 65535 << 7);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_accepted], 1);
	lab_data(&f.peer, 1448, 0);
	lab_data(&f.peer, 1448, 0);
	lab_flush(&f.lab);
	assert_int_equal(lab_only(&f.lab)->wnd << wscale, TCP_RCV_WND);
	lab_fini(&f.lab);
}

static void
options_none(void **state)
{
	const struct lab_seg *synack;

	start(state, 4);
	f.peer.syn = (struct tcp_options){0};
	synack = syn();
	assert_int_equal(synack->opt.mss, 1460);
	assert_false(synack->opt.has_wscale || synack->opt.sack_permitted || synack->opt.has_ts);
	assert_int_equal(lab_ack(&f.peer, f.peer.rcv, NULL, 0), TCP_EV_OPEN);
	assert_int_equal(f.peer.tcb->mss, 536);        /* RFC 9293 3.7.1 */
	assert_int_equal(f.peer.tcb->snd_wnd, 65535);
	lab_data(&f.peer, 1460, 0);
	lab_data(&f.peer, 1460, 0);
	lab_flush(&f.lab);
	assert_int_equal(lab_only(&f.lab)->wnd, 65535);
	lab_fini(&f.lab);
}

static void
mss_is_bounded(void **state)
{
	static const struct { uint16_t offered, used; } rows[] = {
		{1, TCP_MSS_MIN - 12}, {500, 488}, {1460, 1448}, {9000, 1448}, {65535, 1448},
	};

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		start(state, 4);
		f.peer.syn.mss = rows[i].offered;
		lab_connect(&f.peer);
		assert_int_equal(f.peer.tcb->mss, rows[i].used);
		lab_fini(&f.lab);
	}
}

static void
wscale_above_14_is_14(void **state)
{
	start(state, 4);
	f.peer.syn.wscale = 15;
	lab_connect(&f.peer);
	assert_int_equal(f.peer.tcb->snd_wscale, 14);  /* RFC 7323 2.3 */
	lab_fini(&f.lab);
}

static void
first_ack_may_carry_data_and_fin(void **state)
{
	start(state, 4);
	syn();
	assert_int_equal(lab_data(&f.peer, 68, TCP_FIN), TCP_EV_OPEN | TCP_EV_READ | TCP_EV_FIN);
	assert_int_equal(f.peer.read, 68);
	assert_int_equal(f.peer.tcb->state, TCP_CLOSE_WAIT);
	lab_fini(&f.lab);
}

static void
synack_is_sent_again_and_given_up(void **state)
{
	static const uint32_t at_s[] = {1, 3, 7, 15, 31};      /* doubling (RFC 6298 5.5) */
	uint64_t start_us;

	start(state, 4);
	start_us = f.lab.now_us;
	syn();
	for (uint32_t i = 0; i < ARRAY_CNT(at_s); i++) {
		uint64_t due_us = start_us + at_s[i] * 1000000;

		assert_int_equal(lab_wait(&f.lab, due_us - f.lab.now_us - 1000), 0);
		assert_int_equal(lab_wait(&f.lab, 5000), 1);
		assert_int_equal(f.lab.out[0].seg.flags, TCP_SYN | TCP_ACK);
		assert_int_equal(f.lab.out[0].seg.seq, f.peer.irs);
	}
	assert_int_equal(lab_wait(&f.lab, 40000000), 0);
	assert_int_equal(f.lab.stack->half_open_cnt, 0);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_timeouts], 1);
	assert_int_equal(f.lab.stack->tcbs.free_cnt, f.lab.stack->tcbs.cnt);
	lab_fini(&f.lab);
}

static void
lost_synack_means_small_start(void **state)
{
	start(state, 4);
	syn();
	assert_int_equal(lab_wait(&f.lab, 1010000), 1);
	assert_int_equal(lab_ack(&f.peer, f.peer.rcv, NULL, 0), TCP_EV_OPEN);
	assert_int_equal(f.peer.tcb->cc.cwnd_bytes, f.peer.tcb->mss);  /* RFC 5681 3.1 */
	assert_int_equal(f.peer.tcb->rto_us, 3000000);                 /* RFC 6298 5.7 */
	lab_fini(&f.lab);
}

static void
repeated_syn_gets_the_synack_again(void **state)
{
	const struct lab_seg *again;

	start(state, 4);
	syn();
	lab_input(&f.peer, &(struct lab_seg){.flags = TCP_SYN, .seq = f.peer.iss, .wnd = 100});
	lab_flush(&f.lab);
	again = lab_only(&f.lab);
	assert_int_equal(again->flags, TCP_SYN | TCP_ACK);
	assert_int_equal(again->seq, f.peer.irs);
	assert_int_equal(f.lab.stack->half_open_cnt, 1);
	lab_fini(&f.lab);
}

static void
wrong_ack_is_reset(void **state)
{
	const struct lab_seg *reset;

	start(state, 4);
	syn();
	for (int32_t off = -1; off <= 1; off += 2) {
		assert_int_equal(lab_ack(&f.peer, f.peer.irs + 1 + (uint32_t)off, NULL, 0), 0);
		lab_flush(&f.lab);
		reset = lab_only(&f.lab);
		assert_int_equal(reset->flags, TCP_RST);
		assert_int_equal(reset->seq, f.peer.irs + 1 + (uint32_t)off);
	}
	assert_int_equal(f.lab.ctr.value[CTR_tcp_bad_ack], 2);
	assert_int_equal(lab_ack(&f.peer, f.peer.irs + 1, NULL, 0), TCP_EV_OPEN);
	lab_fini(&f.lab);
}

static void
reset_ends_a_half_open_one_without_a_word(void **state)
{
	start(state, 4);
	syn();
	assert_int_equal(lab_input(&f.peer, &(struct lab_seg){.flags = TCP_RST, .seq = f.peer.nxt}), 0);
	assert_int_equal(f.lab.stack->half_open_cnt, 0);
	assert_int_equal(lab_flush(&f.lab), 0);
	lab_fini(&f.lab);
}

static void
half_open_is_bounded(void **state)
{
	uint32_t max;

	start(state, 8);
	max = f.lab.stack->half_open_max;
	assert_int_equal(max, 8);
	for (uint32_t i = 0; i < max + 3; i++) {
		f.peer.port = (uint16_t)(50000 + i);
		lab_input(&f.peer, &(struct lab_seg){.flags = TCP_SYN, .seq = i, .wnd = 100});
	}
	assert_int_equal(f.lab.stack->half_open_cnt, max);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_cookies_sent], 3);
	assert_int_equal(lab_flush(&f.lab), max + 3);
	lab_fini(&f.lab);
}

static void
connections_are_bounded(void **state)
{
	static struct lab_peer peers[3];

	lab_init(&f.lab, *state, 2);
	for (uint16_t i = 0; i < 2; i++) {
		lab_peer_init(&f.lab, &peers[i], (uint16_t)(41000 + i));
		lab_connect(&peers[i]);
	}
	lab_peer_init(&f.lab, &peers[2], 41002);
	lab_input(&peers[2], &(struct lab_seg){.flags = TCP_SYN, .wnd = 100});
	assert_int_equal(lab_flush(&f.lab), 0);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_table_full], 1);
	tcp_abort(f.lab.stack, peers[0].tcb);
	lab_flush(&f.lab);
	lab_connect(&peers[2]);
	lab_fini(&f.lab);
}

/* two half-open ones, room for one: the later ACK is refused */
static void
ack_beyond_the_bound_is_reset(void **state)
{
	static struct lab_peer others[2];

	start(state, 2);
	lab_peer_init(&f.lab, &others[0], 40001);
	lab_connect(&others[0]);
	lab_peer_init(&f.lab, &others[1], 40002);
	syn();
	lab_connect(&others[1]);
	assert_int_equal(lab_ack(&f.peer, f.peer.rcv, NULL, 0), 0);
	lab_flush(&f.lab);
	assert_int_equal(lab_only(&f.lab)->flags, TCP_RST);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_table_full], 1);
	assert_int_equal(f.lab.stack->half_open_cnt, 0);
	lab_fini(&f.lab);
}

static void
strangers_are_reset(void **state)
{
	const struct lab_seg *reset;

	start(state, 2);
	/* no such connection: <SEQ=SEG.ACK><CTL=RST> */
	lab_input(&f.peer, &(struct lab_seg){.flags = TCP_ACK, .seq = 5, .ack = 77});
	lab_flush(&f.lab);
	reset = lab_only(&f.lab);
	assert_int_equal(reset->flags, TCP_RST);
	assert_int_equal(reset->seq, 77);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_no_connection], 1);
	/* no such port: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
	lab_input(&f.peer, &(struct lab_seg){.flags = TCP_SYN, .seq = 5, .dst_port = 80});
	lab_flush(&f.lab);
	reset = lab_only(&f.lab);
	assert_int_equal(reset->flags, TCP_RST | TCP_ACK);
	assert_int_equal(reset->seq, 0);
	assert_int_equal(reset->ack, 6);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_not_listening], 1);
	/* a reset is never answered */
	lab_input(&f.peer, &(struct lab_seg){.flags = TCP_RST | TCP_ACK, .seq = 5, .ack = 77});
	lab_input(&f.peer, &(struct lab_seg){.flags = TCP_RST, .seq = 5, .dst_port = 80});
	assert_int_equal(lab_flush(&f.lab), 0);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_resets_out], 2);
	lab_fini(&f.lab);
}

static void
resets_wait_in_a_bounded_queue(void **state)
{
	start(state, 2);
	for (uint32_t i = 0; i < TCP_CONTROL_OUT_MAX + 5; i++)
		lab_input(&f.peer, &(struct lab_seg){.flags = TCP_ACK, .ack = i});
	assert_int_equal(f.lab.ctr.value[CTR_tcp_control_full], 5);
	assert_int_equal(lab_flush(&f.lab), TCP_CONTROL_OUT_MAX);
	for (uint32_t i = 0; i < TCP_CONTROL_OUT_MAX; i++)
		assert_int_equal(f.lab.out[i].seg.seq, i);
	lab_fini(&f.lab);
}

/* raw gives the stack bytes as they are. */
static void
raw(const uint8_t *l4, uint32_t len, bool csum_good)
{
	struct ip_seg ip = {.l4 = l4, .l4_len = len, .csum_good = csum_good, .src_be = 1};
	uint32_t events;

	assert_null(tcp_input(f.lab.stack, &ip, f.lab.now_us, &events));
}

static void
malformed_is_counted(void **state)
{
	uint8_t l4[60] = {0x9c, 0x40, 0x1a, 0xe1};

	start(state, 2);
	l4[12] = 0x50;
	l4[13] = TCP_ACK;
	raw(l4, 0, true);
	raw(l4, 19, true);
	l4[12] = 0x40;
	raw(l4, 20, true);
	l4[12] = 0x60;
	raw(l4, 20, true);
	l4[12] = 0x50;
	l4[1] = 0;
	l4[0] = 0;
	raw(l4, 20, true);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_bad_header], 5);
	l4[0] = 1;
	raw(l4, 20, false);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_bad_checksum], 1);
	l4[12] = 0x60;
	memcpy(l4 + 20, "\x02\x03\x05\xb4", 4);        /* MSS of a wrong length */
	raw(l4, 24, true);
	memcpy(l4 + 20, "\x01\x01\x01\x08", 4);        /* cut off after its kind */
	raw(l4, 24, true);
	memcpy(l4 + 20, "\xfe\x01\x01\x01", 4);        /* length below 2 */
	raw(l4, 24, true);
	memcpy(l4 + 20, "\x01\xfe\x04\x01", 4);        /* runs over the end */
	raw(l4, 24, true);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_bad_options], 4);
	memcpy(l4 + 20, "\xfe\x04\x01\x01", 4);        /* unknown, well formed: skipped */
	raw(l4, 24, true);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_bad_options], 4);
	assert_int_equal(f.lab.ctr.value[CTR_tcp_no_connection], 1);
	lab_fini(&f.lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(options_all),
		LAB_TEST(options_none),
		LAB_TEST(mss_is_bounded),
		LAB_TEST(wscale_above_14_is_14),
		LAB_TEST(first_ack_may_carry_data_and_fin),
		LAB_TEST(synack_is_sent_again_and_given_up),
		LAB_TEST(lost_synack_means_small_start),
		LAB_TEST(repeated_syn_gets_the_synack_again),
		LAB_TEST(wrong_ack_is_reset),
		LAB_TEST(reset_ends_a_half_open_one_without_a_word),
		LAB_TEST(half_open_is_bounded),
		LAB_TEST(connections_are_bounded),
		LAB_TEST(ack_beyond_the_bound_is_reset),
		LAB_TEST(strangers_are_reset),
		LAB_TEST(resets_wait_in_a_bounded_queue),
		LAB_TEST(malformed_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
