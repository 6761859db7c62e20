/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Write tokens. */
#include "control/dht/dht_token.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <string.h>

int
dht_token_create(struct dht_token *token, struct dht_random *random, int64_t now_ms)
{
	dht_random_fill(random, token->secret[0], sizeof(token->secret[0]));
	dht_random_fill(random, token->secret[1], sizeof(token->secret[1]));
	token->turned_ms = now_ms;
	token->digest = digest_create(DIGEST_SHA256);
	return token->digest != NULL ? 0 : -ENOMEM;
}

void
dht_token_destroy(struct dht_token *token)
{
	digest_free(token->digest);
	token->digest = NULL;
}

void
dht_token_turn(struct dht_token *token, struct dht_random *random, int64_t now_ms)
{
	int64_t age_ms = now_ms - token->turned_ms;

	if (age_ms < DHT_TOKEN_TURN_MS)
		return;
	memcpy(token->secret[1], token->secret[0], sizeof(token->secret[1]));
	dht_random_fill(random, token->secret[0], sizeof(token->secret[0]));
	if (age_ms >= 2 * DHT_TOKEN_TURN_MS) /* nobody has asked for long: the one before is older */
		dht_random_fill(random, token->secret[1], sizeof(token->secret[1]));
	token->turned_ms = now_ms;
}

static bool
make(struct dht_token *token, int turn, const struct dht_address *address, uint8_t *out)
{
	uint8_t hash[DIGEST_SHA256_LEN];

	digest_begin(token->digest);
	digest_add(token->digest, token->secret[turn], sizeof(token->secret[turn]));
	digest_add(token->digest, address->ip, address->ip_len);
	if (digest_end(token->digest, hash) != 0)
		return false;
	memcpy(out, hash, DHT_TOKEN_LEN);
	return true;
}

bool
dht_token_make(struct dht_token *token, const struct dht_address *address, uint8_t *out)
{
	return make(token, 0, address, out);
}

bool
dht_token_right(struct dht_token *token, const struct dht_address *address, struct dht_span given)
{
	uint8_t right[DHT_TOKEN_LEN];

	for (int turn = 0; turn < 2 && given.len == DHT_TOKEN_LEN; turn++)
		if (make(token, turn, address, right) &&
		    CRYPTO_memcmp(right, given.bytes, DHT_TOKEN_LEN) == 0)
			return true;
	return false;
}
