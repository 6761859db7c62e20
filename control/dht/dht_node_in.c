/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Packets that come to a node: queries are answered, replies belong to questions of ours. */
#include "control/dht/dht_node_state.h"

#include <errno.h>
#include <string.h>

enum {
	VALUES_MAX = 100, /* peers of one answer, if they fit */
};

/* ---- Queries. */

/* answer_begin returns the packet for an answer, NULL when there may be none now. */
static struct dht_packet *
answer_begin(struct dht_node *node, const struct dht_address *to, int64_t now_ms)
{
	if (!dht_rate_has(&node->answer_bytes, DHT_PACKET_MAX, now_ms) ||
	    !dht_rate_take(&node->answer_packets, 1, now_ms)) {
		node->counter[DHT_CTR_answers_limited]++;
		return NULL;
	}
	struct dht_packet *packet = node_out(node);
	if (packet == NULL) {
		node->counter[DHT_CTR_out_full]++;
		return NULL;
	}
	packet->to = *to;
	return packet;
}

static void
answer_end(struct dht_node *node, const struct dht_packet *packet, int64_t now_ms)
{
	dht_rate_take(&node->answer_bytes, packet->len, now_ms);
	node->counter[DHT_CTR_answered]++;
	node_out_done(node);
}

static void
answer_error(struct dht_node *node, const struct dht_address *to, struct dht_span tid,
             enum dht_error code, int64_t now_ms)
{
	struct dht_packet *packet = answer_begin(node, to, now_ms);

	if (packet == NULL)
		return;
	const char *text = code == DHT_ERROR_METHOD ? "Method Unknown" : "Protocol Error";
	dht_write_error(packet, tid, code, text);
	answer_end(node, packet, now_ms);
}

/* near_write writes the good nodes of a family that may be named to whoever asks. */
static struct dht_span
near_write(const struct dht_node *node, const uint8_t *target, const struct dht_address *to,
           uint8_t *out, int64_t now_ms)
{
	struct dht_contact near[DHT_BUCKET];
	uint32_t cnt = dht_table_closest(node->table, target, false, near, now_ms);
	size_t len = 0;

	for (uint32_t i = 0; i < cnt; i++)
		if (dht_address_nameable(&near[i].address, to))
			len += dht_contact_write(&near[i], out + len);
	return (struct dht_span){.bytes = out, .len = len};
}

/* node_of returns the node of a family, NULL when there is none. */
static const struct dht_node *
node_of(const struct dht_node *node, uint8_t ip_len)
{
	return node->env.own.ip_len == ip_len ? node : node->other;
}

static void
answer_near(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
            int64_t now_ms)
{
	unsigned own = from->ip_len == 4 ? DHT_WANT_V4 : DHT_WANT_V6;
	unsigned want = m->want != 0 ? m->want : own;
	const struct dht_node *v4 = want & DHT_WANT_V4 ? node_of(node, 4) : NULL;
	const struct dht_node *v6 = want & DHT_WANT_V6 ? node_of(node, 16) : NULL;
	uint8_t nodes[DHT_BUCKET * DHT_NODE_V4], nodes6[DHT_BUCKET * DHT_NODE_V6];
	uint8_t token[DHT_TOKEN_LEN];
	struct dht_address values[VALUES_MAX];
	struct dht_answer answer = {.tid = m->tid, .id = node->id, .value = values};
	struct dht_packet *packet = answer_begin(node, from, now_ms);

	if (packet == NULL)
		return;
	if (v4 != NULL)
		answer.nodes = near_write(v4, m->target, from, nodes, now_ms);
	if (v6 != NULL)
		answer.nodes6 = near_write(v6, m->target, from, nodes6, now_ms);
	if (m->method == DHT_GET_PEERS) {
		if (dht_token_make(&node->token, from, token))
			answer.token = (struct dht_span){.bytes = token, .len = sizeof(token)};
		struct dht_store_wish wish = {.info_hash = m->target, .noseed = m->noseed,
		                              .pick = dht_random_next(&node->random)};
		answer.value_cnt = dht_store_get(node->store, &wish, values, VALUES_MAX);
	}
	dht_write_answer(packet, &answer);
	answer_end(node, packet, now_ms);
}

static void
answer_plain(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
             int64_t now_ms)
{
	struct dht_answer answer = {.tid = m->tid, .id = node->id};
	struct dht_packet *packet = answer_begin(node, from, now_ms);

	if (packet == NULL)
		return;
	dht_write_answer(packet, &answer);
	answer_end(node, packet, now_ms);
}

static void
answer_announce(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
                int64_t now_ms)
{
	struct dht_address peer = *from;

	if (!dht_token_right(&node->token, from, m->token)) {
		node->counter[DHT_CTR_tokens_wrong]++;
		answer_error(node, from, m->tid, DHT_ERROR_PROTOCOL, now_ms);
		return;
	}
	peer.port = m->implied_port ? from->port : m->port;
	if (dht_store_put(node->store, m->target, &peer, m->seed, now_ms) != 0) {
		node->counter[DHT_CTR_stores_refused]++;
		answer_error(node, from, m->tid, DHT_ERROR_SERVER, now_ms);
		return;
	}
	node->counter[DHT_CTR_stored]++;
	answer_plain(node, m, from, now_ms);
}

