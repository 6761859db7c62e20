/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A binary heap of what is due, and a short list of what is held back. */
#include "perf/relay_line.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>

enum { ECN_OFFSET = 15, ECN_MASK = 3, ECN_CE = 3, IPV4_CHECKSUM_OFFSET = 24 };
#define HOLD_NS (RELAY_HOLD_MS * 1000000ull)

int
relay_pool_init(struct relay_pool *pool, uint32_t cnt)
{
	pool->packets = malloc((size_t)cnt * sizeof(*pool->packets));
	pool->free = malloc((size_t)cnt * sizeof(*pool->free));
	pool->cnt = cnt;
	if (pool->packets == NULL || pool->free == NULL) {
		relay_pool_fini(pool);
		return -1;
	}
	for (pool->free_cnt = 0; pool->free_cnt < cnt; pool->free_cnt++)
		pool->free[pool->free_cnt] = &pool->packets[cnt - 1 - pool->free_cnt];
	return 0;
}

void
relay_pool_fini(struct relay_pool *pool)
{
	free(pool->packets);
	free(pool->free);
	memset(pool, 0, sizeof(*pool));
}

struct relay_packet *
relay_pool_take(struct relay_pool *pool)
{
	return pool->free_cnt == 0 ? NULL : pool->free[--pool->free_cnt];
}

void
relay_pool_give(struct relay_pool *pool, struct relay_packet *packet)
{
	pool->free[pool->free_cnt++] = packet;
}

