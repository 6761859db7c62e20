/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* SipHash-2-4 over one flow, and the initial sequence number made of it. */
#include "dataplane/tcp/isn.h"

static uint64_t
rotate(uint64_t value, uint32_t bits)
{
	return value << bits | value >> (64 - bits);
}

static void
sip_rounds(uint64_t v[4], uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

static void
sip_start(uint64_t v[4], const uint64_t secret[2])
{
	v[0] = secret[0] ^ 0x736f6d6570736575u;
	v[1] = secret[1] ^ 0x646f72616e646f6du;
	v[2] = secret[0] ^ 0x6c7967656e657261u;
	v[3] = secret[1] ^ 0x7465646279746573u;
}

static void
sip_flow(uint64_t v[4], const struct flow_key *key, uint32_t salt)
{
	sip_word(v, (uint64_t)key->remote_be << 32 | key->local_be);
	sip_word(v, (uint64_t)key->remote_port << 48 | (uint64_t)key->local_port << 32 | salt);
}

/* sip_end closes a message of so many bytes. */
static uint64_t
sip_end(uint64_t v[4], uint64_t len)
{
	sip_word(v, len << 56);
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
isn_hash(const uint64_t secret[2], const struct flow_key *key, uint32_t salt)
{
	uint64_t v[4];

	sip_start(v, secret);
	sip_flow(v, key, salt);
	return sip_end(v, 16);
}

uint64_t
isn_hash_with(const uint64_t secret[2], const struct flow_key *key, uint32_t salt, uint64_t more)
{
	uint64_t v[4];

	sip_start(v, secret);
	sip_flow(v, key, salt);
	sip_word(v, more);
	return sip_end(v, 24);
}

uint32_t
isn_make(const uint64_t secret[2], const struct flow_key *key, uint64_t now_us)
{
	return (uint32_t)(now_us >> 2) + (uint32_t)isn_hash(secret, key, ISN_SALT_NUMBER);
}
