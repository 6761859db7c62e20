/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A network in virtual time. What arrives in the order it was sent waits in a ring, and only what
 * does not in a heap. */
#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

enum {
	QUEUE_MIN_BYTES = 32 * 1514,
	HELD_MAX_US = 20000,       /* nobody overtakes: it arrives so much later */
	ECN_CE = 3,
};

/* ---- chance */

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
	return ppm > 0 && net_random(&net->rng, 1000000) < ppm;
}

static bool
is_lost(struct net *net)
{
	const struct net_burst *burst = &net->config.burst;
	const struct net_script *script = &net->config.script;

	if (script->drop_at > 0 && net->counts.sent - script->drop_at < script->drop_cnt)
		return true;
	if (burst->begin_ppm > 0 && chance(net, net->bad ? burst->end_ppm : burst->begin_ppm))
		net->bad = !net->bad;
	return chance(net, net->config.loss_ppm) || (net->bad && chance(net, burst->loss_ppm));
}

/* ---- memory */

uint32_t
net_queue_bytes(const struct net_config *config)
{
	uint64_t bytes = config->queue_bytes;

	if (bytes == 0 && config->byte_ns > 0)
		bytes = (uint64_t)config->delay_us * 2000 / config->byte_ns;
	return config->queue_bytes != 0 ? config->queue_bytes :
	                                  (uint32_t)MAX(bytes, (uint64_t)QUEUE_MIN_BYTES);
}

void
net_init(struct net *net, const struct net_config *config, uint64_t seed)
{
	memset(net, 0, sizeof(*net));
	net->config = *config;
	net->config.queue_bytes = net_queue_bytes(config);
	net->rng.state = seed;
	net->packets = malloc(NET_PACKETS_MAX * sizeof(*net->packets));
	net->free = malloc(NET_PACKETS_MAX * sizeof(*net->free));
	net->ring = malloc(NET_PACKETS_MAX * sizeof(*net->ring));
	net->heap = malloc(NET_PACKETS_MAX * sizeof(*net->heap));
	dp_assert(net->packets != NULL && net->free != NULL);
	dp_assert(net->ring != NULL && net->heap != NULL);
	for (uint32_t i = 0; i < NET_PACKETS_MAX; i++)
		net->free[i] = NET_PACKETS_MAX - 1 - i;
	net->free_cnt = NET_PACKETS_MAX;
	net->taken = NET_PACKETS_MAX;
}

void
net_fini(struct net *net)
{
	free(net->packets);
	free(net->free);
	free(net->ring);
	free(net->heap);
}

/* ---- the ring and the heap */

