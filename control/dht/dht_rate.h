/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_rate.h bounds what is sent and taken: a token bucket, and one for each of many hosts in a
 * table of fixed size.
 *
 * The table has ways of DHT_RATE_WAYS; in one that is full the host that has been quiet longest
 * gives way. So what it costs does not depend on how many ask, and a host that is forgotten has a
 * full bucket again.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_RATE_H
#define SPILLWAY_CONTROL_DHT_DHT_RATE_H

#include "control/dht/dht_address.h"

#include <stdbool.h>
#include <stdint.h>

/* A bucket that holds up to burst and gains per_s a second; per_s 0 is no limit. */
struct dht_rate {
	int64_t per_s;
	int64_t burst;
	int64_t milli; /* thousandths that are there */
	int64_t at_ms; /* when that was so */
};

enum dht_rate_limit {
	DHT_RATE_WAYS = 4,
};

/* What each host of a table may do. */
struct dht_hosts_limit {
	uint32_t per_s; /* 0: no limit */
	uint32_t burst;
	uint32_t rows;  /* a power of two */
};

struct dht_hosts;

/* dht_rate_begin makes a full bucket. */
void
dht_rate_begin(struct dht_rate *rate, int64_t per_s, int64_t burst, int64_t now_ms);

/* dht_rate_has tells whether cnt could be taken now. */
bool
dht_rate_has(struct dht_rate *rate, int64_t cnt, int64_t now_ms);

/* dht_rate_take takes cnt if they are there. */
bool
dht_rate_take(struct dht_rate *rate, int64_t cnt, int64_t now_ms);

/* dht_hosts_create makes a table; seed is random, so that nobody can aim at a row.
 * Returns 0 or -ENOMEM. */
int
dht_hosts_create(struct dht_hosts **hosts, const struct dht_hosts_limit *limit, uint64_t seed);

/* dht_hosts_destroy frees it; NULL is allowed. */
void
dht_hosts_destroy(struct dht_hosts *hosts);

/* dht_hosts_take takes one from the bucket of the address's host (dht_address_host).
 * Returns false when it is empty. */
bool
dht_hosts_take(struct dht_hosts *hosts, const struct dht_address *address, int64_t now_ms);

#endif
