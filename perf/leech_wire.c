/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What peer wire messages mean to a leecher. Reading and sending bytes is leech_conn.c. */
#include "perf/leech_wire.h"

#include "perf/leech_request.h"

#include "control/content/bencode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum message_id {
	MSG_CHOKE = 0,
	MSG_UNCHOKE = 1,
	MSG_INTERESTED = 2,
	MSG_HAVE = 4,
	MSG_BITFIELD = 5,
	MSG_REQUEST = 6,
	MSG_PIECE = 7,
	MSG_HAVE_ALL = 14,  /* BEP 6 */
	MSG_HAVE_NONE = 15, /* BEP 6 */
	MSG_REJECT = 16,    /* BEP 6 */
	MSG_EXTENDED = 20,  /* BEP 10 */
	MSG_CNT
};

static const uint8_t protocol_text[20] = "\x13" "BitTorrent protocol";

static uint32_t
be32_get(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void
be32_put(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static uint8_t *
out_take(struct leech_conn *conn, uint32_t len)
{
	uint8_t *at = conn->out + conn->out_len;

	assert(len <= conn->out_cap - conn->out_len);
	conn->out_len += len;
	return at;
}

/* ---- Requests. ---- */

static void
wire_request(struct leech_context *context, struct leech_conn *conn,
	     const struct leech_block *block)
{
	uint8_t *at = out_take(conn, LEECH_REQUEST_BYTES);

	(void)context;
	be32_put(at, LEECH_REQUEST_BYTES - 4);
	at[4] = MSG_REQUEST;
	be32_put(at + 5, block->piece);
	be32_put(at + 9, block->begin);
	be32_put(at + 13, block->len);
}

static uint32_t
wire_request_bytes(const struct leech_context *context)
{
	(void)context;
	return LEECH_REQUEST_BYTES;
}

/* ---- Handshakes. ---- */

static void
wire_greet(struct leech_context *context, struct leech_conn *conn)
{
	uint8_t *at = out_take(conn, LEECH_HANDSHAKE_BYTES);
	char peer_id[21];

	snprintf(peer_id, sizeof(peer_id), "-SL0100-%06x%06x",
		 (unsigned)(context->options->seed & 0xffffff), conn->index & 0xffffff);
	memcpy(at, protocol_text, 20);
	memset(at + 20, 0, 8);
	at[20 + 5] = 0x10; /* BEP 10 */
	at[20 + 7] = 0x04; /* BEP 6 */
	memcpy(at + 28, conn->torrent->info_hash, 20);
	memcpy(at + 48, peer_id, 20);
	conn->in_want = LEECH_HANDSHAKE_BYTES;
}

static void
extended_append(struct leech_context *context, struct leech_conn *conn)
{
	char text[96];
	int len = snprintf(text, sizeof(text), "d1:mde4:reqqi%ue1:v14:Spillway leeche",
			   context->options->outstanding_cnt);
	uint8_t *at = out_take(conn, 6 + (uint32_t)len);

	be32_put(at, 2 + (uint32_t)len);
	at[4] = MSG_EXTENDED;
	at[5] = 0; /* the extended handshake */
	memcpy(at + 6, text, (size_t)len);
}

static void
plain_append(struct leech_conn *conn, enum message_id id)
{
	uint8_t *at = out_take(conn, 5);

	be32_put(at, 1);
	at[4] = (uint8_t)id;
}

static int
handshake_parse(struct leech_context *context, struct leech_conn *conn)
{
	const uint8_t *in = conn->in;

	if (memcmp(in, protocol_text, 20) != 0)
		return leech_conn_broken(context, "the handshake is not BitTorrent's");
	if (memcmp(in + 28, conn->torrent->info_hash, 20) != 0)
		return leech_conn_broken(context, "the handshake names another info_hash");
	conn->extended = (in[20 + 5] & 0x10) != 0;
	conn->fast = (in[20 + 7] & 0x04) != 0;
	if (conn->extended)
		extended_append(context, conn);
	if (conn->fast)
		plain_append(conn, MSG_HAVE_NONE); /* BEP 6: one of three must come */
	plain_append(conn, MSG_INTERESTED);
	conn->state = LEECH_CONN_CHOKED;
	return 0;
}

/* ---- Messages: one function each; body is what follows the id. ---- */

static int
choke_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	   uint32_t len)
{
	(void)body;
	(void)len;
	context->tally->choke_cnt++;
	conn->state = LEECH_CONN_CHOKED;
	while (!conn->fast && conn->request_cnt > 0) /* BEP 6: else each is rejected by name */
		leech_request_settle(context, conn, false);
	return 0;
}

static int
unchoke_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	     uint32_t len)
{
	(void)body;
	(void)len;
	conn->state = LEECH_CONN_OPEN;
	leech_requests_fill(context, conn);
	return 0;
}

static int
have_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	  uint32_t len)
{
	uint32_t piece = be32_get(body);

	(void)len;
	if (piece >= conn->torrent->piece_cnt)
		return leech_conn_broken(context, "have names a piece beyond the last");
	if (conn->have != NULL)
		conn->have[piece / 8] |= (uint8_t)(0x80u >> (piece % 8));
	leech_requests_fill(context, conn);
	return 0;
}

static int
bitfield_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	      uint32_t len)
{
	if (len != (conn->torrent->piece_cnt + 7) / 8)
		return leech_conn_broken(context, "the bitfield's length is not the torrent's");
	if (conn->have != NULL)
		memcpy(conn->have, body, len);
	return 0;
}

static int
have_all_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	      uint32_t len)
{
	(void)context;
	(void)body;
	(void)len;
	free(conn->have);
	conn->have = NULL;
	return 0;
}

