/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* /proc/self/net/tcp, and guesses. */
#include "perf/flood_live.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

enum { TINY_MTU = 68, MTU_SPREAD = 500, WINDOW = 65535 };

void
flood_live_init(struct flood_live *live, const struct flood_options *options)
{
	memset(live, 0, sizeof(*live));
	live->options = options;
	live->random = options->seed * 2 + 1;
}

/* "SL: local:port remote:port state ...", addresses as they lie in memory, ports as numbers. */
static void
line_take(struct flood_live *live, const char *line)
{
	const struct flood_options *o = live->options;
	struct flood_tuple *tuple = &live->tuple[live->cnt];
	unsigned int local, local_port, remote, remote_port, state;

	if (sscanf(line, " %*u: %x:%x %x:%x %x", &local, &local_port, &remote, &remote_port,
		   &state) != 5)
		return;
	if (state != TCP_ESTABLISHED || remote != o->target_be ||
	    htons((uint16_t)remote_port) != o->target_port_be || live->cnt == FLOOD_LIVE_MAX - 1)
		return;
	tuple->source_be = local;
	tuple->source_port_be = htons((uint16_t)local_port);
	tuple->target_be = remote;
	tuple->target_port_be = o->target_port_be;
	live->cnt++;
}

static void
live_read(struct flood_live *live, uint64_t now_us)
{
	FILE *f = fopen("/proc/self/net/tcp", "r");
	char line[256];

	live->read_us = now_us;
	live->cnt = 0;
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		line_take(live, line);
	fclose(f);
	if (live->cnt > live->peak_cnt)
		live->peak_cnt = live->cnt;
}

static void
stranger_make(struct flood_live *live, struct flood_packet *packet)
{
	uint64_t random = flood_random(&live->random);
	struct flood_tuple tuple = {
		/* 198.18.0.0/15 is for benchmarks (RFC 2544) */
		.source_be = htonl(0xc6120000u | (uint32_t)(random & 0x1ffff)),
		.target_be = live->options->target_be,
		.source_port_be = (uint16_t)(random >> 17 | 1),
		.target_port_be = live->options->target_port_be,
	};
	struct flood_segment segment = {
		.seq = (uint32_t)(random >> 32), .flags = TH_SYN, .window = WINDOW};

	flood_packet_tcp(packet, &tuple, &segment);
}

static void
guess_make(struct flood_live *live, struct flood_packet *packet)
{
	uint64_t random = flood_random(&live->random);
	const struct flood_tuple *tuple = &live->tuple[(random >> 40) % live->cnt];
	struct flood_segment segment = {
		.seq = (uint32_t)random, .ack = (uint32_t)(random >> 20), .window = WINDOW};

	if (live->options->kind == FLOOD_ICMP) {
		flood_packet_needs_fragments(packet, tuple, tuple->source_be, segment.seq,
					     (uint16_t)(TINY_MTU + (random >> 32) % MTU_SPREAD));
		return;
	}
	segment.flags = live->options->kind == FLOOD_RST ? TH_RST : TH_SYN;
	flood_packet_tcp(packet, tuple, &segment);
}

bool
flood_live_next(struct flood_live *live, uint64_t now_us, struct flood_packet *packet)
{
	if (live->options->kind == FLOOD_SYN) {
		stranger_make(live, packet);
		return true;
	}
	if (now_us - live->read_us > FLOOD_LIVE_US)
		live_read(live, now_us);
	if (live->cnt == 0)
		return false;
	guess_make(live, packet);
	return true;
}
