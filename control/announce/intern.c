/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A hash table with chains of indices. */
#include "control/announce/intern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
	BUCKETS_MIN = 64,
};

void
intern_free(struct intern *table)
{
	for (uint32_t i = 0; i < table->entry_cnt; i++)
		free(table->entry[i].bytes);
	free(table->entry);
	free(table->bucket);
	*table = (struct intern){0};
}

static void
bucket_put(struct intern *table, uint32_t index)
{
	uint32_t *head = &table->bucket[table->entry[index].hash & (table->bucket_cnt - 1)];

	table->entry[index].next = *head;
	*head = index + 1;
}

/* buckets_grow keeps chains short. Returns false when there is no table at all. */
static bool
buckets_grow(struct intern *table)
{
	uint32_t cnt = table->bucket_cnt == 0 ? BUCKETS_MIN : table->bucket_cnt * 2;

	if (table->live_cnt < table->bucket_cnt)
		return true;
	uint32_t *bucket = calloc(cnt, sizeof(*bucket));
	if (bucket == NULL)
		return table->bucket != NULL;
	free(table->bucket);
	table->bucket = bucket;
	table->bucket_cnt = cnt;
	for (uint32_t i = 0; i < table->entry_cnt; i++)
		if (table->entry[i].bytes != NULL)
			bucket_put(table, i);
	return true;
}

static uint32_t
entry_new(struct intern *table)
{
	if (table->free != 0) {
		uint32_t index = table->free - 1;
		table->free = table->entry[index].next;
		return index;
	}
	if (table->entry_cnt == table->entry_cap) {
		uint32_t cap = table->entry_cap + table->entry_cap / 4 + 16;
		struct intern_entry *entry = realloc(table->entry, cap * sizeof(*entry));
		if (entry == NULL)
			return INTERN_NONE;
		table->entry = entry;
		table->entry_cap = cap;
	}
	table->entry[table->entry_cnt] = (struct intern_entry){0};
	return table->entry_cnt++;
}

static void
entry_release(struct intern *table, uint32_t index)
{
	table->entry[index] = (struct intern_entry){.next = table->free};
	table->free = index + 1;
}

static uint32_t
find(const struct intern *table, const void *bytes, size_t len, uint32_t hash)
{
	if (table->bucket_cnt == 0)
		return INTERN_NONE;
	for (uint32_t i = table->bucket[hash & (table->bucket_cnt - 1)]; i != 0;
	     i = table->entry[i - 1].next) {
		const struct intern_entry *entry = &table->entry[i - 1];
		if (entry->hash == hash && entry->len == len && memcmp(entry->bytes, bytes, len) == 0)
			return i - 1;
	}
	return INTERN_NONE;
}

uint32_t
intern_take(struct intern *table, const void *bytes, size_t len, bool *is_new)
{
	uint32_t hash = (uint32_t)XXH3_64bits(bytes, len);
	uint32_t index = find(table, bytes, len, hash);

	*is_new = index == INTERN_NONE;
	if (!*is_new) {
		table->entry[index].hold_cnt++;
		return index;
	}
	uint8_t *copy = malloc(len + 1);
	if (copy == NULL || !buckets_grow(table) || (index = entry_new(table)) == INTERN_NONE) {
		free(copy);
		return INTERN_NONE;
	}
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	table->entry[index] = (struct intern_entry){
		.bytes = copy,
		.len = (uint32_t)len,
		.hold_cnt = 1,
		.hash = hash,
	};
	table->live_cnt++;
	bucket_put(table, index);
	return index;
}

void
intern_hold(struct intern *table, uint32_t index)
{
	assert(index < table->entry_cnt && table->entry[index].hold_cnt > 0);
	table->entry[index].hold_cnt++;
}

bool
intern_drop(struct intern *table, uint32_t index)
{
	assert(index < table->entry_cnt && table->entry[index].hold_cnt > 0);
	struct intern_entry *entry = &table->entry[index];
	if (--entry->hold_cnt > 0)
		return false;
	uint32_t *link = &table->bucket[entry->hash & (table->bucket_cnt - 1)];
	while (*link != index + 1)
		link = &table->entry[*link - 1].next;
	*link = entry->next;
	free(entry->bytes);
	entry_release(table, index);
	table->live_cnt--;
	return true;
}

const void *
intern_bytes(const struct intern *table, uint32_t index)
{
	assert(index < table->entry_cnt && table->entry[index].hold_cnt > 0);
	return table->entry[index].bytes;
}

uint32_t
intern_len(const struct intern *table, uint32_t index)
{
	assert(index < table->entry_cnt && table->entry[index].hold_cnt > 0);
	return table->entry[index].len;
}
