/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* KRPC is written here, keys ascending. All but "values" and an error's text is of a length known
 * beforehand that fits; what does not fit of those is left out. */
#include "control/dht/dht_message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CLIENT "SW01" /* BEP 5 "v": the letters of BEP 20, a version */

enum {
	TAIL = 96, /* bytes after "values": end, ip, t, v, y */
};

static void
put(struct dht_packet *packet, const void *bytes, size_t len)
{
	assert(packet->len + len <= DHT_PACKET_MAX);
	memcpy(packet->bytes + packet->len, bytes, len);
	packet->len = (uint16_t)(packet->len + len);
}

static void
put_text(struct dht_packet *packet, const char *text)
{
	put(packet, text, strlen(text));
}

static void
put_str(struct dht_packet *packet, const void *bytes, size_t len)
{
	char head[24];

	snprintf(head, sizeof(head), "%zu:", len);
	put_text(packet, head);
	put(packet, bytes, len);
}

/* put_span writes a key and its string, if there is one. */
static void
put_span(struct dht_packet *packet, const char *key, struct dht_span span)
{
	if (span.bytes == NULL)
		return;
	put_text(packet, key);
	put_str(packet, span.bytes, span.len);
}

static void
put_number(struct dht_packet *packet, const char *key, int number)
{
	char text[48];

	snprintf(text, sizeof(text), "%si%de", key, number);
	put_text(packet, text);
}

static struct dht_span
span_of(const void *bytes, size_t len)
{
	return (struct dht_span){.bytes = bytes, .len = len};
}

static void
put_arguments(struct dht_packet *packet, const struct dht_ask *ask)
{
	const char *key = ask->method == DHT_FIND_NODE ? "6:target" : "9:info_hash";

	put_span(packet, "1:ad2:id", span_of(ask->id, DHT_ID_LEN));
	if (ask->method == DHT_ANNOUNCE_PEER)
		put_number(packet, "12:implied_port", 0);
	if (ask->method != DHT_PING)
		put_span(packet, key, span_of(ask->target, DHT_ID_LEN));
	if (ask->method == DHT_GET_PEERS)
		put_number(packet, "6:noseed", 1);
	if (ask->method == DHT_ANNOUNCE_PEER) {
		put_number(packet, "4:port", ask->port);
		put_number(packet, "4:seed", ask->seed);
		put_span(packet, "5:token", ask->token);
	}
	if (ask->method == DHT_FIND_NODE && ask->want != 0) {
		put_text(packet, "4:wantl");
		put_text(packet, ask->want & DHT_WANT_V4 ? "2:n4" : "");
		put_text(packet, ask->want & DHT_WANT_V6 ? "2:n6" : "");
		put_text(packet, "e");
	}
	put_text(packet, "e");
}

void
dht_write_ask(struct dht_packet *packet, const struct dht_ask *ask)
{
	static const char *const queries[DHT_METHOD_CNT] = {
		[DHT_PING] = "1:q4:ping",
		[DHT_FIND_NODE] = "1:q9:find_node",
		[DHT_GET_PEERS] = "1:q9:get_peers",
		[DHT_ANNOUNCE_PEER] = "1:q13:announce_peer",
	};

	packet->len = 0;
	put_text(packet, "d");
	put_arguments(packet, ask);
	put_text(packet, queries[ask->method]);
	if (ask->read_only)
		put_number(packet, "2:ro", 1);
	put_span(packet, "1:t", span_of(ask->tid, ask->tid_len));
	put_text(packet, "1:v4:" CLIENT "1:y1:qe");
}

static void
put_values(struct dht_packet *packet, const struct dht_answer *answer)
{
	uint8_t compact[DHT_COMPACT_V6];

	if (answer->value_cnt == 0)
		return;
	put_text(packet, "6:valuesl");
	for (uint32_t i = 0; i < answer->value_cnt; i++) {
		size_t len = dht_address_write(&answer->value[i], compact);
		if (packet->len + len + 3 + TAIL > DHT_PACKET_MAX)
			break;
		put_str(packet, compact, len);
	}
	put_text(packet, "e");
}

void
dht_write_answer(struct dht_packet *packet, const struct dht_answer *answer)
{
	uint8_t ip[DHT_COMPACT_V6];
	size_t ip_len = dht_address_write(&packet->to, ip);

	packet->len = 0;
	put_span(packet, "d2:ip", span_of(ip, ip_len));
	put_span(packet, "1:rd2:id", span_of(answer->id, DHT_ID_LEN));
	put_span(packet, "5:nodes", answer->nodes);
	put_span(packet, "6:nodes6", answer->nodes6);
	put_span(packet, "5:token", answer->token);
	put_values(packet, answer);
	put_text(packet, "e");
	put_span(packet, "1:t", answer->tid);
	put_text(packet, "1:v4:" CLIENT "1:y1:re");
}

void
dht_write_error(struct dht_packet *packet, struct dht_span tid, enum dht_error code,
                const char *text)
{
	packet->len = 0;
	put_number(packet, "d1:el", (int)code);
	put_str(packet, text, strlen(text) < 128 ? strlen(text) : 128);
	put_text(packet, "e");
	put_span(packet, "1:t", tid);
	put_text(packet, "1:v4:" CLIENT "1:y1:ee");
}
