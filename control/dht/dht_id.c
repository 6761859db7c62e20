/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Node ids. */
#include "control/dht/dht_id.h"

#include <string.h>

int
dht_id_closer(const uint8_t *target, const uint8_t *a, const uint8_t *b)
{
	for (int i = 0; i < DHT_ID_LEN; i++) {
		int difference = (a[i] ^ target[i]) - (b[i] ^ target[i]);
		if (difference != 0)
			return difference;
	}
	return 0;
}

unsigned
dht_id_common(const uint8_t *a, const uint8_t *b)
{
	for (unsigned i = 0; i < DHT_ID_LEN; i++)
		if (a[i] != b[i])
			return 8 * i + (unsigned)__builtin_clz((unsigned)(a[i] ^ b[i])) - 24;
	return DHT_ID_BITS;
}

uint32_t
dht_id_crc32c(const uint8_t *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* prefix_of returns the CRC whose first 21 bits BEP 42 asks for; r is the id's last byte. */
static uint32_t
prefix_of(const struct dht_address *address, uint8_t r)
{
	static const uint8_t mask_v4[] = {0x03, 0x0f, 0x3f, 0xff};
	static const uint8_t mask_v6[] = {0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff};
	size_t len = address->ip_len == 4 ? sizeof(mask_v4) : sizeof(mask_v6);
	const uint8_t *mask = address->ip_len == 4 ? mask_v4 : mask_v6;
	uint8_t ip[8];

	for (size_t i = 0; i < len; i++)
		ip[i] = address->ip[i] & mask[i];
	ip[0] |= (uint8_t)((r & 7) << 5);
	return dht_id_crc32c(ip, len);
}

void
dht_id_make(uint8_t *id, const struct dht_address *address, struct dht_random *random)
{
	dht_random_fill(random, id, DHT_ID_LEN);
	if (address->ip_len == 0)
		return;
	uint32_t crc = prefix_of(address, id[19]);
	id[0] = (uint8_t)(crc >> 24);
	id[1] = (uint8_t)(crc >> 16);
	id[2] = (uint8_t)((crc >> 8 & 0xf8) | (id[2] & 7));
}

bool
dht_id_allowed(const uint8_t *id, const struct dht_address *address)
{
	if (dht_address_scope(address) != DHT_SCOPE_GLOBAL)
		return true;
	uint32_t crc = prefix_of(address, id[19]);
	return id[0] == (uint8_t)(crc >> 24) && id[1] == (uint8_t)(crc >> 16) &&
	       ((id[2] ^ crc >> 8) & 0xf8) == 0;
}

void
dht_id_share(uint8_t *id, const uint8_t *own, unsigned bits, struct dht_random *random)
{
	uint8_t tail[DHT_ID_LEN];

	dht_random_fill(random, tail, sizeof(tail));
	for (unsigned i = 0; i < DHT_ID_LEN; i++) {
		unsigned kept = bits <= 8 * i ? 0 : bits - 8 * i >= 8 ? 8 : bits - 8 * i;
		uint8_t mask = (uint8_t)(0xff00u >> kept);
		id[i] = (uint8_t)((own[i] & mask) | (tail[i] & ~mask));
	}
	uint8_t next = (uint8_t)(0x80 >> bits % 8);
	id[bits / 8] = (uint8_t)((id[bits / 8] & ~next) | (~own[bits / 8] & next));
}
