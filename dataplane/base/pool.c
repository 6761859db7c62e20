/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Taking and freeing a pool's memory; the rest is inline. */
#include "dataplane/base/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
pool_init(struct pool *pool, size_t size, uint32_t cnt)
{
	size_t align = size >= 64 ? 64 : 8;
	size_t stride = (size + align - 1) & ~(align - 1);
	size_t total = (stride * cnt + 63) & ~(size_t)63;

	dp_assert(size >= sizeof(void *) && size <= (1u << 20));
	memset(pool, 0, sizeof(*pool));
	pool->memory = aligned_alloc(64, total > 0 ? total : 64);
	if (pool->memory == NULL)
		return -ENOMEM;
	pool->stride = (uint32_t)stride;
	pool->cnt = cnt;
	for (uint32_t i = cnt; i-- > 0;)
		pool_put(pool, pool->memory + i * stride);
	return 0;
}

void
pool_fini(struct pool *pool)
{
	free(pool->memory);
	memset(pool, 0, sizeof(*pool));
}
