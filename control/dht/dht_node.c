/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A DHT node's life and upkeep. */
#include "control/dht/dht_node_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALLS_MIN = 256,
	CALLS_PER_LOOKUP = 8,
	HOST_ROWS = 2048,
	PINGS_PER_TURN = 4,
	PUT_OFF_MAX = 8, /* of a tick: more lookups would only wait for the same hosts */
	SELF_FIRST_MS = 5 * 1000,      /* between looks for our own place: while few nodes are known */
	SELF_MOST_MS = 15 * 60 * 1000, /* then doubled up to this */
};

const char *const dht_counter_names[DHT_CTR_CNT] = {
#define DHT_COUNTER_NAME(name, text) [DHT_CTR_##name] = #name,
	DHT_COUNTERS(DHT_COUNTER_NAME)
#undef DHT_COUNTER_NAME
};

const char *const dht_counter_texts[DHT_CTR_CNT] = {
#define DHT_COUNTER_TEXT(name, text) [DHT_CTR_##name] = text,
	DHT_COUNTERS(DHT_COUNTER_TEXT)
#undef DHT_COUNTER_TEXT
};

static void
rates_begin(struct dht_node *node, int64_t now_ms)
{
	int64_t packets = node->env.rate;
	int64_t bytes = packets * DHT_BYTES_PER_PACKET;
	/* A fifth of a second at once; never less than one packet of the longest. */
	int64_t burst = packets / 5 + 8;
	int64_t bytes_burst = bytes / 5 + 2 * DHT_PACKET_MAX;

	dht_rate_begin(&node->ask_packets, packets, burst, now_ms);
	dht_rate_begin(&node->ask_bytes, bytes, bytes_burst, now_ms);
	dht_rate_begin(&node->answer_packets, packets, burst, now_ms);
	dht_rate_begin(&node->answer_bytes, bytes, bytes_burst, now_ms);
}

static int
hosts_create(struct dht_node *node)
{
	struct dht_hosts_limit asked = {
		.per_s = node->env.ask_per_s, .burst = DHT_ASK_BURST, .rows = HOST_ROWS};
	struct dht_hosts_limit asking = {
		.per_s = DHT_ANSWER_PER_S, .burst = DHT_ANSWER_BURST, .rows = HOST_ROWS};
	int err = dht_hosts_create(&node->asked, &asked, dht_random_next(&node->random));

	if (err == 0)
		err = dht_hosts_create(&node->asking, &asking, dht_random_next(&node->random));
	return err;
}

static int
parts_create(struct dht_node *node, int64_t now_ms)
{
	uint32_t calls_max = CALLS_MIN + node->env.lookups_max * CALLS_PER_LOOKUP;
	int err = dht_table_create(&node->table, node->id, now_ms);

	if (err == 0)
		err = dht_cache_create(&node->cache, node->env.cache_bits);
	if (err == 0)
		err = dht_store_create(&node->store, dht_random_next(&node->random));
	if (err == 0)
		err = dht_calls_create(&node->calls, calls_max);
	if (err == 0)
		err = hosts_create(node);
	if (err == 0)
		err = dht_token_create(&node->token, &node->random, now_ms);
	node->task = calloc(node->env.lookups_max, sizeof(*node->task));
	node->out = calloc(DHT_OUT_MAX, sizeof(*node->out));
	return err != 0 || node->task == NULL || node->out == NULL ? -ENOMEM : 0;
}

int
dht_node_create(struct dht_node **node, const struct dht_node_env *env, int64_t now_ms)
{
	static const uint8_t none[DHT_ID_LEN];
	struct dht_node *n = calloc(1, sizeof(*n));

	*node = n;
	if (n == NULL)
		return -ENOMEM;
	n->env = *env;
	n->random.seed = env->seed;
	n->read_only = env->read_only;
	if (dht_address_scope(&env->own) == DHT_SCOPE_GLOBAL) {
		n->external = env->own;
		n->external.port = 0;
	}
	memcpy(n->id, env->id, DHT_ID_LEN);
	if (memcmp(n->id, none, DHT_ID_LEN) == 0 || !dht_id_allowed(n->id, &n->external))
		dht_id_make(n->id, &n->external, &n->random);
	rates_begin(n, now_ms);
	dht_vote_begin(&n->vote, now_ms);
	dht_reach_begin(&n->reach, now_ms);
	n->tick_ms = n->upkeep_ms = n->self_ms = now_ms;
	int err = parts_create(n, now_ms);
	if (err == 0)
		return 0;
	dht_node_destroy(n);
	*node = NULL;
	return err;
}

void
dht_node_destroy(struct dht_node *node)
{
	if (node == NULL)
		return;
	dht_table_destroy(node->table);
	dht_cache_destroy(node->cache);
	dht_store_destroy(node->store);
	dht_calls_destroy(node->calls);
	dht_hosts_destroy(node->asked);
	dht_hosts_destroy(node->asking);
	dht_token_destroy(&node->token);
	free(node->task);
	free(node->out);
	free(node);
}

void
dht_node_pair(struct dht_node *node, struct dht_node *other)
{
	assert(other == NULL || other->env.own.ip_len != node->env.own.ip_len);
	if (node->other != NULL)
		node->other->other = NULL;
	node->other = other;
	if (other != NULL)
		other->other = node;
}

