/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_lookup.h is one lookup (BEP 5): it asks ever closer nodes until the DHT_BUCKET closest of
 * those that count have answered. Of an announce a node counts when it gave a token and BEP 42
 * allows its id; of another lookup every one that answers.
 *
 *      NEW ─ asked ─► ASKED ─ reply ─► REPLIED
 *       ▲               │ no answer
 *       └ put off       └────────────► FAILED
 *
 * Whatever nodes say, a lookup keeps DHT_LOOKUP_NODES of the closest, asks DHT_LOOKUP_ASKS_MAX at
 * most and ends within DHT_LOOKUP_MS. A node is kept once, a global host too; one that answers with
 * another id than was told takes the place of the id it gives.
 *
 * Threads: one. Memory: fixed, in the struct.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_LOOKUP_H
#define SPILLWAY_CONTROL_DHT_DHT_LOOKUP_H

#include "control/dht/dht_message.h"
#include "control/dht/dht_table.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_lookup_limit {
	DHT_LOOKUP_NODES = 32,
	DHT_LOOKUP_ALPHA = 4,      /* questions that are waited for at once */
	DHT_LOOKUP_ASKS_MAX = 64,
	DHT_LOOKUP_SLOW_MS = 1000, /* an answer this late is waited for beside the others */
	DHT_LOOKUP_MS = 30 * 1000,
};

enum dht_lookup_state {
	DHT_NODE_NEW,
	DHT_NODE_ASKED,
	DHT_NODE_REPLIED,
	DHT_NODE_FAILED,
};

struct dht_lookup_node {
	struct dht_contact contact;
	enum dht_lookup_state state;
	bool id_known;
	bool allowed;     /* by BEP 42 */
	uint8_t token_len; /* 0: none */
	uint8_t token[DHT_TOKEN_MAX];
	int64_t at_ms;    /* NEW: not to be asked before; ASKED: since when */
};

struct dht_lookup {
	uint8_t target[DHT_ID_LEN];
	bool announce;    /* only nodes that can store count */
	uint32_t cnt;
	uint32_t ask_cnt;
	int64_t begun_ms;
	struct dht_lookup_node node[DHT_LOOKUP_NODES]; /* by distance; unknown ids first */
};

/* dht_lookup_begin makes a lookup without nodes. */
void
dht_lookup_begin(struct dht_lookup *lookup, const uint8_t *target, bool announce, int64_t now_ms);

/* dht_lookup_add adds a node to be asked.
 *
 * id_known  false: contact->id is not looked at; it is asked first.
 * Returns false when it is there or there are enough closer ones. */
bool
dht_lookup_add(struct dht_lookup *lookup, const struct dht_contact *contact, bool id_known);

/* dht_lookup_next returns the node to be asked now, NULL when there is none at the moment. It is
 * then to be told asked or put off. */
struct dht_lookup_node *
dht_lookup_next(struct dht_lookup *lookup, int64_t now_ms);

/* dht_lookup_asked notes that node was asked. */
void
dht_lookup_asked(struct dht_lookup *lookup, struct dht_lookup_node *node, int64_t now_ms);

/* dht_lookup_put_off has node asked later. */
void
dht_lookup_put_off(struct dht_lookup_node *node, int64_t until_ms);

/* dht_lookup_replied takes the answer of a node: its id, and its token if it gave one. */
void
dht_lookup_replied(struct dht_lookup *lookup, const struct dht_contact *from,
                   struct dht_span token);

/* dht_lookup_failed notes that no answer will come. */
void
dht_lookup_failed(struct dht_lookup *lookup, const struct dht_address *address);

/* dht_lookup_done tells whether nothing more is to be asked or waited for. */
bool
dht_lookup_done(const struct dht_lookup *lookup, int64_t now_ms);

/* dht_lookup_closest stores the closest nodes that count, up to DHT_BUCKET. Returns how many. */
uint32_t
dht_lookup_closest(const struct dht_lookup *lookup, const struct dht_lookup_node **out);

#endif
