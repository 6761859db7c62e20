/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Which torrents there are: found by info_hash and by id, kept in use by their peers, and what
 * control is to be told of them. */
#include "dataplane/store/state.h"

#include "dataplane/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
catalogue_init(struct store *store, uint32_t torrents_max)
{
	uint64_t table_len = 1;

	while (table_len < torrents_max)
		table_len *= 2;
	store->torrents_max = torrents_max;
	store->table_mask = (uint32_t)(table_len - 1);
	store->torrents = calloc(torrents_max, sizeof(*store->torrents));
	store->by_hash = calloc(table_len, sizeof(struct torrent *));
	store->by_id = calloc(table_len, sizeof(struct torrent *));
	store->events = calloc(STORE_EVENTS_MAX, sizeof(*store->events));
	store->idle.lru_prev = &store->idle;
	store->idle.lru_next = &store->idle;
	if (store->torrents == NULL || store->by_hash == NULL || store->by_id == NULL ||
	    store->events == NULL)
		return -ENOMEM;
	return 0;
}

void
catalogue_fini(struct store *store)
{
	free(store->torrents);
	free(store->by_hash);
	free(store->by_id);
	free(store->events);
}

/* ---- tables */

static struct torrent **
hash_bucket(const struct store *store, const uint8_t info_hash[20])
{
	return &store->by_hash[hash_keyed(info_hash, 20, store->seed) & store->table_mask];
}

static struct torrent **
id_bucket(const struct store *store, uint32_t id)
{
	return &store->by_id[hash_keyed(&id, sizeof(id), store->seed) & store->table_mask];
}

struct torrent *
store_find(struct store *store, const uint8_t info_hash[20])
{
	struct torrent *torrent = *hash_bucket(store, info_hash);

	while (torrent != NULL && memcmp(torrent->info_hash, info_hash, 20) != 0)
		torrent = torrent->chain;
	return torrent;
}

struct torrent *
store_by_id(struct store *store, uint32_t id)
{
	struct torrent *torrent = *id_bucket(store, id);

	while (torrent != NULL && torrent->id != id)
		torrent = torrent->id_chain;
	return torrent;
}

/* torrent_take returns a cleared entry, or NULL when torrents_max are used. */
static COLD struct torrent *
torrent_take(struct store *store)
{
	struct torrent *torrent = store->torrents_free;

	if (torrent != NULL)
		store->torrents_free = torrent->chain;
	else if (store->torrents_used < store->torrents_max)
		torrent = &store->torrents[store->torrents_used++];
	else
		return NULL;
	memset(torrent, 0, sizeof(*torrent));
	gauge_set(store->ctr, CTR_torrents, ++store->torrent_cnt);
	return torrent;
}

enum abi_status
store_add(struct store *store, uint32_t id, const uint8_t info_hash[20])
{
	struct torrent *same_hash = store_find(store, info_hash);
	struct torrent *same_id = store_by_id(store, id);
	struct torrent *torrent, **link;

	if (id == 0)
		return ABI_ERR_MESSAGE;
	if (same_hash != NULL || same_id != NULL)
		return same_hash == same_id ? ABI_OK : ABI_ERR_EXISTS;
	torrent = torrent_take(store);
	if (torrent == NULL)
		return ABI_ERR_FULL;
	memcpy(torrent->info_hash, info_hash, sizeof(torrent->info_hash));
	torrent->id = id;
	torrent->state = TORRENT_COLD;
	torrent->weight = ABI_WEIGHT_USUAL;
	link = hash_bucket(store, info_hash);
	torrent->chain = *link;
	*link = torrent;
	link = id_bucket(store, id);
	torrent->id_chain = *link;
	*link = torrent;
	return ABI_OK;
}

static COLD void
unlink_torrent(struct store *store, struct torrent *torrent)
{
	struct torrent **link = hash_bucket(store, torrent->info_hash);

	while (*link != torrent)
		link = &(*link)->chain;
	*link = torrent->chain;
	link = id_bucket(store, torrent->id);
	while (*link != torrent)
		link = &(*link)->id_chain;
	*link = torrent->id_chain;
}

enum abi_status
store_remove(struct store *store, uint32_t id)
{
	struct torrent *torrent = store_by_id(store, id);

	if (torrent == NULL)
		return ABI_ERR_UNKNOWN;
	dp_assert(torrent->peer_cnt == 0);
	if (torrent->content != NULL)
		content_end(store, torrent, false);
	unlink_torrent(store, torrent);
	torrent->state = TORRENT_GONE;
	torrent->id = 0;
	torrent->chain = store->torrents_free;
	store->torrents_free = torrent;
	gauge_set(store->ctr, CTR_torrents, --store->torrent_cnt);
	return ABI_OK;
}

