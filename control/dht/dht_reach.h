/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_reach.h tells whether others can reach us, and so whether we are read-only (BEP 43).
 *
 * A query from where we have not sent anything within the last minutes has reached us by itself;
 * one from elsewhere may have come through a hole that our own question made in a firewall. When
 * nothing has reached us for DHT_REACH_WAIT_MS while there were nodes enough that might, we are
 * read-only for DHT_REACH_REST_MS; then we say so no more, and it is found out anew. Whatever
 * reaches us ends it at once.
 *
 * Threads: one. Memory: fixed, 16 KiB.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_REACH_H
#define SPILLWAY_CONTROL_DHT_DHT_REACH_H

#include "control/dht/dht_address.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_reach_limit {
	DHT_REACH_WAIT_MS = 30 * 60 * 1000,
	DHT_REACH_REST_MS = 60 * 60 * 1000,
	DHT_REACH_TURN_MS = 5 * 60 * 1000, /* what was sent to is known for one or two turns */
	DHT_REACH_NODES = 8,               /* good nodes that might ask us */
	DHT_REACH_BITS = 65536,
};

struct dht_reach {
	int64_t since_ms;  /* begin of the wait or the rest */
	int64_t turned_ms;
	bool read_only;
	bool reached;      /* since the begin, or ever before it */
	uint8_t sent[2][DHT_REACH_BITS / 8]; /* hashes of addresses, now and the turn before */
};

/* dht_reach_begin makes one that is not read-only. */
void
dht_reach_begin(struct dht_reach *reach, int64_t now_ms);

/* dht_reach_sent notes that something was sent to an address. */
void
dht_reach_sent(struct dht_reach *reach, const struct dht_address *to);

/* dht_reach_query notes a query from an address. */
void
dht_reach_query(struct dht_reach *reach, const struct dht_address *from, int64_t now_ms);

/* dht_reach_turn lets time pass; good_cnt: nodes of the table. Returns whether we are read-only. */
bool
dht_reach_turn(struct dht_reach *reach, uint32_t good_cnt, int64_t now_ms);

#endif