static bool
before(const struct net_slot *a, const struct net_slot *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void
heap_push(struct net *net, const struct net_slot *slot)
{
	uint32_t i = net->heap_cnt++;

	dp_assert(net->heap_cnt < NET_PACKETS_MAX);
	for (; i > 0 && before(slot, &net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		net->heap[i] = net->heap[(i - 1) / 2];
	net->heap[i] = *slot;
}

static void
heap_pop(struct net *net)
{
	struct net_slot last = net->heap[--net->heap_cnt];
	uint32_t i = 0;
	uint32_t child;

	while ((child = 2 * i + 1) < net->heap_cnt) {
		if (child + 1 < net->heap_cnt && before(&net->heap[child + 1], &net->heap[child]))
			child++;
		if (before(&last, &net->heap[child]))
			break;
		net->heap[i] = net->heap[child];
		i = child;
	}
	net->heap[i] = last;
}

static void
push(struct net *net, uint32_t index, uint64_t at_us)
{
	struct net_packet *packet = &net->packets[index];
	uint32_t last = (net->ring_first + net->ring_cnt - 1) % NET_PACKETS_MAX;
	struct net_slot slot;

	if (net->config.batch_us > 0)
		at_us += net->config.batch_us - 1 - (at_us - 1) % net->config.batch_us;
	packet->at_us = at_us;
	packet->order = net->order++;
	slot = (struct net_slot){at_us, packet->order, index};
	if (net->ring_cnt > 0 && before(&slot, &net->ring[last]))
		heap_push(net, &slot);
	else
		net->ring[(net->ring_first + net->ring_cnt++) % NET_PACKETS_MAX] = slot;
}

/* next_slot returns what arrives next, or NULL. */
static const struct net_slot *
next_slot(const struct net *net)
{
	const struct net_slot *ring = net->ring_cnt > 0 ? &net->ring[net->ring_first] : NULL;

	if (net->heap_cnt > 0 && (ring == NULL || before(&net->heap[0], ring)))
		return &net->heap[0];
	return ring;
}

/* ---- being overtaken */

/* hold keeps a packet back until others have passed it. Returns false when it is not to be. */
static bool
hold(struct net *net, uint32_t index, uint64_t at_us)
{
	const struct net_config *config = &net->config;
	uint32_t by = config->script.late_by;

	if (net->counts.sent != config->script.late_at) {
		if (!chance(net, config->reorder_ppm) || net->held_cnt == NET_HELD_MAX)
			return false;
		by = config->reorder_min +
		     net_random(&net->rng, config->reorder_max - config->reorder_min + 1u);
	}
	net->counts.reordered++;
	net->held[net->held_cnt++] = (struct net_held){
		.release_order = net->order + by - 1,
		.until_us = at_us + HELD_MAX_US,
		.index = index,
	};
	return true;
}

/* release lets those go that have been overtaken by what arrives at at_us and has an order below
 * this, and those that have waited long enough. */
static void
release(struct net *net, uint64_t at_us, uint64_t order)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < net->held_cnt; i++) {
		struct net_held held = net->held[i];

		if (held.release_order < order || held.until_us <= at_us)
			push(net, held.index, MIN(at_us, held.until_us));
		else
			net->held[kept++] = held;
	}
	net->held_cnt = kept;
}

/* ---- sending */

static uint32_t
copy_of(struct net *net, const struct net_packet *packet)
{
	uint32_t index;

	dp_assert(net->free_cnt > 0);
	index = net->free[--net->free_cnt];
	net->packets[index] = *packet;
	return index;
}

static void
corrupt(struct net *net, struct net_packet *packet)
{
	uint32_t bit = net_random(&net->rng, (packet->hdr_len + packet->payload_len) * 8u);

	packet->corrupt = true;
	net->counts.corrupted++;
	if (bit < packet->hdr_len * 8u)
		packet->hdr[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* queue puts a packet on the wire. Returns when it has left it, in ns; 0: the queue was full. */
static uint64_t
queue(struct net *net, const struct net_packet *packet, uint64_t now_us, bool *mark)
{
	uint32_t bytes = packet->hdr_len + packet->payload_len + NET_OVERHEAD;
	uint64_t waiting_ns = net->free_ns > now_us * 1000 ? net->free_ns - now_us * 1000 : 0;
	uint64_t byte_ns = net->config.byte_ns;

	if (waiting_ns + bytes * byte_ns > net->config.queue_bytes * byte_ns + 1514 * byte_ns)
		return 0;
	*mark = packet->ecn != 0 && net->config.mark_bytes > 0 &&
	        waiting_ns > net->config.mark_bytes * byte_ns;
	net->free_ns = now_us * 1000 + waiting_ns + bytes * byte_ns;
	return net->free_ns;
}

static uint64_t
arrival(struct net *net, uint64_t left_ns)
{
	uint64_t at_us = (left_ns + 999) / 1000 + net->config.delay_us;

	if (net->config.jitter_us > 0)
		at_us += net_random(&net->rng, net->config.jitter_us + 1);
	if (!net->config.jitter_reorders)
		at_us = MAX(at_us, net->last_us);
	net->last_us = MAX(at_us, net->last_us);
	return at_us;
}

static void
deliver(struct net *net, uint32_t index, uint64_t at_us)
{
	if (hold(net, index, at_us))
		return;
	push(net, index, at_us);
	if (net->held_cnt > 0)
		release(net, at_us, net->order);
}

void
net_send(struct net *net, const struct net_packet *packet, uint64_t now_us)
{
	bool mark = false;
	uint64_t left_ns;
	uint32_t index;

	net->counts.sent++;
	if (is_lost(net)) {
		net->counts.lost++;
		return;
	}
	left_ns = queue(net, packet, now_us, &mark);
	if (left_ns == 0) {
		net->counts.dropped++;
		return;
	}
	index = copy_of(net, packet);
	if (mark) {
		net->packets[index].ecn = ECN_CE;
		net->counts.marked++;
	}
	if (chance(net, net->config.corrupt_ppm))
		corrupt(net, &net->packets[index]);
	if (chance(net, net->config.dup_ppm)) {
		uint32_t later_us = net_random(&net->rng, net->config.delay_us + 1);

		net->counts.duplicated++;
		push(net, copy_of(net, &net->packets[index]),
		     left_ns / 1000 + net->config.delay_us + later_us);
	}
	deliver(net, index, arrival(net, left_ns));
}

/* ---- arriving */

uint64_t
net_next_us(const struct net *net)
{
	const struct net_slot *slot = next_slot(net);
	uint64_t next_us = slot != NULL ? slot->at_us : UINT64_MAX;

	for (uint32_t i = 0; i < net->held_cnt; i++)
		next_us = MIN(next_us, net->held[i].until_us);
	return next_us;
}

static const struct net_packet *
take(struct net *net)
{
	const struct net_slot *slot = next_slot(net);

	net->taken = slot->index;
	if (net->heap_cnt > 0 && slot == &net->heap[0]) {
		heap_pop(net);
	} else {
		net->ring_first = (net->ring_first + 1) % NET_PACKETS_MAX;
		net->ring_cnt--;
	}
	return &net->packets[net->taken];
}

const struct net_packet *
net_receive(struct net *net, uint64_t now_us)
{
	const struct net_slot *slot;

	if (net->taken != NET_PACKETS_MAX)
		net->free[net->free_cnt++] = net->taken;
	net->taken = NET_PACKETS_MAX;
	if (net->held_cnt > 0)
		release(net, now_us, 0);       /* nothing arrives by being looked for */
	slot = next_slot(net);
	return slot != NULL && slot->at_us <= now_us ? take(net) : NULL;
}
