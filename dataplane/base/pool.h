/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* pool.h hands out objects of one size from memory taken at start: the only allocation that the
 * packet path knows.
 *
 * Threads. A pool belongs to one worker.
 * Memory. cnt objects, cache-line aligned; last freed, first handed out. Contents are not cleared
 * between uses.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_POOL_H
#define SPILLWAY_DATAPLANE_BASE_POOL_H

#include "dataplane/base/memory.h"

struct pool {
	void *free;        /* the first word of a free object is the next one */
	uint32_t free_cnt;
	uint32_t cnt;
	uint32_t stride;   /* bytes from one object to the next */
	uint8_t *memory;
	size_t memory_len;
};

/* pool_init takes memory for cnt objects of size bytes.
 *
 * size   [sizeof(void *), 2^20]; rounded up to whole cache lines when at least one line,
 *        else to 8 bytes.
 * Returns 0, or -ENOMEM. End with pool_fini. */
COLD int
pool_init(struct pool *pool, size_t size, uint32_t cnt);

/* pool_init_how is pool_init with memory as memory_take takes it. */
COLD int
pool_init_how(struct pool *pool, size_t size, uint32_t cnt, enum memory_how how,
              uint32_t *missed);

/* pool_fini frees the memory, whether or not all objects are back. */
COLD void
pool_fini(struct pool *pool);

/* pool_get returns an object with undefined contents, or NULL when the pool is empty. */
static inline void *
pool_get(struct pool *pool)
{
	void *object = pool->free;

	if (UNLIKELY(object == NULL))
		return NULL;
	pool->free = *(void **)object;
	pool->free_cnt--;
	return object;
}

/* pool_put gives back an object that pool_get returned. */
static inline void
pool_put(struct pool *pool, void *object)
{
	dp_assert(pool->free_cnt < pool->cnt);
	*(void **)object = pool->free;
	pool->free = object;
	pool->free_cnt++;
}

/* pool_index returns the object's place in the pool, [0, cnt). */
static inline uint32_t
pool_index(const struct pool *pool, const void *object)
{
	return (uint32_t)((size_t)((const uint8_t *)object - pool->memory) / pool->stride);
}

/* pool_at returns the object at a place, used or free. */
static inline void *
pool_at(const struct pool *pool, uint32_t index)
{
	dp_assert(index < pool->cnt);
	return pool->memory + (size_t)index * pool->stride;
}

#endif