bool
node_ours(const struct dht_node *node, const struct dht_address *address)
{
	struct dht_address external = node->external;

	external.port = node->env.own.port;
	return dht_address_equal(address, &node->env.own) || dht_address_equal(address, &external);
}

void
dht_node_hint(struct dht_node *node, const struct dht_address *address, int64_t now_ms)
{
	struct dht_contact contact = {.address = *address};

	if (address->ip_len == node->env.own.ip_len && address->port != 0 &&
	    dht_address_scope(address) != DHT_SCOPE_NONE && !node_ours(node, address))
		node_find(node, &contact, now_ms);
}

bool
dht_node_alone(const struct dht_node *node, int64_t now_ms)
{
	struct dht_contact near[DHT_BUCKET];

	return dht_table_closest(node->table, node->id, true, near, now_ms) == 0;
}

bool
dht_node_ready(struct dht_node *node, int64_t now_ms)
{
	/* The last one free is for upkeep. */
	return node->placed && node->task_cnt + node->done_cnt + 1 < node->env.lookups_max &&
	       node->put_off_last + node->put_off_cnt < PUT_OFF_MAX &&
	       dht_rate_has(&node->ask_packets, DHT_BUCKET, now_ms) && !dht_calls_full(node->calls);
}

/* ---- Upkeep. */

static void
calls_expire(struct dht_node *node, int64_t now_ms)
{
	struct dht_call call;

	while (dht_calls_expired(node->calls, now_ms, &call)) {
		node->counter[DHT_CTR_timeouts]++;
		dht_table_failed(node->table, &call.contact.address, now_ms);
		dht_cache_drop(node->cache, &call.contact);
		node_task_failed(node, &call, now_ms);
	}
}

/* self_look looks for our own place, often at first. */
static void
self_look(struct dht_node *node, int64_t now_ms)
{
	if (now_ms < node->self_ms || dht_node_alone(node, now_ms) ||
	    !node_lookup(node, node->id, true, now_ms))
		return;
	bool few = dht_table_count(node->table, now_ms).good <= DHT_BUCKET;
	node->self_wait_ms =
		few || node->self_wait_ms == 0 ? SELF_FIRST_MS : 2 * node->self_wait_ms;
	if (node->self_wait_ms > SELF_MOST_MS)
		node->self_wait_ms = SELF_MOST_MS;
	node->self_ms = now_ms + node->self_wait_ms;
}

static void
upkeep(struct dht_node *node, int64_t now_ms)
{
	struct dht_contact contact;
	uint8_t target[DHT_ID_LEN];
	unsigned bits;

	dht_token_turn(&node->token, &node->random, now_ms);
	dht_store_expire(node->store, now_ms);
	for (int i = 0; i < PINGS_PER_TURN; i++)
		if (dht_table_ping_due(node->table, &contact, now_ms))
			node_ping(node, &contact, now_ms);
	if (dht_table_refresh_due(node->table, &bits, now_ms)) {
		dht_id_share(target, node->id, bits, &node->random);
		node_lookup(node, target, false, now_ms);
	}
	self_look(node, now_ms);
	struct dht_table_cnt cnt = dht_table_count(node->table, now_ms);
	node->read_only = dht_reach_turn(&node->reach, cnt.good, now_ms) || node->env.read_only;
}

void
dht_node_run(struct dht_node *node, int64_t now_ms)
{
	if (now_ms - node->tick_ms < DHT_TICK_MS)
		return;
	node->tick_ms = now_ms;
	calls_expire(node, now_ms);
	node_tick(node, now_ms);
	if (now_ms - node->upkeep_ms < DHT_IDLE_MS)
		return;
	node->upkeep_ms = now_ms;
	upkeep(node, now_ms);
}

int
dht_node_timeout_ms(const struct dht_node *node)
{
	return node->task_cnt > 0 || node->out_cnt > 0 ? DHT_TICK_MS : DHT_IDLE_MS;
}

bool
dht_node_take(struct dht_node *node, struct dht_packet *packet)
{
	if (node->out_cnt == 0)
		return false;
	const struct dht_packet *first = &node->out[node->out_head];
	packet->to = first->to;
	packet->len = first->len;
	memcpy(packet->bytes, first->bytes, first->len);
	node->out_head = (node->out_head + 1) % DHT_OUT_MAX;
	node->out_cnt--;
	return true;
}

uint32_t
dht_node_good(const struct dht_node *node, struct dht_contact *out, uint32_t max, int64_t now_ms)
{
	return dht_table_good(node->table, out, max, now_ms);
}

void
dht_node_status(const struct dht_node *node, struct dht_node_status *status, int64_t now_ms)
{
	struct dht_table_cnt cnt = dht_table_count(node->table, now_ms);

	*status = (struct dht_node_status){
		.own = node->env.own,
		.external = node->external,
		.read_only = node->read_only,
		.good_cnt = cnt.good,
		.dubious_cnt = cnt.dubious,
		.refused_cnt = cnt.refused,
		.peer_cnt = dht_store_cnt(node->store),
		.lookup_cnt = node->task_cnt,
		.call_cnt = dht_calls_cnt(node->calls),
	};
	memcpy(status->id, node->id, DHT_ID_LEN);
	memcpy(status->counter, node->counter, sizeof(status->counter));
}

void
dht_node_count(struct dht_node *node, enum dht_counter counter, uint64_t cnt)
{
	node->counter[counter] += cnt;
}
