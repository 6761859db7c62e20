/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One lookup. */
#include "control/dht/dht_lookup.h"

#include <string.h>

void
dht_lookup_begin(struct dht_lookup *lookup, const uint8_t *target, bool announce, int64_t now_ms)
{
	memcpy(lookup->target, target, DHT_ID_LEN);
	lookup->announce = announce;
	lookup->cnt = 0;
	lookup->ask_cnt = 0;
	lookup->begun_ms = now_ms;
}

static struct dht_lookup_node *
node_find(struct dht_lookup *lookup, const struct dht_address *address)
{
	for (uint32_t i = 0; i < lookup->cnt; i++)
		if (dht_address_equal(&lookup->node[i].contact.address, address))
			return &lookup->node[i];
	return NULL;
}

static bool
host_known(const struct dht_lookup *lookup, const struct dht_address *address)
{
	for (uint32_t i = 0; i < lookup->cnt; i++)
		if (dht_address_same_host(&lookup->node[i].contact.address, address))
			return true;
	return false;
}

/* node_put inserts by distance. */
static bool
node_put(struct dht_lookup *lookup, const struct dht_lookup_node *node)
{
	uint32_t at = node->id_known ? lookup->cnt : 0;

	while (at > 0 && lookup->node[at - 1].id_known &&
	       dht_id_closer(lookup->target, node->contact.id, lookup->node[at - 1].contact.id) < 0)
		at--;
	if (at == DHT_LOOKUP_NODES)
		return false;
	bool full = lookup->cnt == DHT_LOOKUP_NODES;
	memmove(&lookup->node[at + 1], &lookup->node[at],
	        ((full ? lookup->cnt - 1 : lookup->cnt) - at) * sizeof(*node));
	lookup->node[at] = *node;
	lookup->cnt += !full;
	return true;
}

bool
dht_lookup_add(struct dht_lookup *lookup, const struct dht_contact *contact, bool id_known)
{
	struct dht_lookup_node node = {.contact = *contact, .id_known = id_known};

	if (host_known(lookup, &contact->address))
		return false;
	if (id_known)
		node.allowed = dht_id_allowed(contact->id, &contact->address);
	return node_put(lookup, &node);
}

static bool
node_counts(const struct dht_lookup *lookup, const struct dht_lookup_node *node)
{
	if (node->state != DHT_NODE_REPLIED)
		return false;
	return !lookup->announce || (node->allowed && node->token_len > 0);
}

/* Is told while walking the nodes from the closest on. */
struct walk {
	uint32_t counted;
	uint32_t waited; /* for an answer that is not late */
	uint32_t late;
};

static void
walk_step(const struct dht_lookup *lookup, const struct dht_lookup_node *node, int64_t now_ms,
          struct walk *walk)
{
	walk->counted += node_counts(lookup, node);
	if (node->state != DHT_NODE_ASKED)
		return;
	if (now_ms - node->at_ms < DHT_LOOKUP_SLOW_MS)
		walk->waited++;
	else
		walk->late++;
}

struct dht_lookup_node *
dht_lookup_next(struct dht_lookup *lookup, int64_t now_ms)
{
	struct dht_lookup_node *next = NULL;
	struct walk walk = {0};

	if (lookup->ask_cnt >= DHT_LOOKUP_ASKS_MAX || now_ms - lookup->begun_ms >= DHT_LOOKUP_MS)
		return NULL;
	for (uint32_t i = 0; i < lookup->cnt && walk.counted < DHT_BUCKET; i++) {
		struct dht_lookup_node *node = &lookup->node[i];
		walk_step(lookup, node, now_ms, &walk);
		if (next == NULL && node->state == DHT_NODE_NEW && node->at_ms <= now_ms)
			next = node;
	}
	/* Those behind the last that counts are waited for no more, but are still under way. */
	return walk.waited < DHT_LOOKUP_ALPHA ? next : NULL;
}

void
dht_lookup_asked(struct dht_lookup *lookup, struct dht_lookup_node *node, int64_t now_ms)
{
	node->state = DHT_NODE_ASKED;
	node->at_ms = now_ms;
	lookup->ask_cnt++;
}

void
dht_lookup_put_off(struct dht_lookup_node *node, int64_t until_ms)
{
	node->at_ms = until_ms;
}

void
dht_lookup_replied(struct dht_lookup *lookup, const struct dht_contact *from,
                   struct dht_span token)
{
	struct dht_lookup_node *found = node_find(lookup, &from->address);
	struct dht_lookup_node node = {
		.contact = *from,
		.state = DHT_NODE_REPLIED,
		.id_known = true,
		.allowed = dht_id_allowed(from->id, &from->address),
	};

	if (found == NULL) /* closer ones have pushed it out */
		return;
	if (token.len > 0 && token.len <= DHT_TOKEN_MAX) {
		node.token_len = (uint8_t)token.len;
		memcpy(node.token, token.bytes, token.len);
	}
	if (found->id_known && memcmp(found->contact.id, from->id, DHT_ID_LEN) == 0) {
		*found = node;
		return;
	}
	lookup->cnt--;
	memmove(found, found + 1,
	        (size_t)(lookup->node + lookup->cnt - found) * sizeof(lookup->node[0]));
	node_put(lookup, &node);
}

void
dht_lookup_failed(struct dht_lookup *lookup, const struct dht_address *address)
{
	struct dht_lookup_node *node = node_find(lookup, address);

	if (node != NULL && node->state == DHT_NODE_ASKED)
		node->state = DHT_NODE_FAILED;
}

bool
dht_lookup_done(const struct dht_lookup *lookup, int64_t now_ms)
{
	bool spent = lookup->ask_cnt >= DHT_LOOKUP_ASKS_MAX;
	struct walk walk = {0};

	if (now_ms - lookup->begun_ms >= DHT_LOOKUP_MS)
		return true;
	for (uint32_t i = 0; i < lookup->cnt && walk.counted < DHT_BUCKET; i++) {
		walk_step(lookup, &lookup->node[i], now_ms, &walk);
		if (lookup->node[i].state == DHT_NODE_NEW && !spent)
			return false;
	}
	/* What is late and closer than the last that counts may still answer, or fail soon. */
	return walk.waited == 0 && (walk.late == 0 || walk.counted == DHT_BUCKET);
}

uint32_t
dht_lookup_closest(const struct dht_lookup *lookup, const struct dht_lookup_node **out)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < lookup->cnt && cnt < DHT_BUCKET; i++)
		if (node_counts(lookup, &lookup->node[i]))
			out[cnt++] = &lookup->node[i];
	return cnt;
}
