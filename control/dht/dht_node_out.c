/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a node asks, and its lookups. */
#include "control/dht/dht_node_state.h"

#include <assert.h>
#include <string.h>

enum {
	ASK_BYTES = 192,   /* a query is not longer but by its token */
	PUT_OFF_MS = 250,  /* a host that was asked enough is asked again after */
	NAMED_MAX = 32,    /* nodes of one reply that are looked at */
};

struct dht_packet *
node_out(struct dht_node *node)
{
	if (node->out_cnt == DHT_OUT_MAX)
		return NULL;
	return &node->out[(node->out_head + node->out_cnt) % DHT_OUT_MAX];
}

void
node_out_done(struct dht_node *node)
{
	const struct dht_packet *packet = node_out(node);

	assert(packet != NULL);
	node->counter[DHT_CTR_sent_bytes] += packet->len;
	dht_reach_sent(&node->reach, &packet->to);
	node->out_cnt++;
}

/* ask_room tells whether a query may be sent now. */
static bool
ask_room(struct dht_node *node, int64_t now_ms)
{
	return node->out_cnt < DHT_OUT_MAX && !dht_calls_full(node->calls) &&
	       dht_rate_has(&node->ask_packets, 1, now_ms) &&
	       dht_rate_has(&node->ask_bytes, ASK_BYTES, now_ms);
}

bool
node_ask(struct dht_node *node, struct dht_call *call, struct dht_ask *ask, int64_t now_ms)
{
	uint8_t tid[DHT_CALLS_TID_LEN];

	if (!ask_room(node, now_ms))
		return false;
	call->sent_ms = now_ms;
	dht_calls_begin(node->calls, call, &node->random, tid);
	ask->method = (enum dht_method)call->method;
	ask->tid = tid;
	ask->tid_len = sizeof(tid);
	ask->id = node->id;
	ask->port = node->env.peer_port;
	ask->read_only = node->read_only;
	struct dht_packet *packet = node_out(node);
	packet->to = call->contact.address;
	dht_write_ask(packet, ask);
	dht_rate_take(&node->ask_packets, 1, now_ms);
	dht_rate_take(&node->ask_bytes, packet->len, now_ms);
	node->counter[DHT_CTR_asked]++;
	node_out_done(node);
	return true;
}

void
node_ping(struct dht_node *node, const struct dht_contact *contact, int64_t now_ms)
{
	struct dht_call call = {.contact = *contact, .owner = DHT_CALL_NOBODY, .method = DHT_PING};
	struct dht_ask ask = {0};

	if (dht_hosts_take(node->asked, &contact->address, now_ms))
		node_ask(node, &call, &ask, now_ms);
}

/* want_of returns what to ask for besides: a dual stack's other half while it knows nobody. */
static unsigned
want_of(const struct dht_node *node, int64_t now_ms)
{
	return node->other != NULL && dht_node_alone(node->other, now_ms)
	           ? DHT_WANT_V4 | DHT_WANT_V6
	           : 0;
}

void
node_find(struct dht_node *node, const struct dht_contact *contact, int64_t now_ms)
{
	struct dht_call call = {
		.contact = *contact, .owner = DHT_CALL_NOBODY, .method = DHT_FIND_NODE};
	struct dht_ask ask = {.target = node->id, .want = want_of(node, now_ms)};

	if (dht_hosts_take(node->asked, &contact->address, now_ms))
		node_ask(node, &call, &ask, now_ms);
}

/* ---- Lookups. */

static struct task *
task_find_free(struct dht_node *node)
{
	for (uint32_t i = 0; i < node->env.lookups_max; i++) {
		struct task *task = &node->task[(node->free_at + i) % node->env.lookups_max];
		if (task->state != TASK_FREE)
			continue;
		node->free_at = (uint32_t)(task - node->task + 1) % node->env.lookups_max;
		return task;
	}
	return NULL;
}

/* task_seed gives a lookup its first nodes. */
static void
task_seed(struct dht_node *node, struct task *task, int64_t now_ms)
{
	struct dht_contact near[DHT_BUCKET];
	uint32_t cnt = dht_cache_near(node->cache, task->lookup.target, near, DHT_BUCKET, now_ms);

	for (uint32_t i = 0; i < cnt; i++)
		dht_lookup_add(&task->lookup, &near[i], true);
	cnt = dht_table_closest(node->table, task->lookup.target, true, near, now_ms);
	for (uint32_t i = 0; i < cnt; i++)
		dht_lookup_add(&task->lookup, &near[i], true);
}

