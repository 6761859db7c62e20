/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What port_tx_burst costs a packet of 1448 bytes, on a port of any kind that nobody has to empty:
 *
 *     port_bench SPEC [ARENA_MIB [attach|copy]]
 *
 * Packets are a header and one span of an arena that is walked from end to end; "ring" is emptied
 * in between, uncounted. Prints TSC cycles a packet: median and least of several rounds. To be
 * read beside dpdk-testpmd --forward-mode=txonly on the same vdev. */
#include "dataplane/port/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUNDS = 15,
	BURSTS = 2000,
	PAYLOAD = 1448,
	HDR_LEN = 66,
	BLOCK_LEN = 16384,
	BURST = 32,
};

static struct counters ctr;

struct bench {
	struct port *port;
	struct buf_pool *pool;
	struct buf **bufs;
	uint32_t buf_cnt;
	uint32_t at; /* next block */
	uint32_t off;
	struct pkt_out pkts[BURST];
};

static void
pkts_init(struct bench *bench)
{
	for (int i = 0; i < BURST; i++) {
		struct pkt_out *pkt = &bench->pkts[i];

		pkt->hdr_len = HDR_LEN;
		pkt->l4_off = 34;
		pkt->csum_off = 50;
		pkt->hdr[14] = 0x45;
		pkt->payload_len = PAYLOAD;
		pkt->span_cnt = 1;
	}
}

static void
pkts_next(struct bench *bench)
{
	for (int i = 0; i < BURST; i++) {
		struct span *span = &bench->pkts[i].span[0];

		if (bench->off + PAYLOAD > BLOCK_LEN) {
			bench->off = 0;
			bench->at = bench->at + 1 == bench->buf_cnt ? 0 : bench->at + 1;
		}
		span->buf = bench->bufs[bench->at];
		span->data = span->buf->data + bench->off;
		span->len = PAYLOAD;
		bench->off += PAYLOAD;
	}
}

static void
drain(struct port *port)
{
	struct pkt_in pkts[BURST_MAX];
	uint16_t cnt;

	while ((cnt = port_rx_burst(port, pkts, BURST_MAX)) > 0)
		port_rx_free(port, pkts, cnt);
}

static double
round_run(struct bench *bench)
{
	uint64_t cycles = 0;

	for (int i = 0; i < BURSTS; i++) {
		uint64_t begin;

		pkts_next(bench);
		begin = __builtin_ia32_rdtsc();
		if (port_tx_room(bench->port) >= BURST)
			port_tx_burst(bench->port, bench->pkts, BURST);
		cycles += __builtin_ia32_rdtsc() - begin;
		drain(bench->port);
	}
	return (double)cycles / BURSTS / BURST;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
bench_run(struct bench *bench, const char *spec)
{
	double rounds[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		rounds[i] = round_run(bench);
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	printf("%s arena %u MiB %s: %.0f cycles a packet (least %.0f), %.3f a byte\n", spec,
	       bench->buf_cnt / 64, bench->port->chain ? "attached" : "copied",
	       rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS / 2] / PAYLOAD);
}

static int
arena_make(struct bench *bench, uint32_t mib)
{
	uint8_t *memory = aligned_alloc(1 << 21, (size_t)mib << 20);

	bench->buf_cnt = mib * 64;
	bench->pool = buf_pool_create(memory, BLOCK_LEN, bench->buf_cnt);
	bench->bufs = calloc(bench->buf_cnt, sizeof(*bench->bufs));
	if (memory == NULL || bench->pool == NULL || bench->bufs == NULL)
		return -1;
	memset(memory, 0x5a, (size_t)mib << 20);
	for (uint32_t i = 0; i < bench->buf_cnt; i++)
		bench->bufs[i] = buf_get(bench->pool);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct bench bench;
	struct port_config config = {.mtu = 1500, .queue_cnt = 1};
	const int cpu = -1;
	struct port_error why;
	struct port_device *device;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: port_bench SPEC [ARENA_MIB [attach|copy]]\n");
		return 2;
	}
	config.spec = argv[1];
	if (port_env_init("port_bench", true, &cpu, 1, &why) < 0 ||
	    (device = port_open(&config, &why)) == NULL) {
		fprintf(stderr, "port_bench: %s\n", why.text);
		return 1;
	}
	if (arena_make(&bench, argc > 2 ? (uint32_t)atoi(argv[2]) : 1) < 0)
		return 1;
	bench.port = port_queue(device, 0, &ctr);
	if (argc > 3)
		bench.port->chain = bench.port->attach_pool != NULL && argv[3][0] == 'a';
	pkts_init(&bench);
	bench_run(&bench, config.spec);
	port_close(device);
	return 0;
}
