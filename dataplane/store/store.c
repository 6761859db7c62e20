/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making and ending a store. */
#include "dataplane/store/state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static COLD bool
config_is_sound(const struct store_config *config)
{
	uint32_t len = config->buffer_len;
	uint64_t buf_cnt;

	if (len < ABI_BUFFER_MIN || len > ABI_UNIT_MAX || (len & (len - 1)) != 0)
		return false;
	buf_cnt = config->arena_len / len;
	return (uintptr_t)config->arena % STORE_ALIGN == 0 && buf_cnt >= STORE_BUFFERS_MIN &&
	       buf_cnt <= UINT32_MAX && config->torrents_max > 0 && config->active_max > 0;
}

/* drain waits for every read in flight. */
static COLD void
drain(struct store *store)
{
	struct ring_end end;

	while (ring_reading(store->ring) > 0) {
		ring_wait(store->ring);
		while (ring_take(store->ring, &end))
			unit_ended(store, end.user, end.res);
	}
}

void
store_destroy(struct store *store)
{
	content_fini(store);
	if (store->ring != NULL)
		drain(store);
	ring_destroy(store->ring);
	if (store->cache.pool != NULL)
		cache_fini(&store->cache);
	catalogue_fini(store);
	free(store);
}

/* store_parts makes what a store consists of; on failure store_destroy takes back what there is. */
static COLD int
store_parts(struct store *store, const struct store_config *config, const uint64_t random[3])
{
	uint32_t buf_cnt = (uint32_t)(config->arena_len / config->buffer_len);
	struct ring_config ring = {
		.depth = STORE_RING_ENTRIES,
		.files_max = STORE_FILES_MAX,
		.memory = config->arena,
		.polled = config->polled,
		.memory_len = (uint64_t)buf_cnt * config->buffer_len,
	};
	int err;

	store->ring = ring_create(&ring);
	if (store->ring == NULL)
		return -errno;
	store->seed = random[0];
	store->integrity = config->integrity;
	store->lot = random[2];
	err = cache_init(&store->cache, config, buf_cnt, random[1]);
	if (err == 0)
		err = catalogue_init(store, config->torrents_max);
	if (err == 0)
		err = content_init(store, config->active_max);
	return err;
}

struct store *
store_create(const struct store_config *config)
{
	struct store *store;
	uint64_t random[3];
	int err;

	if (!config_is_sound(config)) {
		errno = EINVAL;
		return NULL;
	}
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return NULL;
	store = calloc(1, sizeof(*store));
	if (store == NULL)
		return NULL;
	store->ctr = config->ctr;
	store->stats = config->stats;
	err = store_parts(store, config, random);
	if (err != 0) {
		store_destroy(store);
		errno = -err;
		return NULL;
	}
	gauge_set(store->ctr, CTR_arena_buffers, store->cache.pool->cnt);
	gauge_set(store->ctr, CTR_arena_free, store->cache.pool->cnt);
	return store;
}

int
store_wait_fd(const struct store *store)
{
	return ring_wait_fd(store->ring);
}