uint32_t
store_held(struct store *store, uint32_t *cursor, struct abi_entry *entries, uint32_t max)
{
	uint32_t cnt = 0;

	for (; *cursor < store->torrents_used && cnt < max; ++*cursor) {
		const struct torrent *torrent = &store->torrents[*cursor];

		if (torrent->state == TORRENT_GONE)
			continue;
		memcpy(entries[cnt].info_hash, torrent->info_hash, sizeof(torrent->info_hash));
		entries[cnt].id = torrent->id;
		entries[cnt].active = torrent->state == TORRENT_ACTIVE;
		entries[cnt].congestion = torrent->congestion;
		entries[cnt].flags = torrent->flags;
		entries[cnt].group = torrent->group;
		entries[cnt].rate_bytes_per_s = torrent->rate_bytes_per_s;
		entries[cnt].connections_max = torrent->connections_max;
		entries[cnt].weight = torrent->weight;
		cnt++;
	}
	return cnt;
}

/* ---- events */

bool
catalogue_event(struct store *store, const struct store_event *event)
{
	uint32_t at = (store->event_first + store->event_cnt) % STORE_EVENTS_MAX;

	if (store->event_cnt == STORE_EVENTS_MAX) {
		count(store->ctr, CTR_events_lost);
		return false;
	}
	store->events[at] = *event;
	store->event_cnt++;
	return true;
}

uint32_t
store_events(struct store *store, struct store_event *events, uint32_t max)
{
	uint32_t cnt = MIN(max, store->event_cnt);

	for (uint32_t i = 0; i < cnt; i++) {
		events[i] = store->events[store->event_first];
		store->event_first = (store->event_first + 1) % STORE_EVENTS_MAX;
	}
	store->event_cnt -= cnt;
	return cnt;
}

/* ---- peers */

void
catalogue_idle(struct store *store, struct torrent *torrent)
{
	dp_assert(torrent->lru_next == NULL && torrent->peer_cnt == 0);
	torrent->used_us = store->now_us;
	torrent->lru_prev = store->idle.lru_prev;
	torrent->lru_next = &store->idle;
	torrent->lru_prev->lru_next = torrent;
	store->idle.lru_prev = torrent;
}

void
catalogue_busy(struct torrent *torrent)
{
	if (torrent->lru_next == NULL)
		return;
	torrent->lru_prev->lru_next = torrent->lru_next;
	torrent->lru_next->lru_prev = torrent->lru_prev;
	torrent->lru_prev = NULL;
	torrent->lru_next = NULL;
}

/* ask raises ACTIVATE, unless control was asked a short while ago. */
static COLD void
ask(struct store *store, struct torrent *torrent)
{
	struct store_event event = {.type = STORE_EV_ACTIVATE, .id = torrent->id};

	if (torrent->state != TORRENT_COLD && store->now_us - torrent->used_us < STORE_ASK_AGAIN_US)
		return;
	if (!catalogue_event(store, &event))
		return;
	torrent->used_us = store->now_us;
	if (torrent->state == TORRENT_COLD)
		torrent->state = TORRENT_ASKED;
}

void
store_join(struct store *store, struct torrent *torrent)
{
	dp_assert(torrent->state != TORRENT_GONE);
	torrent->peer_cnt++;
	catalogue_busy(torrent);
	if (torrent->state == TORRENT_ACTIVE)
		torrent->active->stat->peer_cnt = torrent->peer_cnt;
	else
		ask(store, torrent);
}

void
store_leave(struct store *store, struct torrent *torrent, uint64_t now_us)
{
	dp_assert(torrent->peer_cnt > 0);
	store->now_us = MAX(store->now_us, now_us);
	torrent->peer_cnt--;
	if (torrent->state == TORRENT_ACTIVE)
		torrent->active->stat->peer_cnt = torrent->peer_cnt;
	if (torrent->peer_cnt > 0)
		return;
	if (torrent->content != NULL)
		catalogue_idle(store, torrent);
	else if (torrent->state == TORRENT_ASKED)
		torrent->state = TORRENT_COLD;
}

void
store_ask_again(struct store *store)
{
	for (uint32_t i = 0; i < store->torrents_used; i++) {
		struct torrent *torrent = &store->torrents[i];

		if (torrent->state == TORRENT_FILLING)
			content_end(store, torrent, false);
		else if (torrent->state == TORRENT_ASKED)
			torrent->state = TORRENT_COLD;
		else
			continue;
		if (torrent->peer_cnt > 0)
			ask(store, torrent);
	}
}
