/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* KRPC is read here. What writes it is in dht_write.c. */
#include "control/dht/dht_message.h"

#include "control/content/bencode.h"

#include <errno.h>
#include <string.h>

static const char *const method_names[DHT_METHOD_CNT] = {
	[DHT_PING] = "ping",
	[DHT_FIND_NODE] = "find_node",
	[DHT_GET_PEERS] = "get_peers",
	[DHT_ANNOUNCE_PEER] = "announce_peer",
};

static struct dht_span
span_get(const struct bencode *doc, uint32_t dict, const char *key)
{
	uint32_t node = bencode_get_type(doc, dict, key, BENCODE_STR);

	if (node == BENCODE_NONE)
		return (struct dht_span){0};
	return (struct dht_span){.bytes = bencode_str(doc, node), .len = doc->node[node].cnt};
}

static const uint8_t *
id_get(const struct bencode *doc, uint32_t dict, const char *key)
{
	struct dht_span span = span_get(doc, dict, key);

	return span.len == DHT_ID_LEN ? span.bytes : NULL;
}

static int64_t
number_get(const struct bencode *doc, uint32_t dict, const char *key)
{
	uint32_t node = bencode_get_type(doc, dict, key, BENCODE_INT);

	return node != BENCODE_NONE ? doc->node[node].num : 0;
}

/* nodes_get returns compact node info if it is whole. */
static struct dht_span
nodes_get(const struct bencode *doc, uint32_t dict, const char *key, size_t unit)
{
	struct dht_span span = span_get(doc, dict, key);

	return span.len % unit == 0 ? span : (struct dht_span){0};
}

static unsigned
want_get(const struct bencode *doc, uint32_t dict)
{
	uint32_t list = bencode_get_type(doc, dict, "want", BENCODE_LIST);
	unsigned want = 0;

	if (list == BENCODE_NONE)
		return 0;
	uint32_t node = list + 1;
	for (uint32_t left = doc->node[list].cnt; left > 0; left--) {
		want |= bencode_str_is(doc, node, "n4") ? DHT_WANT_V4 : 0;
		want |= bencode_str_is(doc, node, "n6") ? DHT_WANT_V6 : 0;
		node = doc->node[node].next;
	}
	return want;
}

static enum dht_method
method_get(const struct bencode *doc, uint32_t node)
{
	for (int i = 0; i < DHT_METHOD_CNT; i++)
		if (bencode_str_is(doc, node, method_names[i]))
			return (enum dht_method)i;
	return DHT_METHOD_OTHER;
}

static int
query_read(struct dht_message *m, const struct bencode *doc)
{
	uint32_t name = bencode_get_type(doc, 0, "q", BENCODE_STR);
	uint32_t arguments = bencode_get_type(doc, 0, "a", BENCODE_DICT);

	m->kind = DHT_QUERY;
	if (name == BENCODE_NONE || arguments == BENCODE_NONE)
		return -EINVAL;
	m->method = method_get(doc, name);
	m->read_only = number_get(doc, 0, "ro") == 1;
	m->id = id_get(doc, arguments, "id");
	m->want = want_get(doc, arguments);
	m->noseed = number_get(doc, arguments, "noseed") == 1;
	m->seed = number_get(doc, arguments, "seed") == 1;
	m->token = span_get(doc, arguments, "token");
	m->implied_port = number_get(doc, arguments, "implied_port") != 0;
	if (m->method == DHT_FIND_NODE)
		m->target = id_get(doc, arguments, "target");
	else
		m->target = id_get(doc, arguments, "info_hash");
	if (m->id == NULL)
		return -EINVAL;
	if (m->method == DHT_PING || m->method == DHT_METHOD_OTHER)
		return 0;
	if (m->method == DHT_ANNOUNCE_PEER && !m->implied_port) {
		int64_t port = number_get(doc, arguments, "port");
		if (port < 1 || port > UINT16_MAX)
			return -EINVAL;
		m->port = (uint16_t)port;
	}
	bool token = m->method != DHT_ANNOUNCE_PEER || m->token.bytes != NULL;
	return m->target != NULL && token ? 0 : -EINVAL;
}

static int
reply_read(struct dht_message *m, const struct bencode *doc)
{
	uint32_t values = bencode_get_type(doc, 0, "r", BENCODE_DICT);

	m->kind = DHT_REPLY;
	m->id = id_get(doc, values, "id");
	if (m->id == NULL)
		return -EINVAL;
	m->nodes = nodes_get(doc, values, "nodes", DHT_NODE_V4);
	m->nodes6 = nodes_get(doc, values, "nodes6", DHT_NODE_V6);
	m->token = span_get(doc, values, "token");
	if (m->token.len == 0 || m->token.len > DHT_TOKEN_MAX)
		m->token = (struct dht_span){0};
	uint32_t peers = bencode_get_type(doc, values, "values", BENCODE_LIST);
	m->value_cnt = peers != BENCODE_NONE ? doc->node[peers].cnt : 0;
	return 0;
}

static int
error_read(struct dht_message *m, const struct bencode *doc)
{
	uint32_t list = bencode_get_type(doc, 0, "e", BENCODE_LIST);

	m->kind = DHT_ERROR;
	if (list != BENCODE_NONE && doc->node[list].cnt > 0 &&
	    bencode_is(doc, list + 1, BENCODE_INT))
		m->error_code = doc->node[list + 1].num;
	return 0;
}

static int
document_read(struct dht_message *m, const struct bencode *doc)
{
	uint32_t kind = bencode_get(doc, 0, "y");
	struct dht_span tid = span_get(doc, 0, "t");

	if (tid.bytes == NULL || tid.len > DHT_TID_MAX)
		return -EINVAL;
	m->ip = span_get(doc, 0, "ip");
	if (bencode_str_is(doc, kind, "q")) {
		m->tid = tid;
		return query_read(m, doc);
	}
	int err = -EINVAL;
	if (bencode_str_is(doc, kind, "r"))
		err = reply_read(m, doc);
	else if (bencode_str_is(doc, kind, "e"))
		err = error_read(m, doc);
	if (err == 0)
		m->tid = tid;
	return err;
}

int
dht_message_read(struct dht_message *message, const void *bytes, size_t len)
{
	const uint8_t *first = bytes;
	struct bencode doc;

	*message = (struct dht_message){0};
	if (len == 0 || first[0] != 'd')
		return -EINVAL;
	int err = bencode_decode(&doc, bytes, len, NULL, NULL);
	if (err != 0)
		return err == -ENOMEM ? err : -EINVAL;
	err = document_read(message, &doc);
	bencode_free(&doc);
	return err;
}

void
dht_contact_read(struct dht_contact *contact, const uint8_t *bytes, size_t len)
{
	memcpy(contact->id, bytes, DHT_ID_LEN);
	dht_address_read(&contact->address, bytes + DHT_ID_LEN, len - DHT_ID_LEN);
}

size_t
dht_contact_write(const struct dht_contact *contact, uint8_t *out)
{
	memcpy(out, contact->id, DHT_ID_LEN);
	return DHT_ID_LEN + dht_address_write(&contact->address, out + DHT_ID_LEN);
}
