/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* table.h finds what is known of a flow: a connection or its TIME-WAIT, by a keyed hash of its
 * four-tuple, so that peers cannot choose where they fall.
 *
 * Threads. One worker.
 * Memory. Chains of nodes that live in their owners; the heads are taken at start, at least one
 * for each node that can be.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TABLE_H
#define SPILLWAY_DATAPLANE_TCP_TABLE_H

#include "dataplane/base/common.h"

#include <assert.h>

struct flow_key {
	uint32_t remote_be;
	uint32_t local_be;
	uint16_t remote_port;  /* host order */
	uint16_t local_port;   /* host order */
};
static_assert(sizeof(struct flow_key) == 12, "hashed as bytes: no padding");

enum flow_kind {
	FLOW_TCB,
	FLOW_TIME_WAIT,
};

struct flow {
	struct flow *next;
	struct flow_key key;
	uint32_t hash;
	uint8_t kind;          /* enum flow_kind: what the node lies in */
	uint8_t burst_last;    /* place of its last segment in the burst that was looked up last */
};

struct table {
	struct flow **heads;
	uint32_t mask;
	uint32_t cnt;
	uint32_t changes;      /* nodes added or removed, ever; wraps */
	uint64_t seed;
};

/* table_init takes heads for at least cnt nodes. Returns 0 or -ENOMEM. End with table_fini. */
COLD int
table_init(struct table *table, uint32_t cnt, uint64_t seed);

/* table_fini frees the heads. */
COLD void
table_fini(struct table *table);

/* table_find returns the node of a flow, or NULL. */
struct flow *
table_find(const struct table *table, const struct flow_key *key);

/* table_hash returns the hash of a flow, table_prefetch calls for what table_find_hashed will look at
 * for it, which is table_find for a hash that is known. */
uint32_t
table_hash(const struct table *table, const struct flow_key *key);
struct flow *
table_find_hashed(const struct table *table, const struct flow_key *key, uint32_t hash);
static inline void
table_prefetch(const struct table *table, uint32_t hash)
{
	__builtin_prefetch(&table->heads[hash & table->mask]);
}

/* table_add enters a node; its flow must not be in the table. */
void
table_add(struct table *table, struct flow *flow, const struct flow_key *key);

/* table_remove takes out a node that is in the table. */
void
table_remove(struct table *table, struct flow *flow);

#endif
