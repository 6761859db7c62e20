/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_table.h is a node's routing table (BEP 5): a bucket of up to DHT_BUCKET nodes for each number
 * of leading bits that a node's id shares with ours.
 *
 *      heard of (told, or a query of its own) ─► dubious ─ replies ─► good
 *                                                   ▲                  │ quiet for 15 minutes
 *                            fails ─► bad, replaced └──────────────────┘
 *
 * A good node has replied within DHT_GOOD_MS, or has ever replied and asked us within it. A bad one
 * has failed DHT_FAILS_MAX times in a row, or once without ever having replied. In a full bucket a
 * newcomer takes the place of a bad one; one that has replied also that of one that never did, or
 * of one whose id BEP 42 does not allow while its own is allowed; else it is kept as the bucket's
 * spare. What lies is bounded: an id other than the known one changes nothing until it comes in a
 * reply, a global host is there once, read-only nodes (BEP 43) are never offered to the table.
 *
 * Threads: one. Memory: fixed, about 250 KiB.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_TABLE_H
#define SPILLWAY_CONTROL_DHT_DHT_TABLE_H

#include "control/dht/dht_id.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_table_limit {
	DHT_BUCKET = 8, /* k of BEP 5 */
	DHT_GOOD_MS = 15 * 60 * 1000,
	DHT_REFRESH_MS = 15 * 60 * 1000,
	DHT_FILL_MS = 5 * 60 * 1000, /* as DHT_REFRESH_MS, of a bucket with room before a fuller one */
	DHT_FAILS_MAX = 2,
	DHT_PING_AGAIN_MS = 10 * 1000, /* a node is not pinged more often */
};

enum dht_heard {
	DHT_HEARD_TOLD,  /* another node named it */
	DHT_HEARD_QUERY, /* it asked us */
	DHT_HEARD_REPLY, /* it answered us */
};

struct dht_table_cnt {
	uint32_t good;
	uint32_t dubious;
	uint32_t refused; /* ids that BEP 42 does not allow, among both */
};

struct dht_table;

/* dht_table_create makes an empty table around an id. Returns 0 or -ENOMEM. */
int
dht_table_create(struct dht_table **table, const uint8_t *own_id, int64_t now_ms);

/* dht_table_destroy frees it; NULL is allowed. */
void
dht_table_destroy(struct dht_table *table);

/* dht_table_move puts all that is there into the buckets that another own id makes. */
void
dht_table_move(struct dht_table *table, const uint8_t *own_id, int64_t now_ms);

/* dht_table_heard notes what was heard of a node. Returns true when it is in the table now. */
bool
dht_table_heard(struct dht_table *table, const struct dht_contact *contact, enum dht_heard how,
                int64_t now_ms);

/* dht_table_failed notes that a node did not answer. */
void
dht_table_failed(struct dht_table *table, const struct dht_address *address, int64_t now_ms);

/* dht_table_closest stores the good nodes closest to target, up to DHT_BUCKET, in ascending
 * distance. dubious: also those that are not good but have not failed.
 * Returns how many. */
uint32_t
dht_table_closest(const struct dht_table *table, const uint8_t *target, bool dubious,
                  struct dht_contact *out, int64_t now_ms);

/* dht_table_ping_due takes a node that is to be pinged now: a dubious one, or a spare for which
 * there is room. Returns false when there is none. */
bool
dht_table_ping_due(struct dht_table *table, struct dht_contact *contact, int64_t now_ms);

/* dht_table_refresh_due takes the shared bits of a bucket that is to be refreshed by a lookup: one
 * that was not changed for DHT_REFRESH_MS, or has room and was not for DHT_FILL_MS though there are
 * nodes closer to us; the latter also at first. Returns false when there is none. */
bool
dht_table_refresh_due(struct dht_table *table, unsigned *bits, int64_t now_ms);

/* dht_table_count counts. */
struct dht_table_cnt
dht_table_count(const struct dht_table *table, int64_t now_ms);

/* dht_table_good stores good nodes, up to max, those closest to our id first: to be remembered.
 * Returns how many. */
uint32_t
dht_table_good(const struct dht_table *table, struct dht_contact *out, uint32_t max,
               int64_t now_ms);

#endif
