/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A hash table of buckets; what finds its bucket full goes to the next one that is not. */
#include "dataplane/tcp/table.h"

#include "dataplane/base/hash.h"

#include <errno.h>
#include <string.h>

enum {
	FILL = 5,              /* places of a bucket that are taken, on average, at most */
	OVER_MAX = UINT8_MAX,
};

#define TAGS      0x0001010101010101u  /* one in each tag */
#define TAGS_HIGH 0x0080808080808080u

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tags are compared as a number");

int
table_init(struct table *table, uint32_t cnt, uint64_t seed, enum memory_how how,
           uint32_t *missed)
{
	uint32_t buckets = (cnt + FILL - 1) / FILL;

	dp_assert(cnt >= 1 && cnt <= 1u << 24);
	memset(table, 0, sizeof(*table));
	table->buckets = memory_take(buckets * sizeof(*table->buckets), how, missed);
	if (table->buckets == NULL)
		return -ENOMEM;
	table->bucket_cnt = buckets;
	table->max = cnt;
	table->seed = seed;
	return 0;
}

void
table_fini(struct table *table)
{
	if (table->buckets != NULL)
		memory_give(table->buckets, table->bucket_cnt * sizeof(*table->buckets));
	memset(table, 0, sizeof(*table));
}

uint32_t
table_hash(const struct table *table, const struct flow_key *key)
{
	return (uint32_t)hash_keyed(key, sizeof(*key), table->seed);
}

/* after returns the bucket that follows. */
static uint32_t
after(const struct table *table, uint32_t at)
{
	return at + 1 < table->bucket_cnt ? at + 1 : 0;
}

/* tag_of returns what a place says of its flow, never 0: the low bits of its hash. */
static uint8_t
tag_of(uint32_t hash)
{
	uint8_t tag = (uint8_t)hash;

	return tag != 0 ? tag : 1;
}

/* alike returns a bit, the highest of its byte, for each place that has a tag, and maybe for some
 * above one that has. */
static uint64_t
alike(const struct table_bucket *bucket, uint8_t tag)
{
	uint64_t tags;

	memcpy(&tags, bucket, sizeof(tags));
	tags ^= TAGS * tag;
	return (tags - TAGS) & ~tags & TAGS_HIGH;
}

static struct flow *
place_first(const struct table_bucket *bucket, uint64_t places)
{
	return bucket->flow[__builtin_ctzll(places) / 8];
}

struct flow *
table_likely(const struct table *table, uint32_t hash)
{
	const struct table_bucket *bucket = &table->buckets[table_home(table, hash)];
	uint64_t places = alike(bucket, tag_of(hash));

	return places != 0 ? place_first(bucket, places) : NULL;
}

struct flow *
table_find_hashed(const struct table *table, const struct flow_key *key, uint32_t hash)
{
	uint32_t at = table_home(table, hash);
	uint8_t tag = tag_of(hash);

	for (uint32_t i = 0; i < table->bucket_cnt; i++, at = after(table, at)) {
		const struct table_bucket *bucket = &table->buckets[at];

		for (uint64_t places = alike(bucket, tag); places != 0; places &= places - 1) {
			struct flow *flow = place_first(bucket, places);

			if (flow != NULL && flow->hash == hash &&
			    memcmp(&flow->key, key, sizeof(*key)) == 0)
				return flow;
		}
		if (LIKELY(bucket->over == 0))
			return NULL;
	}
	return NULL;
}

struct flow *
table_find(const struct table *table, const struct flow_key *key)
{
	return table_find_hashed(table, key, table_hash(table, key));
}

struct flow *
table_each(const struct table *table, uint32_t *at)
{
	while (table->buckets != NULL && *at < table->bucket_cnt * TABLE_PLACES) {
		const struct table_bucket *bucket = &table->buckets[*at / TABLE_PLACES];
		struct flow *flow = bucket->flow[*at % TABLE_PLACES];

		++*at;
		if (flow != NULL)
			return flow;
	}
	return NULL;
}

/* place_of returns where a flow stands in a bucket, NULL: a free place; TABLE_PLACES: nowhere. */
static uint32_t
place_of(const struct table_bucket *bucket, const struct flow *flow)
{
	uint32_t place = 0;

	while (place < TABLE_PLACES && bucket->flow[place] != flow)
		place++;
	return place;
}

void
table_add(struct table *table, struct flow *flow, const struct flow_key *key)
{
	struct table_bucket *bucket;
	uint32_t at;
	uint32_t place;

	dp_assert(table->cnt < table->max);
	flow->key = *key;
	flow->hash = table_hash(table, key);
	at = table_home(table, flow->hash);
	while ((place = place_of(&table->buckets[at], NULL)) == TABLE_PLACES) {
		bucket = &table->buckets[at];
		bucket->over += bucket->over < OVER_MAX;
		at = after(table, at);
	}
	bucket = &table->buckets[at];
	bucket->flow[place] = flow;
	bucket->tag[place] = tag_of(flow->hash);
	table->cnt++;
	table->changes++;
}

void
table_remove(struct table *table, struct flow *flow)
{
	struct table_bucket *bucket;
	uint32_t at = table_home(table, flow->hash);
	uint32_t place;

	while ((place = place_of(&table->buckets[at], flow)) == TABLE_PLACES) {
		bucket = &table->buckets[at];
		dp_assert(bucket->over > 0);
		bucket->over -= bucket->over < OVER_MAX;
		at = after(table, at);
	}
	bucket = &table->buckets[at];
	bucket->flow[place] = NULL;
	bucket->tag[place] = 0;
	table->cnt--;
	table->changes++;
}
