/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_message.h reads and writes KRPC, the messages of the DHT: BEP 5 (ping, find_node, get_peers,
 * announce_peer), BEP 32 (nodes6, want), BEP 33 (seed, noseed), BEP 42 (ip) and BEP 43 (ro).
 *
 * Threads: pure functions. Memory: a message read points into the bytes it was read from; one that
 * is written is in the packet.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_MESSAGE_H
#define SPILLWAY_CONTROL_DHT_DHT_MESSAGE_H

#include "control/dht/dht_address.h"
#include "control/dht/dht_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dht_message_limit {
	DHT_PACKET_MAX = 1024,  /* bytes sent at most (BEP 32) */
	DHT_RECEIVE_MAX = 2048, /* a longer one is not read */
	DHT_TID_MAX = 32,       /* bytes of a transaction id that is answered */
	DHT_TOKEN_MAX = 64,     /* a longer token is no token */
	DHT_NODE_V4 = DHT_ID_LEN + DHT_COMPACT_V4, /* compact node info */
	DHT_NODE_V6 = DHT_ID_LEN + DHT_COMPACT_V6,
};

enum dht_kind {
	DHT_QUERY,
	DHT_REPLY,
	DHT_ERROR,
};

enum dht_method {
	DHT_PING,
	DHT_FIND_NODE,
	DHT_GET_PEERS,
	DHT_ANNOUNCE_PEER,
	DHT_METHOD_CNT,
	DHT_METHOD_OTHER = DHT_METHOD_CNT, /* a query by another name */
};

/* Error codes of BEP 5. */
enum dht_error {
	DHT_ERROR_GENERIC = 201,
	DHT_ERROR_SERVER = 202,
	DHT_ERROR_PROTOCOL = 203,
	DHT_ERROR_METHOD = 204,
};

enum dht_want {
	DHT_WANT_V4 = 1u << 0,
	DHT_WANT_V6 = 1u << 1,
};

struct dht_span {
	const uint8_t *bytes; /* NULL: not there */
	size_t len;
};

/* A message as it came. Of a query id and what its method needs are there. */
struct dht_message {
	enum dht_kind kind;
	enum dht_method method; /* of a query */
	struct dht_span tid;
	const uint8_t *id;      /* DHT_ID_LEN bytes; NULL only in an error */
	const uint8_t *target;  /* target or info_hash, DHT_ID_LEN bytes */
	struct dht_span token;
	struct dht_span nodes;  /* whole multiples of DHT_NODE_V4, else not there */
	struct dht_span nodes6; /* of DHT_NODE_V6 */
	struct dht_span ip;     /* compact address that the sender sees us at; not checked */
	uint32_t value_cnt;     /* peers in "values" */
	unsigned want;          /* enum dht_want bits */
	uint16_t port;          /* of announce_peer; 0 with implied_port */
	bool implied_port;
	bool read_only;
	bool seed;
	bool noseed;
	int64_t error_code;
};

/* A packet to be sent. */
struct dht_packet {
	struct dht_address to;
	uint16_t len;
	uint8_t bytes[DHT_PACKET_MAX];
};

/* What a query of ours says. */
struct dht_ask {
	enum dht_method method;
	const uint8_t *tid;
	size_t tid_len;
	const uint8_t *id;
	const uint8_t *target;  /* all but ping */
	struct dht_span token;  /* announce_peer */
	uint16_t port;          /* announce_peer: where the peer listens */
	unsigned want;          /* find_node: enum dht_want bits, 0 for none */
	bool seed;              /* announce_peer: we have all of it (BEP 33) */
	bool read_only;         /* BEP 43 */
};

/* What we answer. */
struct dht_answer {
	struct dht_span tid;
	const uint8_t *id;
	struct dht_span nodes;  /* left out when NULL */
	struct dht_span nodes6;
	struct dht_span token;
	const struct dht_address *value; /* as many as fit are sent; left out when value_cnt is 0 */
	uint32_t value_cnt;
};

/* dht_message_read reads a packet.
 *
 * bytes   must outlive message.
 * Returns 0; -EINVAL when it is no KRPC: not strict bencoding, no dictionary, without "t" or "y",
 * or a query without what its method needs; -ENOMEM.
 * After -EINVAL message->tid is there if a query could be recognised: it is to be answered with
 * DHT_ERROR_PROTOCOL. */
int
dht_message_read(struct dht_message *message, const void *bytes, size_t len);

/* dht_write_ask writes a query for packet->to. get_peers asks for no seeds: we want no bytes. */
void
dht_write_ask(struct dht_packet *packet, const struct dht_ask *ask);

/* dht_write_answer writes a reply, with "ip" set to packet->to. */
void
dht_write_answer(struct dht_packet *packet, const struct dht_answer *answer);

/* dht_write_error writes an error. */
void
dht_write_error(struct dht_packet *packet, struct dht_span tid, enum dht_error code,
                const char *text);

/* dht_contact_read reads compact node info; len is DHT_NODE_V4 or DHT_NODE_V6. */
void
dht_contact_read(struct dht_contact *contact, const uint8_t *bytes, size_t len);

/* dht_contact_write writes it to out[DHT_NODE_V6]; returns its length. */
size_t
dht_contact_write(const struct dht_contact *contact, uint8_t *out);

#endif
