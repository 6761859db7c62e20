/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* table.h finds what is known of a flow: a connection or its TIME-WAIT, by a keyed hash of its
 * four-tuple, so that peers cannot choose where they fall.
 *
 * A bucket is a cache line: seven places, a tag of each, which is a byte of its hash, and a count
 * of the flows that found it full and went on to one of the next. A flow that is not there costs
 * one line, one that is there that and its own; at most 5 of 7 places are taken, on average.
 *
 * Threads. One worker.
 * Memory. Nodes live in their owners; buckets are taken at start, on hugepages where there are any.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TABLE_H
#define SPILLWAY_DATAPLANE_TCP_TABLE_H

#include "dataplane/base/memory.h"

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
	struct flow_key key;
	uint32_t hash;
	uint8_t kind;          /* enum flow_kind: what the node lies in */
	uint8_t burst_last;    /* place of its last segment in the burst that was looked up last */
};

enum { TABLE_PLACES = 7 };

struct table_bucket {
	uint8_t tag[TABLE_PLACES];     /* of the flow at a place; 0: the place is free */
	uint8_t over;          /* flows that went on from here; 255 stays */
	struct flow *flow[TABLE_PLACES];
} __attribute__((aligned(64)));
static_assert(sizeof(struct table_bucket) == 64, "one line to look at");

struct table {
	struct table_bucket *buckets;
	uint32_t bucket_cnt;
	uint32_t cnt;
	uint32_t max;
	uint32_t changes;      /* nodes added or removed, ever; wraps */
	uint64_t seed;
};

/* table_init takes buckets for cnt nodes, [1, 2^24]; how and missed as of memory_take. Returns 0 or
 * -ENOMEM. End with table_fini. */
COLD int
table_init(struct table *table, uint32_t cnt, uint64_t seed, enum memory_how how,
           uint32_t *missed);

/* table_fini frees the buckets. */
COLD void
table_fini(struct table *table);

/* table_find returns the node of a flow, or NULL. */
struct flow *
table_find(const struct table *table, const struct flow_key *key);

/* table_home returns the bucket that a hash belongs to: by its high bits. */
static inline uint32_t
table_home(const struct table *table, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * table->bucket_cnt >> 32);
}

/* table_hash returns the hash of a flow, table_prefetch calls for what table_find_hashed will look
 * at for it, which is table_find for a hash that is known. */
uint32_t
table_hash(const struct table *table, const struct flow_key *key);
struct flow *
table_find_hashed(const struct table *table, const struct flow_key *key, uint32_t hash);
static inline void
table_prefetch(const struct table *table, uint32_t hash)
{
	__builtin_prefetch(&table->buckets[table_home(table, hash)]);
}

/* table_likely returns the node that table_find_hashed will probably find, without a look at the
 * node itself; NULL: probably none. */
struct flow *
table_likely(const struct table *table, uint32_t hash);

/* table_each goes through all nodes: *at is 0 at first. Returns the next one, NULL at the end. The
 * node returned last may be removed. */
COLD struct flow *
table_each(const struct table *table, uint32_t *at);

/* table_add enters a node; its flow must not be in the table. */
void
table_add(struct table *table, struct flow *flow, const struct flow_key *key);

/* table_remove takes out a node that is in the table. */
void
table_remove(struct table *table, struct flow *flow);

#endif
