/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A chained hash table. */
#include "dataplane/tcp/table.h"

#include "dataplane/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
table_init(struct table *table, uint32_t cnt, uint64_t seed)
{
	uint32_t heads = 64;

	while (heads < cnt)
		heads *= 2;
	memset(table, 0, sizeof(*table));
	table->heads = calloc(heads, sizeof(*table->heads));
	if (table->heads == NULL)
		return -ENOMEM;
	table->mask = heads - 1;
	table->seed = seed;
	return 0;
}

void
table_fini(struct table *table)
{
	free(table->heads);
	memset(table, 0, sizeof(*table));
}

uint32_t
table_hash(const struct table *table, const struct flow_key *key)
{
	return (uint32_t)hash_keyed(key, sizeof(*key), table->seed);
}

struct flow *
table_find(const struct table *table, const struct flow_key *key)
{
	return table_find_hashed(table, key, table_hash(table, key));
}

struct flow *
table_find_hashed(const struct table *table, const struct flow_key *key, uint32_t hash)
{
	struct flow *flow = table->heads[hash & table->mask];

	while (flow != NULL &&
	       (flow->hash != hash || memcmp(&flow->key, key, sizeof(*key)) != 0))
		flow = flow->next;
	return flow;
}

void
table_add(struct table *table, struct flow *flow, const struct flow_key *key)
{
	struct flow **head;

	dp_assert(table->cnt <= table->mask);
	flow->key = *key;
	flow->hash = table_hash(table, key);
	head = &table->heads[flow->hash & table->mask];
	flow->next = *head;
	*head = flow;
	table->cnt++;
	table->changes++;
}

void
table_remove(struct table *table, struct flow *flow)
{
	struct flow **at = &table->heads[flow->hash & table->mask];

	while (*at != flow) {
		dp_assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = flow->next;
	flow->next = NULL;
	table->cnt--;
	table->changes++;
}
