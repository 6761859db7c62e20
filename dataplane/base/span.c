/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making and ending buffer pools; the rest is inline. */
#include "dataplane/base/span.h"

#include <stdlib.h>

struct buf_pool *
buf_pool_create(void *memory, uint32_t buf_len, uint32_t cnt)
{
	struct buf_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->bufs = calloc(cnt, sizeof(*pool->bufs));
	if (pool->bufs == NULL) {
		free(pool);
		return NULL;
	}
	pool->memory = memory;
	pool->buf_len = buf_len;
	pool->cnt = cnt;
	pool->free_cnt = cnt;
	for (uint32_t i = cnt; i-- > 0;) {
		pool->bufs[i].data = pool->memory + (size_t)i * buf_len;
		pool->bufs[i].index = i;
		pool->bufs[i].pool = pool;
		pool->bufs[i].next = pool->free;
		pool->free = &pool->bufs[i];
	}
	return pool;
}

void
buf_pool_destroy(struct buf_pool *pool)
{
	if (pool == NULL)
		return;
	dp_assert(pool->free_cnt == pool->cnt);
	free(pool->bufs);
	free(pool);
}