static struct task *
task_begin(struct dht_node *node, const uint8_t *target, bool announce, int64_t now_ms)
{
	struct task *task = task_find_free(node);

	if (task == NULL)
		return NULL;
	dht_lookup_begin(&task->lookup, target, announce, now_ms);
	task->state = TASK_SEARCH;
	task->is_self = false;
	task->store_at = 0;
	task->store_wait = 0;
	task->store_ok = 0;
	node->task_cnt++;
	task_seed(node, task, now_ms);
	return task;
}

/* own_store stores what we have announced with ourselves, too, when we are one of the closest. */
static void
own_store(struct dht_node *node, const struct task *task, int64_t now_ms)
{
	const struct dht_lookup_node *closest[DHT_BUCKET];
	uint32_t cnt = dht_lookup_closest(&task->lookup, closest);
	struct dht_address own = node->external.ip_len != 0 ? node->external : node->env.own;

	own.port = node->env.peer_port;
	if (cnt < DHT_BUCKET || dht_id_closer(task->lookup.target, node->id,
	                                      closest[cnt - 1]->contact.id) < 0)
		dht_store_put(node->store, task->lookup.target, &own, task->seed, now_ms);
}

static void
task_end(struct dht_node *node, struct task *task)
{
	bool announce = task->lookup.announce;

	node->counter[DHT_CTR_lookups]++;
	if (announce)
		node->counter[task->store_ok > 0 ? DHT_CTR_announces : DHT_CTR_announces_failed]++;
	node->counter[DHT_CTR_announce_stores] += task->store_ok;
	node->placed |= task->is_self;
	task->state = announce ? TASK_DONE : TASK_FREE;
	task->serial++;
	node->task_cnt--;
	node->done_cnt += announce;
}

/* search_step asks whom it can. Returns false when the rate of all is spent. */
static bool
search_step(struct dht_node *node, struct task *task, int64_t now_ms)
{
	struct dht_lookup_node *next;

	while ((next = dht_lookup_next(&task->lookup, now_ms)) != NULL) {
		struct dht_call call = {
			.contact = next->contact,
			.owner = (uint16_t)(task - node->task),
			.owner_serial = task->serial,
			.method = task->lookup.announce ? DHT_GET_PEERS : DHT_FIND_NODE,
		};
		struct dht_ask ask = {.target = task->lookup.target};
		if (!ask_room(node, now_ms))
			return false;
		if (!dht_hosts_take(node->asked, &next->contact.address, now_ms)) {
			dht_lookup_put_off(next, now_ms + PUT_OFF_MS);
			node->put_off_cnt++;
			continue;
		}
		if (!task->lookup.announce)
			ask.want = want_of(node, now_ms);
		node_ask(node, &call, &ask, now_ms);
		dht_lookup_asked(&task->lookup, next, now_ms);
	}
	return true;
}

/* store_step sends announce_peer to those closest that were not sent it. Returns false when the
 * rate of all is spent. */
static bool
store_step(struct dht_node *node, struct task *task, int64_t now_ms)
{
	const struct dht_lookup_node *closest[DHT_BUCKET];
	uint32_t cnt = dht_lookup_closest(&task->lookup, closest);

	for (; task->store_at < cnt; task->store_at++) {
		const struct dht_lookup_node *to = closest[task->store_at];
		struct dht_call call = {
			.contact = to->contact,
			.owner = (uint16_t)(task - node->task),
			.owner_serial = task->serial,
			.method = DHT_ANNOUNCE_PEER,
		};
		struct dht_ask ask = {
			.target = task->lookup.target,
			.token = {.bytes = to->token, .len = to->token_len},
			.seed = task->seed,
		};
		if (!ask_room(node, now_ms))
			return false;
		/* Within the burst of what the host was asked just before. */
		dht_hosts_take(node->asked, &to->contact.address, now_ms);
		node_ask(node, &call, &ask, now_ms);
		task->store_wait++;
	}
	if (task->store_wait > 0)
		return true;
	own_store(node, task, now_ms);
	task_end(node, task);
	return true;
}

/* task_step goes on with a lookup. Returns false when the rate of all is spent. */
static bool
task_step(struct dht_node *node, struct task *task, int64_t now_ms)
{
	if (task->state == TASK_SEARCH) {
		if (!search_step(node, task, now_ms))
			return false;
		if (!dht_lookup_done(&task->lookup, now_ms))
			return true;
		if (!task->lookup.announce) {
			task_end(node, task);
			return true;
		}
		task->state = TASK_STORE;
	}
	return task->state != TASK_STORE || store_step(node, task, now_ms);
}

