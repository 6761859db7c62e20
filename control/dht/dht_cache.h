/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_cache.h is what lookups share: nodes that answered lately, from all over the id space, where
 * the routing table has most of its nodes around our own id. A lookup begins among those that are
 * next to its target.
 *
 * The first bits of an id are a row of DHT_CACHE_WAYS nodes; in a full one the one heard of longest
 * ago gives way.
 *
 * Threads: one. Memory: fixed, rows * DHT_CACHE_WAYS * 48 bytes, touched as they are used.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_CACHE_H
#define SPILLWAY_CONTROL_DHT_DHT_CACHE_H

#include "control/dht/dht_id.h"

#include <stdint.h>

enum dht_cache_limit {
	DHT_CACHE_WAYS = 4,
	DHT_CACHE_MS = 40 * 60 * 1000, /* a node that did not answer for so long is forgotten */
	DHT_CACHE_PROBES = 32,         /* rows that are looked at */
};

struct dht_cache;

/* dht_cache_create makes an empty cache of 1 << bits rows; bits is in [4, 20].
 * Returns 0 or -ENOMEM. */
int
dht_cache_create(struct dht_cache **cache, unsigned bits);

/* dht_cache_destroy frees it; NULL is allowed. */
void
dht_cache_destroy(struct dht_cache *cache);

/* dht_cache_put notes a node that has just answered. */
void
dht_cache_put(struct dht_cache *cache, const struct dht_contact *contact, int64_t now_ms);

/* dht_cache_drop forgets a node that did not answer. */
void
dht_cache_drop(struct dht_cache *cache, const struct dht_contact *contact);

/* dht_cache_near stores nodes near target, up to max, nearest rows first. Returns how many. */
uint32_t
dht_cache_near(const struct dht_cache *cache, const uint8_t *target, struct dht_contact *out,
               uint32_t max, int64_t now_ms);

#endif
