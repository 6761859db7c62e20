/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_node_state.h is what the files of dht_node share: dht_node.c (life, upkeep), dht_node_in.c
 * (packets that come) and dht_node_out.c (questions and lookups).
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_NODE_STATE_H
#define SPILLWAY_CONTROL_DHT_DHT_NODE_STATE_H

#include "control/dht/dht_cache.h"
#include "control/dht/dht_calls.h"
#include "control/dht/dht_lookup.h"
#include "control/dht/dht_node.h"
#include "control/dht/dht_rate.h"
#include "control/dht/dht_reach.h"
#include "control/dht/dht_store.h"
#include "control/dht/dht_table.h"
#include "control/dht/dht_token.h"
#include "control/dht/dht_vote.h"

/* A lookup's life: FREE ─► SEARCH ─► (announce: STORE ─► DONE ─►) FREE */
enum task_state {
	TASK_FREE,
	TASK_SEARCH,
	TASK_STORE, /* announce_peer is sent and waited for */
	TASK_DONE,  /* its result is to be taken */
};

struct task {
	struct dht_lookup lookup;
	enum task_state state;
	bool is_self;   /* looks for our own place */
	bool seed;      /* announces that we have all of it */
	uint16_t serial; /* changes when it ends: what comes later is not its */
	uint32_t tag;
	uint32_t store_at;   /* nodes of the closest that announce_peer was sent to */
	uint32_t store_wait; /* of them, those that have not answered */
	uint32_t store_ok;
};

struct dht_node {
	struct dht_node_env env;
	struct dht_random random;
	uint8_t id[DHT_ID_LEN];
	struct dht_address external; /* port 0 */
	struct dht_node *other;      /* of the other family */
	struct dht_table *table;
	struct dht_cache *cache;
	struct dht_store *store;
	struct dht_calls *calls;
	struct dht_hosts *asked;     /* by host, what we send */
	struct dht_hosts *asking;    /* by host, what is answered */
	struct dht_token token;
	struct dht_vote vote;
	struct dht_reach reach;
	struct dht_rate ask_packets, ask_bytes;
	struct dht_rate answer_packets, answer_bytes;
	struct task *task;
	uint32_t task_cnt;   /* not FREE or DONE */
	uint32_t done_cnt;
	uint32_t free_at;    /* where a free task is looked for first */
	uint32_t step_at;    /* task that is first in the next tick: none waits for ever */
	uint32_t put_off_cnt; /* questions of this tick that their host's rate put off */
	uint32_t put_off_last; /* of the last tick */
	bool read_only;      /* now */
	bool placed;         /* our own place was looked for */
	int64_t tick_ms;     /* of the last tick */
	int64_t upkeep_ms;
	int64_t self_ms;     /* next look for our own place */
	int64_t self_wait_ms;
	struct dht_packet *out; /* ring of DHT_OUT_MAX */
	uint32_t out_head, out_cnt;
	uint64_t counter[DHT_CTR_CNT];
};

/* node_ours tells whether an address is where we are. */
bool
node_ours(const struct dht_node *node, const struct dht_address *address);

/* node_out returns the next free packet of the queue, NULL when it is full; it is sent by
 * node_out_done. */
struct dht_packet *
node_out(struct dht_node *node);
void
node_out_done(struct dht_node *node);

/* node_ask sends a query.
 *
 * call  contact, owner, owner_serial and method; the rest is filled in.
 * ask   target, token, want; the rest is filled in.
 * Returns false when no more can be sent at the moment. */
bool
node_ask(struct dht_node *node, struct dht_call *call, struct dht_ask *ask, int64_t now_ms);

/* node_ping sends a ping; node_find asks one node for those near our own place. */
void
node_ping(struct dht_node *node, const struct dht_contact *contact, int64_t now_ms);
void
node_find(struct dht_node *node, const struct dht_contact *contact, int64_t now_ms);

/* node_lookup begins a lookup by find_node, or an announce; false when none is free. */
bool
node_lookup(struct dht_node *node, const uint8_t *target, bool is_self, int64_t now_ms);

/* node_task_replied, node_task_failed: a question that was asked for a lookup has ended.
 * message is a reply or an error. */
void
node_task_replied(struct dht_node *node, const struct dht_call *call,
                  const struct dht_message *message, int64_t now_ms);
void
node_task_failed(struct dht_node *node, const struct dht_call *call, int64_t now_ms);

/* node_tick goes on with every lookup. */
void
node_tick(struct dht_node *node, int64_t now_ms);

/* node_named takes the nodes that a reply names for a lookup (NULL: for the table). */
void
node_named(struct dht_node *node, struct dht_lookup *lookup, const struct dht_message *message,
           const struct dht_address *from, int64_t now_ms);

#endif
