/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A network in virtual time. */
#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

enum { PACKET_OVERHEAD = 66 };

uint32_t
net_random(struct net_rng *rng, uint32_t below)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

static bool
chance(struct net *net, uint32_t ppm)
{
	return net_random(net->rng, 1000000) < ppm;
}

static bool
before(const struct net_packet *a, const struct net_packet *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void
swap(struct net *net, uint32_t a, uint32_t b)
{
	struct net_packet *packet = net->heap[a];

	net->heap[a] = net->heap[b];
	net->heap[b] = packet;
}

static void
push(struct net *net, const struct lab_seg *seg, uint64_t at_us)
{
	struct net_packet *packet = malloc(sizeof(*packet));
	uint32_t i = net->cnt++;

	dp_assert(packet != NULL && net->cnt < NET_PACKETS_MAX && seg->len <= LAB_PAYLOAD_MAX);
	packet->at_us = at_us;
	packet->order = net->order++;
	packet->seg = *seg;
	packet->seg.data = packet->data;
	if (seg->len > 0)
		memcpy(packet->data, seg->data, seg->len);
	net->heap[i] = packet;
	for (; i > 0 && before(net->heap[i], net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(net, i, (i - 1) / 2);
}

void
net_send(struct net *net, const struct lab_seg *seg, uint64_t now_us)
{
	uint64_t wire_ns = (uint64_t)(seg->len + PACKET_OVERHEAD) * net->config.byte_ns;
	uint64_t waiting_ns = net->free_ns > now_us * 1000 ? net->free_ns - now_us * 1000 : 0;
	uint64_t at_us;

	if (chance(net, net->config.loss_ppm) ||
	    waiting_ns > (uint64_t)net->config.queue_bytes * net->config.byte_ns) {
		net->lost_cnt++;
		return;
	}
	net->free_ns = now_us * 1000 + waiting_ns + wire_ns;
	at_us = net->free_ns / 1000 + net->config.delay_us;
	if (chance(net, net->config.reorder_ppm))
		at_us += net_random(net->rng, net->config.delay_us + 1);
	push(net, seg, at_us);
	if (chance(net, net->config.dup_ppm))
		push(net, seg, at_us + net_random(net->rng, net->config.delay_us + 1));
}

uint64_t
net_next_us(const struct net *net)
{
	return net->cnt > 0 ? net->heap[0]->at_us : UINT64_MAX;
}

struct net_packet *
net_receive(struct net *net, uint64_t now_us)
{
	struct net_packet *packet = net->cnt > 0 ? net->heap[0] : NULL;
	uint32_t i = 0;

	if (packet == NULL || packet->at_us > now_us)
		return NULL;
	net->heap[0] = net->heap[--net->cnt];
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= net->cnt)
			return packet;
		if (child + 1 < net->cnt && before(net->heap[child + 1], net->heap[child]))
			child++;
		if (before(net->heap[i], net->heap[child]))
			return packet;
		swap(net, i, child);
		i = child;
	}
}

void
net_clear(struct net *net)
{
	while (net->cnt > 0)
		free(net->heap[--net->cnt]);
}
