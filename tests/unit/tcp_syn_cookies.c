/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* SYN cookies (RFC 4987 3.6): when they begin, what they keep, how long they are good, and what is
 * none. */
#include "dataplane/base/seq.h"
#include "dataplane/tcp/cookie.h"
#include "tests/unit/tcp_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 8, COUNTER_US = 1 << COOKIE_COUNTER_SHIFT };

static struct lab lab;
static struct lab_peer peer;
static struct lab_peer flood;

/* flood_on sends SYNs of cnt addresses, and forgets the answers. */
static void
flood_on(uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		flood.addr_be = htonl(0x0b000000 + flood.nxt++);
		lab_input(&flood, &(struct lab_seg){.flags = TCP_SYN, .seq = i, .wnd = 100});
		if (lab_flush(&lab) > 0)
			assert_int_equal(lab.out[0].seg.flags, TCP_SYN | TCP_ACK);
	}
}

static void
start(void **state)
{
	lab_init(&lab, *state, PLACES);
	lab_peer_init(&lab, &peer, 40000);
	lab_peer_init(&lab, &flood, 50000);
	flood.nxt = 1;
}

/* start_pressed fills all places of half-open connections. */
static void
start_pressed(void **state)
{
	start(state);
	flood_on(PLACES);
	assert_int_equal(lab.stack->half_open_cnt, PLACES);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 0);
}

/* syn sends the peer's SYN; the answer is in lab.out. */
static const struct lab_seg *
syn(void)
{
	struct lab_seg seg = {.flags = TCP_SYN, .seq = peer.iss, .wnd = peer.wnd, .opt = peer.syn};

	seg.opt.tsval = peer.tsval;
	peer.ts = false;
	lab_input(&peer, &seg);
	lab_flush(&lab);
	peer.ts = peer.syn.has_ts;
	peer.irs = lab_only(&lab)->seq;
	peer.rcv = peer.irs + 1;
	peer.nxt = peer.iss + 1;
	return lab_only(&lab);
}

/* back brings the cookie back in a segment with len bytes. */
static uint32_t
back(uint32_t tsecr, uint32_t len, uint8_t flags)
{
	uint8_t data[64];
	struct lab_seg seg = {
		.flags = TCP_ACK | flags, .seq = peer.nxt, .ack = peer.rcv, .wnd = peer.wnd,
		.len = len, .data = data,
		.opt = {.has_ts = peer.ts, .tsval = peer.tsval, .tsecr = tsecr},
	};

	for (uint32_t i = 0; i < len; i++)
		data[i] = lab_byte(i);
	peer.nxt += len + ((flags & TCP_FIN) != 0);
	return lab_input(&peer, &seg);
}

static void
cookie_keeps_the_options(void **state)
{
	const struct lab_seg *synack;
	uint32_t tsval;

	start_pressed(state);
	synack = syn();
	tsval = synack->opt.tsval;
	assert_int_equal(synack->flags, TCP_SYN | TCP_ACK);
	assert_int_equal(synack->ack, peer.iss + 1);
	assert_int_equal(synack->wnd, 65535);
	assert_int_equal(synack->opt.mss, 1460);
	assert_int_equal(synack->opt.tsecr, peer.tsval);
	assert_true(synack->opt.has_wscale && synack->opt.sack_permitted && synack->opt.has_ts);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 1);
	assert_int_equal(lab.stack->half_open_cnt, PLACES);    /* it took no place */
	assert_int_equal(back(tsval, 0, 0), TCP_EV_OPEN);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_accepted], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_accepted], 1);
	assert_int_equal(lab.stack->half_open_cnt, PLACES);    /* and pushed nobody out */
	assert_int_equal(peer.tcb->mss, 1448);
	assert_int_equal(peer.tcb->snd_wscale, 7);
	assert_int_equal(peer.tcb->snd_wnd, 65535 << 7);
	assert_int_equal(peer.tcb->rcv_wscale, synack->opt.wscale);
	assert_true(peer.tcb->sack_ok && peer.tcb->ts_ok);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 10 * 1448);
	assert_int_equal(peer.tcb->srtt_us, 0);                /* nothing was measured */
	lab_queue(&peer, 30000, 16384);
	assert_int_equal(lab_flush(&lab), 10);
	assert_int_equal(lab.out[0].seg.seq, peer.rcv);
	assert_true(seq_ge(lab.out[0].seg.opt.tsval, tsval));  /* RFC 7323 5.4 */
	assert_int_equal(lab_data(&peer, 100, 0), TCP_EV_READ);
	lab_fini(&lab);
}

