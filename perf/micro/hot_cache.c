/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The block cache, without the reads. */
#include "perf/micro/hot.h"

#include "dataplane/store/state.h"

#include <stdlib.h>

enum {
	CONTENTS = 16,
	AT_ONCE = 256,
	BUF_LEN = ABI_BUFFER_MIN,
	BLOCK_LEN = 16384,
};

static const uint64_t secret = 0x9e3779b97f4a7c15u;
static struct cache cache;
static struct counters ctr;
static struct content contents[CONTENTS];
static uint8_t *arena;
static uint32_t first;         /* unit in the cache, counted over all contents in turn */
static uint32_t cnt;           /* units from there on */
static uint64_t state;

/* draw returns a number below limit, the same ones in every run. */
static uint32_t
draw(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state & 0xffffffff) * limit >> 32);
}

static void
enter(uint32_t number)
{
	struct content *content = &contents[number % CONTENTS];

	cache_ready(cache_take(&cache, content, number / CONTENTS));
}

void
hot_cache_open(uint32_t units)
{
	struct store_config config = {.buffer_len = BUF_LEN, .ctr = &ctr};

	/* never touched: only the pages' addresses are needed */
	arena = malloc((size_t)units * BUF_LEN);
	dp_assert(arena != NULL);
	config.arena = arena;
	state = 88172645463325252u;
	first = 0;
	cnt = units;
	for (uint32_t i = 0; i < CONTENTS; i++)
		contents[i] = (struct content){.slot = i};
	dp_assert(cache_init(&cache, &config, units, secret) == 0);
	for (uint32_t i = 0; i < units; i++)
		enter(i);
}

HOT_ROUND uint32_t
hot_round_cache_hit(void)
{
	for (uint32_t i = 0; i < AT_ONCE; i++) {
		uint32_t number = first + draw(cnt);
		struct unit *unit = cache_find(&cache, &contents[number % CONTENTS],
		                               number / CONTENTS);

		dp_assert(unit != NULL && unit->state == UNIT_READY);
		cache_use(&cache, unit, 0, BLOCK_LEN);
		buf_put(buf_ref(unit->buf));
	}
	return AT_ONCE;
}

HOT_ROUND uint32_t
hot_round_cache_take(void)
{
	for (uint32_t i = 0; i < AT_ONCE; i++)
		enter(first++ + cnt);
	return AT_ONCE;
}

void
hot_cache_close(void)
{
	cache_fini(&cache);
	free(arena);
}
