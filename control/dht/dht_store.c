/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Stored peers, in one array; those of one info_hash are in one chain of a hash table, the newest
 * first. */
#include "control/dht/dht_store.h"

#include <xxhash.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS = 65536,
	HOST_ROWS = 16384,
	EXPIRE_MAX = 4096, /* peers looked at in a turn */
};

struct stored {
	uint8_t info_hash[DHT_ID_LEN];
	struct dht_address peer; /* ip_len 0: free */
	bool seed;
	uint32_t next; /* in the chain, or of the free ones; index + 1, 0 ends */
	int64_t at_ms;
};

struct dht_store {
	uint64_t seed;
	uint32_t cnt;
	uint32_t free;      /* index + 1 of the first free one */
	uint32_t fresh;     /* of those never used, the first */
	uint32_t expire_at; /* index at which dht_store_expire goes on */
	uint32_t row[ROWS];
	uint16_t host_cnt[HOST_ROWS];
	struct stored stored[DHT_STORE_PEERS_MAX];
};

int
dht_store_create(struct dht_store **store, uint64_t seed)
{
	*store = calloc(1, sizeof(**store));
	if (*store == NULL)
		return -ENOMEM;
	(*store)->seed = seed;
	return 0;
}

void
dht_store_destroy(struct dht_store *store)
{
	free(store);
}

static uint32_t
row_of(const struct dht_store *store, const uint8_t *info_hash)
{
	return (uint32_t)XXH3_64bits_withSeed(info_hash, DHT_ID_LEN, store->seed) % ROWS;
}

static uint16_t *
host_of(struct dht_store *store, const struct dht_address *peer)
{
	uint8_t host[DHT_COMPACT_V6];
	size_t len = dht_address_host(peer, host);

	return &store->host_cnt[XXH3_64bits_withSeed(host, len, store->seed) % HOST_ROWS];
}

static bool
stored_of(const struct stored *s, const uint8_t *info_hash)
{
	return memcmp(s->info_hash, info_hash, DHT_ID_LEN) == 0;
}

/* unlink_free takes the peer that *link leads to out of its chain, and frees it. */
static void
unlink_free(struct dht_store *store, uint32_t *link)
{
	uint32_t at = *link;
	struct stored *s = &store->stored[at - 1];

	--*host_of(store, &s->peer);
	*link = s->next;
	*s = (struct stored){.next = store->free};
	store->free = at;
	store->cnt--;
}

/* place_take returns the index + 1 of a free place, 0 when there is none. */
static uint32_t
place_take(struct dht_store *store)
{
	uint32_t at = store->free;

	if (at != 0) {
		store->free = store->stored[at - 1].next;
		return at;
	}
	return store->fresh < DHT_STORE_PEERS_MAX ? ++store->fresh : 0;
}

/* link_front makes the peer that *link leads to the newest of its chain. */
static void
link_front(struct dht_store *store, uint32_t *link)
{
	uint32_t at = *link;
	struct stored *s = &store->stored[at - 1];
	uint32_t *row = &store->row[row_of(store, s->info_hash)];

	*link = s->next;
	s->next = *row;
	*row = at;
}

/* found_update notes that a peer is still there, and counts those of the info_hash.
 *
 * last  out: the link to the oldest of them.
 * Returns true when it was there. */
static bool
found_update(struct dht_store *store, const struct stored *wanted, uint32_t *same_cnt,
             uint32_t **last)
{
	uint32_t *link = &store->row[row_of(store, wanted->info_hash)];

	for (*same_cnt = 0; *link != 0; link = &store->stored[*link - 1].next) {
		struct stored *s = &store->stored[*link - 1];
		if (!stored_of(s, wanted->info_hash))
			continue;
		++*same_cnt;
		*last = link;
		if (s->peer.ip_len != wanted->peer.ip_len ||
		    memcmp(s->peer.ip, wanted->peer.ip, sizeof(s->peer.ip)) != 0)
			continue;
		if (dht_address_scope(&s->peer) != DHT_SCOPE_GLOBAL && s->peer.port != wanted->peer.port)
			continue;
		/* A global host's count stays right: it does not contain the port. */
		s->peer.port = wanted->peer.port;
		s->seed = wanted->seed;
		s->at_ms = wanted->at_ms;
		link_front(store, link);
		return true;
	}
	return false;
}

int
dht_store_put(struct dht_store *store, const uint8_t *info_hash, const struct dht_address *peer,
              bool seed, int64_t now_ms)
{
	struct stored wanted = {.peer = *peer, .seed = seed, .at_ms = now_ms};
	uint32_t *last = NULL;
	uint32_t same_cnt;

	memcpy(wanted.info_hash, info_hash, DHT_ID_LEN);
	if (found_update(store, &wanted, &same_cnt, &last))
		return 0;
	uint16_t *host = host_of(store, peer);
	if (*host >= DHT_STORE_HOST_MAX)
		return -ENOSPC;
	if (same_cnt >= DHT_STORE_SAME_MAX)
		unlink_free(store, last);
	uint32_t at = place_take(store);
	if (at == 0)
		return -ENOSPC;
	uint32_t *row = &store->row[row_of(store, info_hash)];
	wanted.next = *row;
	store->stored[at - 1] = wanted;
	*row = at;
	++*host;
	store->cnt++;
	return 0;
}

/* next_of returns the index + 1 of the next stored peer that is wanted, from the link at on. */
static uint32_t
next_of(const struct dht_store *store, uint32_t at, const struct dht_store_wish *wish)
{
	while (at != 0 && (!stored_of(&store->stored[at - 1], wish->info_hash) ||
	                   (wish->noseed && store->stored[at - 1].seed)))
		at = store->stored[at - 1].next;
	return at;
}

uint32_t
dht_store_get(const struct dht_store *store, const struct dht_store_wish *wish,
              struct dht_address *out, uint32_t max)
{
	struct dht_address all[DHT_STORE_SAME_MAX];
	uint32_t at = next_of(store, store->row[row_of(store, wish->info_hash)], wish);
	uint32_t cnt = 0;

	while (at != 0 && cnt < DHT_STORE_SAME_MAX) {
		all[cnt++] = store->stored[at - 1].peer;
		at = next_of(store, store->stored[at - 1].next, wish);
	}
	uint32_t given = cnt < max ? cnt : max;
	for (uint32_t i = 0; i < given; i++)
		out[i] = all[(wish->pick % cnt + i) % cnt];
	return given;
}

static void
stored_expire(struct dht_store *store, uint32_t at)
{
	uint32_t *link = &store->row[row_of(store, store->stored[at - 1].info_hash)];

	while (*link != at)
		link = &store->stored[*link - 1].next;
	unlink_free(store, link);
}

void
dht_store_expire(struct dht_store *store, int64_t now_ms)
{
	for (uint32_t k = 0; k < EXPIRE_MAX && k < store->fresh; k++) {
		store->expire_at = store->expire_at + 1 < store->fresh ? store->expire_at + 1 : 0;
		const struct stored *s = &store->stored[store->expire_at];
		if (s->peer.ip_len != 0 && now_ms - s->at_ms >= DHT_STORE_MS)
			stored_expire(store, store->expire_at + 1);
	}
}

uint32_t
dht_store_cnt(const struct dht_store *store)
{
	return store->cnt;
}