/* RFC 3168 6.1.1: agreed to in the SYN-ACK, and remembered by its timestamp */
static void
ecn_is_kept(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct lab_seg seg = {
			.flags = TCP_SYN | TCP_ECE | TCP_CWR, .seq = peer.iss, .wnd = 100,
		};
		bool kept = i == 3;

		start_pressed(state);
		lab.stack->config.ecn = i & 1;
		peer.syn.has_ts = i & 2;
		seg.opt = peer.syn;
		seg.seq = peer.iss;
		lab_input(&peer, &seg);
		lab_flush(&lab);
		assert_int_equal(lab_only(&lab)->flags, TCP_SYN | TCP_ACK | (kept ? TCP_ECE : 0));
		peer.ts = peer.syn.has_ts;
		peer.rcv = lab_only(&lab)->seq + 1;
		peer.nxt = peer.iss + 1;
		assert_int_equal(back(lab_only(&lab)->opt.tsval, 0, 0), TCP_EV_OPEN);
		assert_int_equal(peer.tcb->ecn.ok, kept);
		lab_fini(&lab);
	}
}

static void
without_timestamps_only_the_mss(void **state)
{
	const struct lab_seg *synack;

	start_pressed(state);
	peer.syn.has_ts = false;
	peer.syn.mss = 1300;
	synack = syn();
	assert_false(synack->opt.has_wscale || synack->opt.sack_permitted || synack->opt.has_ts);
	assert_int_equal(back(0, 0, 0), TCP_EV_OPEN);
	assert_int_equal(peer.tcb->mss, 1220);                 /* rounded down */
	assert_int_equal(peer.tcb->snd_wscale, 0);
	assert_int_equal(peer.tcb->rcv_wscale, 0);
	assert_false(peer.tcb->sack_ok || peer.tcb->ts_ok);
	assert_int_equal(peer.tcb->snd_wnd, 65535);
	lab_fini(&lab);
}

static void
first_segment_may_carry_data_and_fin(void **state)
{
	uint32_t tsval;

	start_pressed(state);
	tsval = syn()->opt.tsval;
	assert_int_equal(back(tsval, 40, 0), TCP_EV_OPEN | TCP_EV_READ);
	assert_int_equal(peer.read, 40);
	lab_fini(&lab);
	start_pressed(state);
	tsval = syn()->opt.tsval;
	assert_int_equal(back(tsval, 40, TCP_FIN), TCP_EV_OPEN | TCP_EV_READ | TCP_EV_FIN);
	assert_int_equal(peer.read, 40);
	assert_int_equal(peer.tcb->state, TCP_CLOSE_WAIT);
	lab_fini(&lab);
}