static void
query_answer(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
             int64_t now_ms)
{
	switch (m->method) {
	case DHT_PING:
		answer_plain(node, m, from, now_ms);
		break;
	case DHT_FIND_NODE:
	case DHT_GET_PEERS:
		answer_near(node, m, from, now_ms);
		break;
	case DHT_ANNOUNCE_PEER:
		answer_announce(node, m, from, now_ms);
		break;
	default:
		answer_error(node, from, m->tid, DHT_ERROR_METHOD, now_ms);
		break;
	}
}

static void
query_take(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
           int64_t now_ms)
{
	struct dht_contact contact = {.address = *from};

	node->counter[DHT_CTR_queries]++;
	if (memcmp(m->id, node->id, DHT_ID_LEN) == 0) {
		node->counter[DHT_CTR_own_id]++;
		return;
	}
	if (!dht_hosts_take(node->asking, from, now_ms)) {
		node->counter[DHT_CTR_flooded]++;
		return;
	}
	dht_reach_query(&node->reach, from, now_ms);
	if (node->env.read_only || node->reach.read_only) {
		node->counter[DHT_CTR_not_answered]++;
		return;
	}
	memcpy(contact.id, m->id, DHT_ID_LEN);
	if (!m->read_only)
		dht_table_heard(node->table, &contact, DHT_HEARD_QUERY, now_ms);
	query_answer(node, m, from, now_ms);
}

/* ---- Replies. */

/* external_take has a reply vote on our address, and follows the outcome. */
static void
external_take(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
              int64_t now_ms)
{
	struct dht_address said, winner;

	if (m->ip.bytes == NULL || !dht_address_read(&said, m->ip.bytes, m->ip.len) ||
	    !dht_vote_take(&node->vote, from, &said, now_ms, &winner))
		return;
	node->external = winner;
	if (dht_id_allowed(node->id, &winner))
		return;
	dht_id_make(node->id, &winner, &node->random);
	dht_table_move(node->table, node->id, now_ms);
	node->counter[DHT_CTR_id_changes]++;
	node->self_ms = now_ms;
	node->self_wait_ms = 0;
}

static void
reply_take(struct dht_node *node, const struct dht_message *m, const struct dht_call *call,
           int64_t now_ms)
{
	struct dht_contact contact = {.address = call->contact.address};

	node->counter[DHT_CTR_replies]++;
	if (memcmp(m->id, node->id, DHT_ID_LEN) == 0) {
		node->counter[DHT_CTR_own_id]++;
		node_task_failed(node, call, now_ms);
		return;
	}
	memcpy(contact.id, m->id, DHT_ID_LEN);
	external_take(node, m, &contact.address, now_ms);
	dht_table_heard(node->table, &contact, DHT_HEARD_REPLY, now_ms);
	if (dht_id_allowed(contact.id, &contact.address))
		dht_cache_put(node->cache, &contact, now_ms);
	if (call->owner == DHT_CALL_NOBODY)
		node_named(node, NULL, m, &contact.address, now_ms);
	else
		node_task_replied(node, call, m, now_ms);
}

static void
response_take(struct dht_node *node, const struct dht_message *m, const struct dht_address *from,
              int64_t now_ms)
{
	struct dht_call call;

	if (!dht_calls_take(node->calls, from, m->tid, &call)) {
		node->counter[DHT_CTR_unasked]++;
		return;
	}
	if (m->kind == DHT_REPLY) {
		reply_take(node, m, &call, now_ms);
		return;
	}
	node->counter[DHT_CTR_errors]++;
	node_task_failed(node, &call, now_ms);
}

void
dht_node_receive(struct dht_node *node, const struct dht_address *from, const void *bytes,
                 size_t len, int64_t now_ms)
{
	struct dht_message m;

	node->counter[DHT_CTR_received]++;
	node->counter[DHT_CTR_received_bytes] += len;
	if (len > DHT_RECEIVE_MAX) {
		node->counter[DHT_CTR_too_long]++;
		return;
	}
	if (from->ip_len != node->env.own.ip_len || from->port == 0 ||
	    dht_address_scope(from) == DHT_SCOPE_NONE) {
		node->counter[DHT_CTR_malformed]++;
		return;
	}
	if (dht_message_read(&m, bytes, len) != 0) {
		node->counter[DHT_CTR_malformed]++;
		if (m.tid.bytes != NULL && !node->env.read_only &&
		    dht_hosts_take(node->asking, from, now_ms))
			answer_error(node, from, m.tid, DHT_ERROR_PROTOCOL, now_ms);
		return;
	}
	if (m.kind == DHT_QUERY)
		query_take(node, &m, from, now_ms);
	else
		response_take(node, &m, from, now_ms);
}
