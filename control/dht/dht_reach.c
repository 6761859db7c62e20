/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Whether we are reached. */
#include "control/dht/dht_reach.h"

#include <xxhash.h>

#include <string.h>

void
dht_reach_begin(struct dht_reach *reach, int64_t now_ms)
{
	memset(reach, 0, sizeof(*reach));
	reach->since_ms = now_ms;
	reach->turned_ms = now_ms;
}

static uint32_t
bit_of(const struct dht_address *address)
{
	uint8_t bytes[DHT_COMPACT_V6];
	size_t len = dht_address_write(address, bytes);

	return (uint32_t)XXH3_64bits(bytes, len) % DHT_REACH_BITS;
}

void
dht_reach_sent(struct dht_reach *reach, const struct dht_address *to)
{
	uint32_t bit = bit_of(to);

	reach->sent[0][bit / 8] |= (uint8_t)(1u << bit % 8);
}

void
dht_reach_query(struct dht_reach *reach, const struct dht_address *from, int64_t now_ms)
{
	uint32_t bit = bit_of(from);

	if ((reach->sent[0][bit / 8] | reach->sent[1][bit / 8]) >> bit % 8 & 1)
		return;
	reach->reached = true;
	reach->read_only = false;
	reach->since_ms = now_ms;
}

bool
dht_reach_turn(struct dht_reach *reach, uint32_t good_cnt, int64_t now_ms)
{
	if (now_ms - reach->turned_ms >= DHT_REACH_TURN_MS) {
		memcpy(reach->sent[1], reach->sent[0], sizeof(reach->sent[1]));
		memset(reach->sent[0], 0, sizeof(reach->sent[0]));
		reach->turned_ms = now_ms;
	}
	if (good_cnt < DHT_REACH_NODES && !reach->read_only) {
		reach->since_ms = now_ms; /* nobody there who could have reached us */
		return false;
	}
	int64_t most_ms = reach->read_only ? DHT_REACH_REST_MS : DHT_REACH_WAIT_MS;
	if (now_ms - reach->since_ms >= most_ms) {
		reach->read_only = !reach->read_only;
		reach->since_ms = now_ms;
		reach->reached = false;
	}
	return reach->read_only;
}
