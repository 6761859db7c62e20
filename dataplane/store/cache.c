/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The table of units, their buffers, and which of them gives way. */
#include "dataplane/store/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	UNIT_USES_MAX = 3,
	LOOK_MAX = 32,         /* buffers looked at for a unit that is spent */
	TARGET_GROWS_SHIFT = 3, /* by an eighth for each ghost */
};

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
	cache->high = 0;
	cache->target_min = MIN(buf_cnt, MAX((uint32_t)STORE_HOT_LEN >> cache->buf_shift, 1u));
	cache->target = buf_cnt;
	cache->barren_cnt = 0;
	cache->pool = buf_pool_create(config->arena, config->buffer_len, buf_cnt);
	cache->units = calloc(buf_cnt, sizeof(*cache->units));
	cache->table = calloc((size_t)1 << bits, sizeof(struct unit *));
	cache->ghosts = calloc((size_t)1 << bits, sizeof(*cache->ghosts));
	if (cache->pool != NULL && cache->units != NULL && cache->table != NULL &&
	    cache->ghosts != NULL)
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
	free(cache->ghosts);
	memset(cache, 0, sizeof(*cache));
}

/* hash_of multiplies by a secret: which units share a place is not for peers to choose. */
static uint64_t
hash_of(const struct cache *cache, const struct content *content, uint32_t index)
{
	return ((uint64_t)content->slot << 32 | index) * cache->multiplier;
}

static struct unit **
bucket(const struct cache *cache, const struct content *content, uint32_t index)
{
	return &cache->table[hash_of(cache, content, index) >> cache->table_shift];
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

/* ---- ghosts: what had to go */

/* ghost_tag returns what tells a unit from others of its place, never 0. */
static uint32_t
ghost_tag(uint64_t hash)
{
	return (uint32_t)hash | 1;
}

static void
ghost_leave(struct cache *cache, const struct unit *unit)
{
	uint64_t hash = hash_of(cache, unit->content, unit->index);

	cache->ghosts[hash >> cache->table_shift] = ghost_tag(hash);
	if (++cache->barren_cnt < 2 * cache->target)
		return;
	cache->barren_cnt = 0;
	cache->target = MAX(cache->target / 2, cache->target_min);
}

/* ghost_meet takes note of a unit that is read: one that had gone would have been of use. */
static void
ghost_meet(struct cache *cache, const struct content *content, uint32_t index)
{
	uint64_t hash = hash_of(cache, content, index);
	uint32_t *ghost = &cache->ghosts[hash >> cache->table_shift];

	if (*ghost != ghost_tag(hash))
		return;
	*ghost = 0;
	cache->barren_cnt = 0;
	cache->target += (cache->target >> TARGET_GROWS_SHIFT) + 1;
	cache->target = MIN(cache->target, cache->pool->cnt);
	count(cache->ctr, CTR_cache_ghosts);
}

/* ---- giving way */

static bool
is_idle(const struct cache *cache, uint32_t at)
{
	return cache->pool->bufs[at].kept && cache->pool->bufs[at].refcnt == 1;
}

static inline uint32_t
next_place(const struct cache *cache, uint32_t at)
{
	return at + 1 < cache->high ? at + 1 : 0;
}

/* find_spent looks for a unit that nobody has asked for again, asked for to its end, over a few
 * buffers from the hand on, and leaves the hand behind it. NULL: none, the hand is behind those.
 * age: one use is taken off the first that it passes and that has any. */
static struct unit *
find_spent(struct cache *cache, bool age)
{
	for (uint32_t i = 0; i < LOOK_MAX; i++) {
		struct unit *unit = &cache->units[cache->hand];
		bool idle = is_idle(cache, cache->hand);

		cache->hand = next_place(cache, cache->hand);
		if (idle && unit->use_cnt == 0 && unit->asked_len >= unit->len)
			return unit;
		if (age && idle && unit->use_cnt > 0) {
			unit->use_cnt--;
			age = false;
		}
	}
	return NULL;
}

/* find_unused turns the hand to the next unit that can give way: it takes one use off each that it
 * passes. */
static struct unit *
find_unused(struct cache *cache)
{
	dp_assert(cache->pool->idle_cnt > 0);
	for (;;) {
		struct unit *unit = &cache->units[cache->hand];
		bool idle = is_idle(cache, cache->hand);

		cache->hand = next_place(cache, cache->hand);
		if (idle && unit->use_cnt == 0)
			return unit;
		if (idle)
			unit->use_cnt--;
	}
}

static void
evict(struct cache *cache, struct unit *unit)
{
	ghost_leave(cache, unit);
	cache_drop(cache, unit);
	count(cache->ctr, CTR_cache_evictions);
}

/* make_room frees a buffer where there is none: of the next unit that can give way, or of a better
 * one shortly behind it. */
static void
make_room(struct cache *cache)
{
	struct unit *unit = find_unused(cache);
	uint32_t hand = cache->hand;
	struct unit *spent = NULL;

	if (unit->asked_len < unit->len)
		spent = find_spent(cache, false);
	if (spent == NULL)
		cache->hand = hand;
	evict(cache, spent != NULL ? spent : unit);
}

/* keep_few frees a buffer where there are others but enough are taken, if a unit is spent; and
 * another where too many are. */
static void
keep_few(struct cache *cache, uint32_t taken_cnt)
{
	bool too_many = taken_cnt > cache->target;
	uint32_t cnt = 1 + too_many;
	struct unit *spent;

	while (cnt-- > 0 && (spent = find_spent(cache, too_many)) != NULL)
		evict(cache, spent);
}

struct buf *
cache_buf_get(struct cache *cache)
{
	struct buf_pool *pool = cache->pool;
	struct buf *buf;

	if (pool->free_cnt == 0)
		make_room(cache);
	if (pool->cnt - pool->free_cnt >= cache->target && pool->idle_cnt > 0)
		keep_few(cache, pool->cnt - pool->free_cnt);
	buf = buf_get(pool);
	cache->high = MAX(cache->high, buf->index + 1);
	return buf;
}

struct unit *
cache_take(struct cache *cache, struct content *content, uint32_t index)
{
	struct buf *buf = cache_buf_get(cache);
	struct unit *unit = &cache->units[buf->index];

	dp_assert(unit->state == UNIT_NONE);
	ghost_meet(cache, content, index);
	memset(unit, 0, sizeof(*unit));
	unit->buf = buf;
	unit->content = content;
	unit->index = index;
	unit->state = UNIT_READING;
	table_insert(cache, unit);
	return unit;
}

void
cache_use(struct cache *cache, struct unit *unit, uint32_t begin, uint32_t end)
{
	if (begin < unit->asked_len) {
		unit->use_cnt += unit->use_cnt < UNIT_USES_MAX;
		cache->barren_cnt = 0;
	}
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