void
node_tick(struct dht_node *node, int64_t now_ms)
{
	uint32_t max = node->env.lookups_max;

	node->put_off_last = node->put_off_cnt;
	node->put_off_cnt = 0;
	for (uint32_t i = 0; i < max && node->task_cnt > 0; i++) {
		struct task *task = &node->task[(node->step_at + i) % max];
		if (task_step(node, task, now_ms))
			continue;
		node->step_at = (uint32_t)(task - node->task);
		return;
	}
}

bool
node_lookup(struct dht_node *node, const uint8_t *target, bool is_self, int64_t now_ms)
{
	struct task *task = task_begin(node, target, false, now_ms);

	if (task == NULL)
		return false;
	task->is_self = is_self;
	task_step(node, task, now_ms);
	return true;
}

void
dht_node_announce(struct dht_node *node, const uint8_t *info_hash, bool seed, uint32_t tag,
                  int64_t now_ms)
{
	struct task *task = task_begin(node, info_hash, true, now_ms);

	assert(task != NULL);
	task->seed = seed;
	task->tag = tag;
	task_step(node, task, now_ms);
}

bool
dht_node_result(struct dht_node *node, struct dht_result *result)
{
	for (uint32_t i = 0; node->done_cnt > 0 && i < node->env.lookups_max; i++) {
		struct task *task = &node->task[i];
		if (task->state != TASK_DONE)
			continue;
		result->tag = task->tag;
		memcpy(result->info_hash, task->lookup.target, DHT_ID_LEN);
		result->stored_cnt = task->store_ok;
		task->state = TASK_FREE;
		node->done_cnt--;
		return true;
	}
	return false;
}

/* task_of returns the lookup that a question was asked for, NULL when that has ended. */
static struct task *
task_of(struct dht_node *node, const struct dht_call *call)
{
	if (call->owner == DHT_CALL_NOBODY)
		return NULL;
	struct task *task = &node->task[call->owner];
	bool its = task->serial == call->owner_serial;
	bool storing = call->method == DHT_ANNOUNCE_PEER;
	return its && task->state == (storing ? TASK_STORE : TASK_SEARCH) ? task : NULL;
}

void
node_task_replied(struct dht_node *node, const struct dht_call *call,
                  const struct dht_message *message, int64_t now_ms)
{
	struct dht_contact from = {.address = call->contact.address};
	struct task *task = task_of(node, call);

	if (task == NULL)
		return;
	memcpy(from.id, message->id, DHT_ID_LEN);
	if (task->state == TASK_STORE) {
		task->store_wait--;
		task->store_ok++;
	} else {
		dht_lookup_replied(&task->lookup, &from, message->token);
		node_named(node, &task->lookup, message, &from.address, now_ms);
	}
	task_step(node, task, now_ms);
}

void
node_task_failed(struct dht_node *node, const struct dht_call *call, int64_t now_ms)
{
	struct task *task = task_of(node, call);

	if (task == NULL)
		return;
	if (task->state == TASK_STORE)
		task->store_wait--;
	else
		dht_lookup_failed(&task->lookup, &call->contact.address);
	task_step(node, task, now_ms);
}

/* named_take takes one family's nodes out of a reply. */
static void
named_take(struct dht_node *node, struct dht_lookup *lookup, struct dht_span nodes,
           const struct dht_address *from, int64_t now_ms)
{
	size_t unit = node->env.own.ip_len == 4 ? DHT_NODE_V4 : DHT_NODE_V6;
	struct dht_contact contact;

	for (size_t i = 0; i < NAMED_MAX && (i + 1) * unit <= nodes.len; i++) {
		dht_contact_read(&contact, nodes.bytes + i * unit, unit);
		if (!dht_address_nameable(&contact.address, from) ||
		    node_ours(node, &contact.address) ||
		    memcmp(contact.id, node->id, DHT_ID_LEN) == 0) {
			node->counter[DHT_CTR_nodes_refused]++;
			continue;
		}
		if (lookup != NULL)
			dht_lookup_add(lookup, &contact, true);
		if (lookup == NULL || !lookup->announce)
			dht_table_heard(node->table, &contact, DHT_HEARD_TOLD, now_ms);
	}
}

void
node_named(struct dht_node *node, struct dht_lookup *lookup, const struct dht_message *message,
           const struct dht_address *from, int64_t now_ms)
{
	bool v4 = node->env.own.ip_len == 4;

	named_take(node, lookup, v4 ? message->nodes : message->nodes6, from, now_ms);
	if (node->other != NULL && dht_node_alone(node->other, now_ms))
		named_take(node->other, NULL, v4 ? message->nodes6 : message->nodes, from, now_ms);
}
