/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Rates of packets. */
#include "control/dht/dht_rate.h"

#include <xxhash.h>

#include <errno.h>
#include <stdlib.h>

struct host {
	uint64_t key;      /* 0: free */
	int64_t at_ms;
	uint32_t milli;
};

struct dht_hosts {
	struct dht_hosts_limit limit;
	uint64_t seed;
	struct host host[][DHT_RATE_WAYS];
};

void
dht_rate_begin(struct dht_rate *rate, int64_t per_s, int64_t burst, int64_t now_ms)
{
	*rate = (struct dht_rate){
		.per_s = per_s, .burst = burst, .milli = 1000 * burst, .at_ms = now_ms};
}

bool
dht_rate_has(struct dht_rate *rate, int64_t cnt, int64_t now_ms)
{
	int64_t gone_ms = now_ms - rate->at_ms;

	if (rate->per_s == 0)
		return true;
	if (gone_ms > 0) {
		int64_t most = 1000 * rate->burst;
		rate->milli += (gone_ms < 60000 ? gone_ms : 60000) * rate->per_s;
		rate->milli = rate->milli < most ? rate->milli : most;
		rate->at_ms = now_ms;
	}
	return rate->milli >= 1000 * cnt;
}

bool
dht_rate_take(struct dht_rate *rate, int64_t cnt, int64_t now_ms)
{
	if (!dht_rate_has(rate, cnt, now_ms))
		return false;
	rate->milli -= rate->per_s != 0 ? 1000 * cnt : 0;
	return true;
}

int
dht_hosts_create(struct dht_hosts **hosts, const struct dht_hosts_limit *limit, uint64_t seed)
{
	*hosts = calloc(1, sizeof(**hosts) + limit->rows * sizeof((*hosts)->host[0]));
	if (*hosts == NULL)
		return -ENOMEM;
	(*hosts)->limit = *limit;
	(*hosts)->seed = seed;
	return 0;
}

void
dht_hosts_destroy(struct dht_hosts *hosts)
{
	free(hosts);
}

/* host_find returns the host's place, or the one that gives way to it. */
static struct host *
host_find(struct dht_hosts *hosts, uint64_t key)
{
	struct host *row = hosts->host[(key >> 32) & (hosts->limit.rows - 1)];
	struct host *quiet = &row[0];

	for (int i = 0; i < DHT_RATE_WAYS; i++) {
		if (row[i].key == key)
			return &row[i];
		if (row[i].key == 0 || (quiet->key != 0 && row[i].at_ms < quiet->at_ms))
			quiet = &row[i];
	}
	return quiet;
}

bool
dht_hosts_take(struct dht_hosts *hosts, const struct dht_address *address, int64_t now_ms)
{
	uint8_t bytes[DHT_COMPACT_V6];
	size_t len = dht_address_host(address, bytes);
	uint64_t key = XXH3_64bits_withSeed(bytes, len, hosts->seed) | 1;
	uint64_t most = UINT64_C(1000) * hosts->limit.burst;

	if (hosts->limit.per_s == 0)
		return true;
	struct host *host = host_find(hosts, key);
	if (host->key != key)
		*host = (struct host){.key = key, .at_ms = now_ms, .milli = (uint32_t)most};
	uint64_t gone_ms = now_ms > host->at_ms ? (uint64_t)(now_ms - host->at_ms) : 0;
	uint64_t milli = host->milli + (gone_ms < 3600000 ? gone_ms : 3600000) * hosts->limit.per_s;
	milli = milli < most ? milli : most;
	bool taken = milli >= 1000;
	host->milli = (uint32_t)(milli - (taken ? 1000 : 0));
	host->at_ms = now_ms;
	return taken;
}
