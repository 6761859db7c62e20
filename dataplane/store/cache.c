/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The table of units, their buffers, and which of them gives way. */
#include "dataplane/store/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_USES_MAX = 3 };

int
cache_init(struct cache *cache, const struct store_config *config, uint32_t buf_cnt,
           uint64_t random)
{
	uint32_t bits = 1;

	while (((uint64_t)1 << bits) < (uint64_t)buf_cnt * 2)
		bits++;
	cache->ctr = config->ctr;
	cache->buf_shift = (uint32_t)__builtin_ctz(config->buffer_len);
	cache->table_shift = 64 - bits;
	cache->multiplier = random | 1;
	cache->hand = 0;
	cache->pool = buf_pool_create(config->arena, config->buffer_len, buf_cnt);
	cache->units = calloc(buf_cnt, sizeof(*cache->units));
	cache->table = calloc((size_t)1 << bits, sizeof(struct unit *));
	if (cache->pool != NULL && cache->units != NULL && cache->table != NULL)
		return 0;
	cache_fini(cache);
	return -ENOMEM;
}

void
cache_fini(struct cache *cache)
{
	for (uint32_t i = 0; cache->pool != NULL && cache->units != NULL && i < cache->pool->cnt;
	     i++)
		if (cache->units[i].state != UNIT_NONE)
			cache_drop(cache, &cache->units[i]);
	buf_pool_destroy(cache->pool);
	free(cache->units);
	free(cache->table);
	memset(cache, 0, sizeof(*cache));
}

/* bucket multiplies by a secret: which units share one is not for peers to choose. */
static struct unit **
bucket(const struct cache *cache, const struct content *content, uint32_t index)
{
	uint64_t key = (uint64_t)content->slot << 32 | index;

	return &cache->table[(key * cache->multiplier) >> cache->table_shift];
}

struct unit *
cache_find(const struct cache *cache, const struct content *content, uint32_t index)
{
	struct unit *unit = *bucket(cache, content, index);

	while (unit != NULL && (unit->index != index || unit->content != content))
		unit = unit->chain;
	return unit;
}

/* table_remove takes a unit out of the table and off its content's list. */
static void
table_remove(struct cache *cache, struct unit *unit)
{
	struct unit **link = bucket(cache, unit->content, unit->index);

	while (*link != unit) {
		dp_assert(*link != NULL);
		link = &(*link)->chain;
	}
	*link = unit->chain;
	if (unit->own_prev != NULL)
		unit->own_prev->own_next = unit->own_next;
	else
		unit->content->units = unit->own_next;
	if (unit->own_next != NULL)
		unit->own_next->own_prev = unit->own_prev;
	unit->content = NULL;
}

static void
table_insert(struct cache *cache, struct unit *unit)
{
	struct unit **link = bucket(cache, unit->content, unit->index);

	unit->chain = *link;
	*link = unit;
	unit->own_prev = NULL;
	unit->own_next = unit->content->units;
	if (unit->own_next != NULL)
		unit->own_next->own_prev = unit;
	unit->content->units = unit;
}

/* evict frees one idle buffer: the hand passes those in use, and takes one use off the others until
 * it finds one without. */
static void
evict(struct cache *cache)
{
	dp_assert(cache->pool->idle_cnt > 0);
	for (;;) {
		const struct buf *buf = &cache->pool->bufs[cache->hand];
		struct unit *unit = &cache->units[cache->hand];

		if (++cache->hand == cache->pool->cnt)
			cache->hand = 0;
		if (!buf->kept || buf->refcnt != 1)
			continue;
		if (unit->use_cnt > 0) {
			unit->use_cnt--;
			continue;
		}
		cache_drop(cache, unit);
		count(cache->ctr, CTR_cache_evictions);
		return;
	}
}

struct buf *
cache_buf_get(struct cache *cache)
{
	if (cache->pool->free_cnt == 0)
		evict(cache);
	return buf_get(cache->pool);
}

struct unit *
cache_take(struct cache *cache, struct content *content, uint32_t index)
{
	struct buf *buf = cache_buf_get(cache);
	struct unit *unit = &cache->units[buf->index];

	dp_assert(unit->state == UNIT_NONE);
	memset(unit, 0, sizeof(*unit));
	unit->buf = buf;
	unit->content = content;
	unit->index = index;
	unit->state = UNIT_READING;
	table_insert(cache, unit);
	return unit;
}

void
cache_use(struct unit *unit, uint32_t begin, uint32_t end)
{
	if (begin < unit->asked_len && unit->use_cnt < UNIT_USES_MAX)
		unit->use_cnt++;
	unit->asked_len = MAX(unit->asked_len, end);
}

void
cache_ready(struct unit *unit)
{
	dp_assert(unit->state == UNIT_READING);
	unit->state = UNIT_READY;
	buf_keep(unit->buf);
}

void
cache_drop(struct cache *cache, struct unit *unit)
{
	dp_assert(unit->state != UNIT_NONE && unit->wait_first == NULL);
	if (unit->state != UNIT_DETACHED)
		table_remove(cache, unit);
	if (unit->state == UNIT_READY)
		buf_unkeep(unit->buf);
	unit->state = UNIT_NONE;
	buf_put(unit->buf);
}

void
cache_detach(struct cache *cache, struct unit *unit)
{
	dp_assert(unit->state == UNIT_READING && unit->wait_first == NULL);
	table_remove(cache, unit);
	unit->state = UNIT_DETACHED;
}
