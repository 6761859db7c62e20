/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Taking and freeing a pool's memory; the rest is inline. */
#include "dataplane/base/pool.h"

#include <errno.h>
#include <string.h>

int
pool_init(struct pool *pool, size_t size, uint32_t cnt)
{
	return pool_init_how(pool, size, cnt, MEMORY_ASKED, NULL);
}

int
pool_init_how(struct pool *pool, size_t size, uint32_t cnt, enum memory_how how,
              uint32_t *missed)
{
	size_t align = size >= 64 ? 64 : 8;
	size_t stride = (size + align - 1) & ~(align - 1);
	size_t total = MAX(stride * cnt, (size_t)64);

	dp_assert(size >= sizeof(void *) && size <= (1u << 20));
	memset(pool, 0, sizeof(*pool));
	pool->memory = memory_take(total, how, missed);
	if (pool->memory == NULL)
		return -ENOMEM;
	pool->memory_len = total;
	pool->stride = (uint32_t)stride;
	pool->cnt = cnt;
	for (uint32_t i = cnt; i-- > 0;)
		pool_put(pool, pool->memory + i * stride);
	return 0;
}

void
pool_fini(struct pool *pool)
{
	if (pool->memory != NULL)
		memory_give(pool->memory, pool->memory_len);
	memset(pool, 0, sizeof(*pool));
}