static int
reject_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	    uint32_t len)
{
	struct leech_block block = {be32_get(body), be32_get(body + 4), be32_get(body + 8)};

	(void)len;
	if (leech_request_find(context, conn, &block) == NULL)
		return leech_conn_broken(context, "reject names no request of ours");
	context->tally->reject_cnt++;
	leech_request_settle(context, conn, false);
	leech_requests_fill(context, conn);
	return 0;
}

static int
extended_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
	      uint32_t len)
{
	struct bencode doc;
	uint32_t node;

	if (body[0] != 0) /* only the extended handshake is of interest */
		return 0;
	if (bencode_decode(&doc, body + 1, len - 1, NULL, NULL) != 0) {
		bencode_free(&doc);
		return leech_conn_broken(context, "the extended handshake is not a dictionary");
	}
	node = bencode_get_type(&doc, 0, "reqq", BENCODE_INT);
	if (node != BENCODE_NONE && doc.node[node].num > 0) {
		context->tally->reqq = (uint32_t)(doc.node[node].num & 0x7fffffff);
		if (conn->request_max > doc.node[node].num)
			conn->request_max = (uint32_t)doc.node[node].num;
	}
	node = bencode_get_type(&doc, 0, "v", BENCODE_STR);
	if (node != BENCODE_NONE)
		leech_tally_client(context->tally, bencode_str(&doc, node), doc.node[node].cnt);
	bencode_free(&doc);
	return 0;
}

struct message_rule {
	uint32_t len_min; /* of the body, bytes */
	uint32_t len_max;
	int (*take)(struct leech_context *context, struct leech_conn *conn, const uint8_t *body,
		    uint32_t len);
};

/* Ids without a function are allowed and ignored; MSG_PIECE never comes here. */
static const struct message_rule message_rules[MSG_CNT + 1] = {
	[MSG_CHOKE] = {0, 0, choke_take},
	[MSG_UNCHOKE] = {0, 0, unchoke_take},
	[MSG_HAVE] = {4, 4, have_take},
	[MSG_BITFIELD] = {1, LEECH_MESSAGE_BYTES_MAX, bitfield_take},
	[MSG_HAVE_ALL] = {0, 0, have_all_take},
	[MSG_REJECT] = {12, 12, reject_take},
	[MSG_EXTENDED] = {1, LEECH_MESSAGE_BYTES_MAX, extended_take},
};

static int
message_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *message,
	     uint32_t len)
{
	const struct message_rule *rule;

	if (message[0] >= MSG_CNT || message_rules[message[0]].take == NULL)
		return 0;
	rule = &message_rules[message[0]];
	if (len - 1 < rule->len_min || len - 1 > rule->len_max)
		return leech_conn_broken(context, "a message has a wrong length");
	return rule->take(context, conn, message + 1, len - 1);
}

static int
piece_begin(struct leech_context *context, struct leech_conn *conn, const uint8_t *header)
{
	struct leech_block block = {be32_get(header + 5), be32_get(header + 9),
				    be32_get(header) - 9};

	if (leech_request_find(context, conn, &block) == NULL)
		return leech_conn_broken(context, "a block came that was not asked for");
	leech_request_begins(context, conn);
	return 0;
}

static void
skip_begin(struct leech_conn *conn, uint32_t body_left)
{
	conn->body_left = body_left;
	conn->body_at = NULL;
	conn->body_is_block = false;
}

static void
wire_body_done(struct leech_context *context, struct leech_conn *conn)
{
	if (!conn->body_is_block)
		return;
	leech_request_ends(context, conn);
	leech_requests_fill(context, conn);
}

/* Takes one message at `at`, of which `held` bytes are there. Returns the bytes consumed; 0 when
 * more are needed (in_want is set); -1 on a protocol error. */
static int64_t
message_parse(struct leech_context *context, struct leech_conn *conn, const uint8_t *at,
	      uint32_t held)
{
	uint32_t len;

	conn->in_want = LEECH_PIECE_HEADER_BYTES;
	if (held < 4)
		return 0;
	len = be32_get(at);
	if (len == 0) /* BEP 3: keep-alive */
		return 4;
	if (len > LEECH_MESSAGE_BYTES_MAX)
		return leech_conn_broken(context, "a message is too long");
	if (held < 5)
		return 0;
	if (at[4] == MSG_PIECE) {
		if (len <= 9)
			return leech_conn_broken(context, "a block is empty");
		if (held < LEECH_PIECE_HEADER_BYTES)
			return 0;
		return piece_begin(context, conn, at) != 0 ? -1 : LEECH_PIECE_HEADER_BYTES;
	}
	if (held >= 4 + len)
		return message_take(context, conn, at + 4, len) != 0 ? -1 : 4 + (int64_t)len;
	if (4 + len <= conn->in_cap) {
		conn->in_want = 4 + len;
		return 0;
	}
	skip_begin(conn, 4 + len - held);
	return held;
}

static int
wire_parse(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t used = 0;
	int64_t n;

	if (conn->state == LEECH_CONN_HANDSHAKE) {
		if (conn->in_len < LEECH_HANDSHAKE_BYTES)
			return 0;
		conn->in_len = 0;
		conn->in_want = LEECH_PIECE_HEADER_BYTES;
		return handshake_parse(context, conn);
	}
	do {
		n = message_parse(context, conn, conn->in + used, conn->in_len - used);
		if (n < 0)
			return -1;
		used += (uint32_t)n;
	} while (n > 0 && conn->body_left == 0);
	conn->in_len -= used;
	memmove(conn->in, conn->in + used, conn->in_len);
	return 0;
}

const struct leech_language leech_wire_language = {
	.greet = wire_greet,
	.parse = wire_parse,
	.body_done = wire_body_done,
	.request = wire_request,
	.request_bytes = wire_request_bytes,
};