/* counters of about 67 s: good in that of the SYN-ACK and the next */
static void
cookie_ages(void **state)
{
	static const struct { uint64_t at_us, later_us; bool good; } rows[] = {
		{0, 0, true}, {0, COUNTER_US - 1, true}, {0, 2 * COUNTER_US - 1, true},
		{0, 2 * COUNTER_US, false}, {COUNTER_US - 1, COUNTER_US, true},
		{COUNTER_US - 1, COUNTER_US + 1, false}, {COUNTER_US - 1, 1, true},
		{0, 4ull * COUNTER_US, false},
	};

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		uint32_t tsval;

		start(state);
		lab.now_us = ((lab.now_us >> COOKIE_COUNTER_SHIFT) + 2) << COOKIE_COUNTER_SHIFT;
		lab.now_us += rows[i].at_us;
		flood_on(PLACES);
		tsval = syn()->opt.tsval;
		lab.now_us += rows[i].later_us;
		flood_on(1);                   /* keeps cookies looked for */
		assert_int_equal(back(tsval, 0, 0), rows[i].good ? TCP_EV_OPEN : 0);
		assert_int_equal(lab.ctr.value[CTR_tcp_cookies_bad], !rows[i].good);
		lab_fini(&lab);
	}
}

static void
strays_are_reset_as_ever_when_no_cookie_is_out(void **state)
{
	start(state);
	peer.nxt = peer.iss + 1;
	lab_ack(&peer, 77, NULL, 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_connection], 1);
	flood_on(PLACES + 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 1);
	lab_ack(&peer, 77, NULL, 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST);
	assert_int_equal(lab_only(&lab)->seq, 77);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_bad], 1);
	lab.now_us += 2 * COUNTER_US;
	lab_ack(&peer, 77, NULL, 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_connection], 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_bad], 1);
	lab_fini(&lab);
}

static void
any_other_number_is_no_cookie(void **state)
{
	uint32_t tsval;
	struct lab_peer other;

	start_pressed(state);
	tsval = syn()->opt.tsval;
	other = peer;
	peer.port++;                                           /* another flow */
	assert_int_equal(back(tsval, 0, 0), 0);
	peer = other;
	peer.addr_be = htonl(0x0a000003);
	assert_int_equal(back(tsval, 0, 0), 0);
	peer = other;
	peer.nxt++;                                            /* not next to the SYN */
	assert_int_equal(back(tsval, 0, 0), 0);
	peer = other;
	for (uint32_t bit = 0; bit < 32; bit++) {              /* our number, altered */
		peer.rcv = (other.irs ^ 1u << bit) + 1;
		assert_int_equal(back(tsval, 0, 0), 0);
	}
	peer = other;
	for (uint32_t bit = 0; bit < COOKIE_TS_BITS; bit++)    /* the options, altered */
		assert_int_equal(back(tsval ^ 1u << bit, 0, 0), 0);
	peer.ts = false;                                       /* or gone */
	assert_int_equal(back(tsval, 0, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_bad], 3 + 32 + COOKIE_TS_BITS + 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_accepted], 0);
	peer = other;
	assert_int_equal(back(tsval, 0, 0), TCP_EV_OPEN);
	lab_fini(&lab);
}

/* who came before the flood keeps his place; who comes in the flood connects; and goes on */
static void
flood_keeps_no_one_out(void **state)
{
	static struct lab_peer late;
	uint32_t tsval;

	start(state);
	syn();
	lab_peer_init(&lab, &late, 40001);
	flood_on(3000);
	assert_int_equal(lab.stack->half_open_cnt, PLACES);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 3000 - PLACES + 1);
	assert_int_equal(lab_ack(&peer, peer.rcv, NULL, 0), TCP_EV_OPEN);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_accepted], 0);
	flood_on(10);
	tsval = peer.tsval;
	lab.peers = NULL;
	peer = (struct lab_peer){.lab = &lab, .port = 40002, .iss = 99, .wnd = 1000,
	                         .tsval = tsval, .syn = late.syn};
	tsval = syn()->opt.tsval;
	flood_on(1000);
	assert_int_equal(back(tsval, 20, 0), TCP_EV_OPEN | TCP_EV_READ);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_accepted], 1);
	flood_on(1000);
	assert_int_equal(lab_data(&peer, 10, 0), TCP_EV_READ);
	lab_fini(&lab);
}

