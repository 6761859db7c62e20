/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A mempool handler for a pool that one worker uses: a stack without locks or atomics, so that
 * the buffers in use are few and stay in the processor's cache. */
#include "dataplane/port/device.h"

#include <rte_malloc.h>
#include <rte_mempool.h>

#include <errno.h>
#include <string.h>

const char lifo_name[] = "spillway_lifo";

struct lifo {
	uint32_t cnt;
	uint32_t max;
	void *objs[];
};

static COLD int
lifo_alloc(struct rte_mempool *pool)
{
	size_t size = sizeof(struct lifo) + pool->size * sizeof(void *);
	struct lifo *lifo = rte_zmalloc_socket(lifo_name, size, RTE_CACHE_LINE_SIZE,
	                                       pool->socket_id);

	if (lifo == NULL)
		return -ENOMEM;
	lifo->max = pool->size;
	pool->pool_data = lifo;
	return 0;
}

static COLD void
lifo_free(struct rte_mempool *pool)
{
	rte_free(pool->pool_data);
}

static int
lifo_enqueue(struct rte_mempool *pool, void *const *objs, unsigned int cnt)
{
	struct lifo *lifo = pool->pool_data;

	if (UNLIKELY(cnt > lifo->max - lifo->cnt))
		return -ENOBUFS;
	memcpy(lifo->objs + lifo->cnt, objs, cnt * sizeof(*objs));
	lifo->cnt += cnt;
	return 0;
}

static int
lifo_dequeue(struct rte_mempool *pool, void **objs, unsigned int cnt)
{
	struct lifo *lifo = pool->pool_data;

	if (UNLIKELY(cnt > lifo->cnt))
		return -ENOBUFS;
	lifo->cnt -= cnt;
	memcpy(objs, lifo->objs + lifo->cnt, cnt * sizeof(*objs));
	return 0;
}

static unsigned int
lifo_count(const struct rte_mempool *pool)
{
	const struct lifo *lifo = pool->pool_data;

	return lifo->cnt;
}

static const struct rte_mempool_ops lifo_ops = {
	.name = "spillway_lifo",
	.alloc = lifo_alloc,
	.free = lifo_free,
	.enqueue = lifo_enqueue,
	.dequeue = lifo_dequeue,
	.get_count = lifo_count,
};

RTE_MEMPOOL_REGISTER_OPS(lifo_ops);
