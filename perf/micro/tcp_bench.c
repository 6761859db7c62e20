/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Connections to be measured. */
#include "perf/micro/tcp_bench.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_LEN = 16384,
	HEADER_LEN = 13,
	REMOTE_PORT = 40000,
	LOCAL_PORT = 6881,
	LOCAL_ADDR = 0x0a000001,
	REMOTE_ADDR = 0x0b000001,
	TSVAL = 1000,
	WSCALE = 7,
	IRS = 1000000,
	WARM_ROUNDS = 300,
	EPOCH_US = 1 << 30,
};

/* header writes a peer's segment header; the port is taken to have verified its checksum. */
static void
header(uint32_t conn, struct bench_ack *ack, uint32_t wnd, uint8_t flags)
{
	memset(ack, 0, sizeof(*ack));
	tcp_put16(ack->l4, REMOTE_PORT);
	tcp_put16(ack->l4 + 2, LOCAL_PORT);
	ack->l4[13] = flags;
	tcp_put16(ack->l4 + 14, (uint16_t)wnd);
	ack->ip = (struct ip_seg){
		.l4 = ack->l4, .l4_len = BENCH_ACK_LEN, .csum_good = true,
		.src_be = htonl(REMOTE_ADDR + conn), .dst_be = htonl(LOCAL_ADDR),
		.src_mac = {2, 0, 0, 0, 0, 2}, .dst_mac = {2, 0, 0, 0, 0, 1},
	};
}

void
bench_ack_prepare(struct bench *bench, uint32_t conn, uint32_t segs, struct bench_ack *ack)
{
	struct bench_conn *c = &bench->conns[conn];
	struct tcp_options opt = {
		.has_ts = true, .tsval = TSVAL,
		.tsecr = (uint32_t)(bench->now_us >> 10) + c->ts_offset,
	};

	c->una += MIN(segs * BENCH_MSS, c->nxt - c->una);
	header(conn, ack, bench->window_segs * BENCH_MSS >> WSCALE, TCP_ACK);
	tcp_put32(ack->l4 + 4, c->irs + 1);
	tcp_put32(ack->l4 + 8, c->una);
	ack->l4[12] = (uint8_t)(BENCH_ACK_LEN / 4 << 4);
	dp_assert(tcp_options_build(ack->l4 + TCP_HDR_LEN, &opt) == TCP_OPT_TS_LEN);
}

/* open does a handshake. */
static void
open_one(struct bench *bench, uint32_t conn)
{
	struct tcp_options opt = {.has_ts = true, .tsval = TSVAL, .has_wscale = true,
	                          .wscale = WSCALE, .sack_permitted = true, .mss = 1460};
	uint8_t l4[TCP_HDR_LEN + TCP_OPTIONS_MAX];
	struct bench_conn *c = &bench->conns[conn];
	struct bench_ack ack;
	const uint8_t *hdr;
	uint32_t events;

	header(conn, &ack, 65535, TCP_SYN);
	memcpy(l4, ack.l4, TCP_HDR_LEN);
	tcp_put32(l4 + 4, IRS);
	ack.ip.l4 = l4;
	ack.ip.l4_len = TCP_HDR_LEN + tcp_options_build(l4 + TCP_HDR_LEN, &opt);
	l4[12] = (uint8_t)(ack.ip.l4_len / 4 << 4);
	tcp_input(bench->stack, &ack.ip, bench->now_us, &events);
	dp_assert(tcp_output(bench->stack, bench->pkts, BENCH_BURST, bench->now_us) == 1);
	c->irs = IRS;
	c->una = tcp_get32(bench->pkts[0].hdr + bench->pkts[0].l4_off + 4) + 1;
	c->nxt = c->una;
	hdr = bench->pkts[0].hdr + bench->pkts[0].l4_off;
	dp_assert(tcp_options_parse(&opt, hdr + TCP_HDR_LEN, (hdr[12] >> 4) * 4u - TCP_HDR_LEN));
	c->ts_offset = opt.tsval - (uint32_t)(bench->now_us >> 10);
	bench->now_us += BENCH_ROUND_US;
	bench_ack_prepare(bench, conn, 0, &ack);
	c->tcb = tcp_input(bench->stack, &ack.ip, bench->now_us, &events);
	dp_assert(c->tcb != NULL && (events & TCP_EV_OPEN));
}

