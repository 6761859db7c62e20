/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Nodes that lookups share. */
#include "control/dht/dht_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct way {
	struct dht_contact contact; /* ip_len 0: free */
	int64_t heard_ms;
};

struct dht_cache {
	unsigned bits;
	struct way row[][DHT_CACHE_WAYS];
};

int
dht_cache_create(struct dht_cache **cache, unsigned bits)
{
	*cache = calloc(1, sizeof(**cache) + ((size_t)1 << bits) * sizeof((*cache)->row[0]));
	if (*cache == NULL)
		return -ENOMEM;
	(*cache)->bits = bits;
	return 0;
}

void
dht_cache_destroy(struct dht_cache *cache)
{
	free(cache);
}

static uint32_t
row_of(const struct dht_cache *cache, const uint8_t *id)
{
	uint32_t first = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];

	return first >> (32 - cache->bits);
}

void
dht_cache_put(struct dht_cache *cache, const struct dht_contact *contact, int64_t now_ms)
{
	struct way *row = cache->row[row_of(cache, contact->id)];
	struct way *place = &row[0];

	for (int i = 0; i < DHT_CACHE_WAYS; i++) {
		struct way *w = &row[i];
		if (dht_address_same_host(&w->contact.address, &contact->address)) {
			place = w;
			break;
		}
		if (w->contact.address.ip_len == 0 ||
		    (place->contact.address.ip_len != 0 && w->heard_ms < place->heard_ms))
			place = w;
	}
	*place = (struct way){.contact = *contact, .heard_ms = now_ms};
}

void
dht_cache_drop(struct dht_cache *cache, const struct dht_contact *contact)
{
	struct way *row = cache->row[row_of(cache, contact->id)];

	for (int i = 0; i < DHT_CACHE_WAYS; i++)
		if (dht_address_equal(&row[i].contact.address, &contact->address))
			row[i] = (struct way){0};
}

uint32_t
dht_cache_near(const struct dht_cache *cache, const uint8_t *target, struct dht_contact *out,
               uint32_t max, int64_t now_ms)
{
	uint32_t first = row_of(cache, target);
	uint32_t rows = UINT32_C(1) << cache->bits;
	uint32_t cnt = 0;

	/* The rows in the order of their distance: XOR with 0, 1, 2, ... */
	for (uint32_t k = 0; k < DHT_CACHE_PROBES && k < rows; k++) {
		const struct way *row = cache->row[first ^ k];
		for (int i = 0; i < DHT_CACHE_WAYS; i++) {
			if (cnt == max)
				return cnt;
			if (row[i].contact.address.ip_len != 0 && now_ms - row[i].heard_ms < DHT_CACHE_MS)
				out[cnt++] = row[i].contact;
		}
	}
	return cnt;
}