static bool
sooner(const struct relay_due *a, const struct relay_due *b)
{
	return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void
heap_push(struct relay_line *line, uint64_t due_ns, struct relay_packet *packet)
{
	struct relay_due added = {.due_ns = due_ns, .order = line->order++, .packet = packet};
	uint32_t i = line->heap_cnt++;

	while (i > 0 && sooner(&added, &line->heap[(i - 1) / 2])) {
		line->heap[i] = line->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	line->heap[i] = added;
}

static struct relay_due
heap_pop(struct relay_line *line)
{
	struct relay_due first = line->heap[0];
	struct relay_due last = line->heap[--line->heap_cnt];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < line->heap_cnt) {
		if (child + 1 < line->heap_cnt && sooner(&line->heap[child + 1], &line->heap[child]))
			child++;
		if (!sooner(&line->heap[child], &last))
			break;
		line->heap[i] = line->heap[child];
		i = child;
	}
	line->heap[i] = last;
	return first;
}

int
relay_line_init(struct relay_line *line, struct relay_pool *pool,
		const struct relay_path_options *options, uint64_t seed)
{
	memset(line, 0, sizeof(*line));
	relay_path_init(&line->path, options, seed);
	line->pool = pool;
	line->heap = malloc((size_t)pool->cnt * sizeof(*line->heap));
	return line->heap == NULL ? -1 : 0;
}

void
relay_line_fini(struct relay_line *line)
{
	free(line->heap);
	line->heap = NULL;
}

static uint16_t
frame_type(const struct relay_packet *packet)
{
	uint16_t type;

	if (packet->frame_bytes < ETH_HLEN + 20)
		return 0;
	memcpy(&type, packet->frame + 12, sizeof(type));
	return ntohs(type);
}

/* RFC 3168 5: ECT becomes CE. The checksum follows by RFC 1624: the word grows by what was added.
 * Returns false when the packet is not ECN-capable, or marked already. */
static bool
frame_mark(struct relay_packet *packet)
{
	uint8_t *tos = packet->frame + ECN_OFFSET;
	uint8_t ecn = *tos & ECN_MASK;
	uint32_t sum;
	uint16_t word;

	if (frame_type(packet) != ETHERTYPE_IP || ecn == 0 || ecn == ECN_CE)
		return false;
	*tos |= ECN_CE;
	memcpy(&word, packet->frame + IPV4_CHECKSUM_OFFSET, sizeof(word));
	sum = (uint32_t)ntohs(word) + 0xffffu - (uint32_t)(ECN_CE - ecn);
	word = htons((uint16_t)((sum & 0xffff) + (sum >> 16)));
	memcpy(packet->frame + IPV4_CHECKSUM_OFFSET, &word, sizeof(word));
	return true;
}

/* One more packet has passed those that are held; who has seen enough goes right behind it. */
static void
held_pass(struct relay_line *line, uint64_t due_ns)
{
	uint32_t i = 0;

	while (i < line->held_cnt) {
		struct relay_held *held = &line->held[i];

		if (--held->later_cnt > 0) {
			i++;
			continue;
		}
		heap_push(line, due_ns, held->packet);
		*held = line->held[--line->held_cnt];
	}
}

static void
held_expire(struct relay_line *line, uint64_t now_ns)
{
	uint32_t i = 0;

	while (i < line->held_cnt) {
		struct relay_held *held = &line->held[i];

		if (held->until_ns > now_ns) {
			i++;
			continue;
		}
		heap_push(line, held->until_ns, held->packet);
		*held = line->held[--line->held_cnt];
	}
}

static bool
hold(struct relay_line *line, const struct relay_fate *fate, struct relay_packet *packet)
{
	if (line->held_cnt == RELAY_HELD_MAX) {
		line->tally.not_held_cnt++;
		return false;
	}
	line->held[line->held_cnt++] = (struct relay_held){
		.until_ns = fate->due_ns + HOLD_NS,
		.later_cnt = line->path.options.reorder_packets,
		.packet = packet,
	};
	line->tally.held_cnt++;
	return true;
}

static void
duplicate(struct relay_line *line, const struct relay_fate *fate,
	  const struct relay_packet *packet)
{
	struct relay_packet *copy = relay_pool_take(line->pool);

	if (copy == NULL) {
		line->tally.no_memory_cnt++;
		return;
	}
	copy->arrival_ns = packet->arrival_ns;
	copy->frame_bytes = packet->frame_bytes;
	memcpy(copy->frame, packet->frame, packet->frame_bytes);
	heap_push(line, fate->due_ns, copy);
	line->tally.duplicated_cnt++;
}

static void
pass(struct relay_line *line, const struct relay_fate *fate, struct relay_packet *packet)
{
	if (fate->mark && frame_mark(packet))
		line->tally.marked_cnt++;
	if (fate->hold && hold(line, fate, packet))
		return;
	heap_push(line, fate->due_ns, packet);
	held_pass(line, fate->due_ns);
	if (fate->duplicate)
		duplicate(line, fate, packet);
}

void
relay_line_add(struct relay_line *line, struct relay_packet *packet)
{
	uint16_t type = frame_type(packet);
	struct relay_fate fate;

	line->tally.taken_cnt++;
	line->tally.taken_bytes += packet->frame_bytes;
	if (type != ETHERTYPE_IP && type != ETHERTYPE_IPV6) {
		heap_push(line, packet->arrival_ns + relay_path_delay_min_ns(&line->path), packet);
		return;
	}
	fate = relay_path_decide(&line->path, packet->arrival_ns, packet->frame_bytes);
	line->tally.verdict_cnt[fate.verdict]++;
	if (fate.verdict == RELAY_PASS)
		pass(line, &fate, packet);
	else
		relay_pool_give(line->pool, packet);
}

static void
late_note(struct relay_tally *tally, uint64_t late_ns)
{
	uint64_t late_us = late_ns / 1000;

	leech_hist_add(&tally->late, late_us);
	tally->late_cnt += late_us > RELAY_LATE_US;
}

uint32_t
relay_line_due(struct relay_line *line, uint64_t now_ns, struct relay_packet **packets,
	       uint32_t max)
{
	uint32_t cnt = 0;

	held_expire(line, now_ns);
	while (cnt < max && line->heap_cnt > 0 && line->heap[0].due_ns <= now_ns) {
		struct relay_due due = heap_pop(line);

		late_note(&line->tally, now_ns - due.due_ns);
		packets[cnt++] = due.packet;
	}
	return cnt;
}

uint64_t
relay_line_next_ns(const struct relay_line *line)
{
	uint64_t next_ns = line->heap_cnt > 0 ? line->heap[0].due_ns : UINT64_MAX;
	uint32_t i;

	for (i = 0; i < line->held_cnt; i++)
		if (line->held[i].until_ns < next_ns)
			next_ns = line->held[i].until_ns;
	return next_ns;
}