void
bench_feed(struct bench *bench, uint32_t conn)
{
	struct tcb *tcb = bench->conns[conn].tcb;
	struct frag frags[2] = {
		{.inline_len = HEADER_LEN},
		{.span = {.buf = bench->block, .data = bench->block->data, .len = BLOCK_LEN}},
	};

	/* as little as keeps the window full: entries for ten thousand are bounded */
	while (tcb_unsent(tcb) < bench->window_segs * BENCH_MSS / 2 &&
	       tcp_send_room(bench->stack, tcb) > 0) {
		buf_ref(bench->block);
		dp_assert(tcp_send(bench->stack, tcb, frags, 2) == 0);
	}
}

uint32_t
bench_noted(struct bench *bench, uint32_t cnt)
{
	uint32_t data_cnt = 0;

	for (uint32_t i = 0; i < cnt; i++) {
		const struct pkt_out *pkt = &bench->pkts[i];
		uint32_t dst_be;
		struct bench_conn *c;

		memcpy(&dst_be, pkt->hdr + ETH_HDR_LEN + 16, 4);
		c = &bench->conns[ntohl(dst_be) - REMOTE_ADDR];
		c->nxt = tcp_get32(pkt->hdr + pkt->l4_off + 4) + pkt->payload_len;
		data_cnt += pkt->payload_len > 0;
	}
	return data_cnt;
}

void
bench_tick(struct bench *bench)
{
	struct tcp_note notes[16];
	uint32_t cnt;

	bench->now_us += BENCH_ROUND_US;
	while (tcp_timers(bench->stack, bench->now_us, notes, ARRAY_CNT(notes)) > 0)
		;
	do {
		cnt = tcp_output(bench->stack, bench->pkts, BENCH_BURST, bench->now_us);
		bench_noted(bench, cnt);
	} while (cnt > 0);
}

static void
warm(struct bench *bench)
{
	struct bench_ack ack;

	for (uint32_t round = 0; round < WARM_ROUNDS; round++) {
		for (uint32_t i = 0; i < bench->cnt; i++) {
			bench_ack_prepare(bench, i, MAX(bench->window_segs / 8, 2u), &ack);
			bench_ack_give(bench, &ack);
			bench_feed(bench, i);
		}
		bench_tick(bench);
	}
}

void
bench_init(struct bench *bench, uint32_t cnt, uint32_t window_segs)
{
	struct tcp_config config = {
		.local = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .addr_be = htonl(LOCAL_ADDR)},
		.listen_port = LOCAL_PORT,
		.connections_max = MAX(cnt, 16u),
		.secret = {1, 2},
		.ctr = &bench->ctr,
	};

	memset(bench, 0, sizeof(*bench));
	bench->cnt = cnt;
	bench->window_segs = window_segs;
	bench->now_us = EPOCH_US;
	bench->stack = tcp_create(&config, bench->now_us);
	bench->conns = calloc(cnt, sizeof(*bench->conns));
	dp_assert(bench->stack != NULL && bench->conns != NULL);
	bench->bufs = buf_pool_create(calloc(1, BLOCK_LEN), BLOCK_LEN, 1);
	dp_assert(bench->bufs != NULL && bench->bufs->memory != NULL);
	bench->block = buf_get(bench->bufs);
	for (uint32_t i = 0; i < cnt; i++)
		open_one(bench, i);
	warm(bench);
}

void
bench_fini(struct bench *bench)
{
	tcp_destroy(bench->stack);
	buf_put(bench->block);
	free(bench->bufs->memory);
	buf_pool_destroy(bench->bufs);
	free(bench->conns);
}
