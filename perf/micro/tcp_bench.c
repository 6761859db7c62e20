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
	OPEN_AT_ONCE = 256,
	EPOCH_US = 1 << 30,
};

/* header writes a peer's segment header; the port is taken to have verified its checksum. */
static void
header(struct bench *bench, uint32_t place, uint32_t conn, uint8_t flags)
{
	uint8_t *l4 = bench->l4[place].bytes;

	memset(l4, 0, TCP_HDR_LEN);
	tcp_put16(l4, REMOTE_PORT);
	tcp_put16(l4 + 2, LOCAL_PORT);
	l4[13] = flags;
	bench->segs[place] = (struct ip_seg){
		.l4 = l4, .l4_len = BENCH_ACK_LEN, .csum_good = true,
		.src_be = htonl(REMOTE_ADDR + conn), .dst_be = htonl(LOCAL_ADDR),
		.src_mac = {2, 0, 0, 0, 0, 2}, .dst_mac = {2, 0, 0, 0, 0, 1},
	};
}

void
bench_ack_prepare(struct bench *bench, uint32_t place, uint32_t conn, uint32_t segs)
{
	struct bench_conn *c = &bench->conns[conn];
	uint8_t *l4 = bench->l4[place].bytes;
	struct tcp_options opt = {
		.has_ts = true, .tsval = TSVAL,
		.tsecr = (uint32_t)(bench->now_us >> 10) + c->ts_offset,
	};

	c->una += MIN(segs * BENCH_MSS, c->nxt - c->una);
	header(bench, place, conn, TCP_ACK);
	tcp_put16(l4 + 14, (uint16_t)(bench->window_segs * BENCH_MSS >> WSCALE));
	tcp_put32(l4 + 4, c->irs + 1);
	tcp_put32(l4 + 8, c->una);
	l4[12] = (uint8_t)(BENCH_ACK_LEN / 4 << 4);
	dp_assert(tcp_options_build(l4 + TCP_HDR_LEN, &opt) == TCP_OPT_TS_LEN);
}

/* ---- handshakes */

static void
syn_give(struct bench *bench, uint32_t conn)
{
	struct tcp_options opt = {.has_ts = true, .tsval = TSVAL, .has_wscale = true,
	                          .wscale = WSCALE, .sack_permitted = true, .mss = 1460};
	uint8_t *l4 = bench->l4[0].bytes;

	header(bench, 0, conn, TCP_SYN);
	tcp_put16(l4 + 14, 65535);
	tcp_put32(l4 + 4, IRS);
	bench->segs[0].l4_len = TCP_HDR_LEN + tcp_options_build(l4 + TCP_HDR_LEN, &opt);
	l4[12] = (uint8_t)(bench->segs[0].l4_len / 4 << 4);
	bench_ack_give(bench, 0, 1);
}

static void
synack_note(struct bench *bench, uint32_t conn)
{
	struct bench_conn *c = &bench->conns[conn];
	struct tcp_options opt;
	const uint8_t *hdr = bench->pkts[0].hdr + bench->pkts[0].l4_off;

	c->irs = IRS;
	c->una = tcp_get32(hdr + 4) + 1;
	c->nxt = c->una;
	dp_assert(tcp_options_parse(&opt, hdr + TCP_HDR_LEN, (hdr[12] >> 4) * 4u - TCP_HDR_LEN));
	c->ts_offset = opt.tsval - (uint32_t)(bench->now_us >> 10);
}

/* open_some does the handshakes of some connections in one round trip. */
static void
open_some(struct bench *bench, uint32_t first, uint32_t end)
{
	uint32_t events;

	for (uint32_t i = first; i < end; i++) {
		syn_give(bench, i);
		dp_assert(tcp_output(bench->stack, bench->pkts, BENCH_BURST, bench->now_us) == 1);
		synack_note(bench, i);
	}
	bench->now_us += BENCH_ROUND_US;
	for (uint32_t i = first; i < end; i++) {
		bench_ack_prepare(bench, 0, i, 0);
		tcp_burst_begin(bench->stack, bench->segs, 1, bench->now_us);
		bench->conns[i].tcb = tcp_burst_next(bench->stack, &events);
		dp_assert(bench->conns[i].tcb != NULL && (events & TCP_EV_OPEN));
	}
}

/* ---- rounds */

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
	for (uint32_t round = 0; round < WARM_ROUNDS; round++) {
		for (uint32_t i = 0; i < bench->active_cnt; i++) {
			bench_ack_prepare(bench, 0, bench->active[i],
			                  MAX(bench->window_segs / 8, 2u));
			bench_ack_give(bench, 0, 1);
			bench_feed(bench, bench->active[i]);
		}
		bench_tick(bench);
	}
}

/* shuffled returns numbers below cnt in an order of no use to a prefetcher; free it. */
static uint32_t *
shuffled(uint32_t cnt)
{
	uint32_t *order = calloc(cnt, sizeof(*order));
	uint64_t state = 88172645463325252u;

	dp_assert(order != NULL);
	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t j;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		j = (uint32_t)(state % (i + 1));
		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

void
bench_init(struct bench *bench, const struct bench_shape *shape)
{
	struct tcp_config config = {
		.local = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .addr_be = htonl(LOCAL_ADDR)},
		.listen_port = LOCAL_PORT,
		.connections_max = MAX(shape->open_cnt, 16u),
		.secret = {1, 2},
		.tso_max = shape->tso_max,
		.ctr = &bench->ctr,
	};

	memset(bench, 0, sizeof(*bench));
	bench->cnt = shape->open_cnt;
	bench->active_cnt = shape->active_cnt;
	bench->active = shuffled(bench->cnt);
	bench->window_segs = shape->window_segs;
	bench->now_us = EPOCH_US;
	bench->stack = tcp_create(&config, bench->now_us);
	bench->conns = calloc(bench->cnt, sizeof(*bench->conns));
	bench->segs = calloc(shape->ack_cnt, sizeof(*bench->segs));
	bench->l4 = aligned_alloc(64, (size_t)shape->ack_cnt * sizeof(*bench->l4));
	dp_assert(bench->stack != NULL && bench->conns != NULL);
	dp_assert(bench->segs != NULL && bench->l4 != NULL);
	bench->bufs = buf_pool_create(calloc(1, BLOCK_LEN), BLOCK_LEN, 1);
	dp_assert(bench->bufs != NULL && bench->bufs->memory != NULL);
	bench->block = buf_get(bench->bufs);
	for (uint32_t i = 0; i < bench->cnt; i += OPEN_AT_ONCE)
		open_some(bench, i, MIN(i + OPEN_AT_ONCE, bench->cnt));
	warm(bench);
}

void
bench_fini(struct bench *bench)
{
	tcp_destroy(bench->stack);
	buf_put(bench->block);
	free(bench->bufs->memory);
	buf_pool_destroy(bench->bufs);
	free(bench->l4);
	free(bench->segs);
	free(bench->conns);
	free(bench->active);
}
