/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_store.h keeps the peers that others announce to us (BEP 5, BEP 33): up to
 * DHT_STORE_PEERS_MAX, up to DHT_STORE_SAME_MAX of one info_hash, up to DHT_STORE_HOST_MAX of one
 * host, each for DHT_STORE_MS. What is beyond is refused, except that of one info_hash the oldest
 * gives way.
 *
 * Threads: one. Memory: fixed, about 5 MiB, touched as it is used.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_STORE_H
#define SPILLWAY_CONTROL_DHT_DHT_STORE_H

#include "control/dht/dht_address.h"
#include "control/dht/dht_id.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_store_limit {
	DHT_STORE_PEERS_MAX = 65536,
	DHT_STORE_SAME_MAX = 128,  /* peers of one info_hash */
	DHT_STORE_HOST_MAX = 1024, /* peers from one host; roughly: hosts are counted by hash */
	DHT_STORE_MS = 32 * 60 * 1000,
};

/* Which peers are wanted. */
struct dht_store_wish {
	const uint8_t *info_hash;
	bool noseed;   /* without those that have everything (BEP 33) */
	uint64_t pick; /* random: the one to begin with */
};

struct dht_store;

/* dht_store_create makes an empty store; seed is random. Returns 0 or -ENOMEM. */
int
dht_store_create(struct dht_store **store, uint64_t seed);

/* dht_store_destroy frees it; NULL is allowed. */
void
dht_store_destroy(struct dht_store *store);

/* dht_store_put stores a peer of an info_hash, or notes that it is still there; an address has one
 * port (BEP 33).
 * Returns 0, or -ENOSPC when there is no room. */
int
dht_store_put(struct dht_store *store, const uint8_t *info_hash, const struct dht_address *peer,
              bool seed, int64_t now_ms);

/* dht_store_get stores peers in out[max], as many as there are. Returns how many. */
uint32_t
dht_store_get(const struct dht_store *store, const struct dht_store_wish *wish,
              struct dht_address *out, uint32_t max);

/* dht_store_expire drops what is too old, looking at up to 4096 peers: to be called every second or
 * so. */
void
dht_store_expire(struct dht_store *store, int64_t now_ms);

/* dht_store_cnt returns how many peers there are. */
uint32_t
dht_store_cnt(const struct dht_store *store);

#endif