static void
places_come_back_when_the_flood_ends(void **state)
{
	start_pressed(state);
	syn();
	lab_wait(&lab, 70000000);              /* none of them was completed */
	assert_int_equal(lab.stack->half_open_cnt, 0);
	assert_int_equal(lab.stack->sources.used_cnt, 0);
	peer.syn = (struct tcp_options){.has_ts = true, .mss = 1460};
	lab_connect(&peer);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 1);
	lab_fini(&lab);
}

static void
cookie_beyond_connections_max_is_reset(void **state)
{
	static struct lab_peer peers[PLACES];
	uint32_t tsval;

	start_pressed(state);
	tsval = syn()->opt.tsval;
	lab_wait(&lab, 64000000);
	for (uint16_t i = 0; i < PLACES; i++) {
		lab_peer_init(&lab, &peers[i], (uint16_t)(41000 + i));
		lab_connect(&peers[i]);
	}
	assert_int_equal(back(tsval, 0, 0), 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST);
	assert_int_equal(lab.ctr.value[CTR_tcp_table_full], 1);
	lab_fini(&lab);
}

static const uint64_t secret[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
static const struct flow_key key = {1, 2, 3, 4};

/* all that a SYN can ask for, at timestamps that wrap and that do not */
static void
every_option_comes_back(void **state)
{
	static const uint16_t mss[] = {0, 1, 88, 256, 536, 1220, 1379, 1380, 1440, 1460, 8960, 65535};
	static const uint16_t kept[] = {536, 88, 88, 256, 536, 1220, 1220, 1380, 1440, 1460, 8960,
	                                8960};
	static const uint32_t tsval[] = {0, 5, 63, 64, 1u << 31, UINT32_MAX};
	struct ip_seg ip = {0};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(mss) * 16 * 4 * ARRAY_CNT(tsval); i++) {
		uint32_t wscale = i & 15;
		struct cookie_syn in = {.irs = i * 77777777, .ecn = i & 16, .opt = {
			.has_ts = true, .has_wscale = wscale < 15, .wscale = (uint8_t)(wscale % 15),
			.sack_permitted = i & 32, .mss = mss[(i >> 6) % ARRAY_CNT(mss)]}};
		uint32_t clock = tsval[(i >> 6) / ARRAY_CNT(mss)];
		struct cookie cookie = cookie_make(secret, &key, &in, 1ull << 40, clock);
		struct tcp_seg seg = {.seq = in.irs + 1, .ack = cookie.isn + 1, .ip = &ip,
		                      .opt = {.has_ts = true, .tsval = 9, .tsecr = cookie.tsval}};
		struct cookie_syn got;

		assert_true(clock - cookie.tsval < 64);        /* behind the clock, a little */
		assert_true(cookie_open(secret, &key, &seg, 1ull << 40, &got));
		assert_int_equal(got.irs, in.irs);
		assert_int_equal(got.ecn, in.ecn);
		assert_int_equal(got.opt.has_wscale, in.opt.has_wscale);
		assert_int_equal(got.opt.wscale, in.opt.wscale);
		assert_int_equal(got.opt.sack_permitted, in.opt.sack_permitted);
		assert_int_equal(got.opt.mss, kept[(i >> 6) % ARRAY_CNT(mss)]);
		assert_int_equal(got.opt.tsval, 9);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(cookie_keeps_the_options),
		LAB_TEST(ecn_is_kept),
		LAB_TEST(without_timestamps_only_the_mss),
		LAB_TEST(first_segment_may_carry_data_and_fin),
		LAB_TEST(cookie_ages),
		LAB_TEST(strays_are_reset_as_ever_when_no_cookie_is_out),
		LAB_TEST(any_other_number_is_no_cookie),
		LAB_TEST(flood_keeps_no_one_out),
		LAB_TEST(places_come_back_when_the_flood_ends),
		LAB_TEST(cookie_beyond_connections_max_is_reset),
		cmocka_unit_test(every_option_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
