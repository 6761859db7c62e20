/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_token.h makes and checks the write tokens of get_peers and announce_peer (BEP 5): a hash of
 * the asking address and a secret that changes every DHT_TOKEN_TURN_MS; those of the secret before
 * are accepted too.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_TOKEN_H
#define SPILLWAY_CONTROL_DHT_DHT_TOKEN_H

#include "control/content/digest.h"
#include "control/dht/dht_address.h"
#include "control/dht/dht_message.h"
#include "control/dht/dht_random.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_token_limit {
	DHT_TOKEN_LEN = 8,
	DHT_TOKEN_TURN_MS = 5 * 60 * 1000,
};

struct dht_token {
	uint8_t secret[2][16]; /* now, and before */
	int64_t turned_ms;
	struct digest *digest;
};

/* dht_token_create takes a first secret. Returns 0 or -ENOMEM. */
int
dht_token_create(struct dht_token *token, struct dht_random *random, int64_t now_ms);

/* dht_token_destroy frees what dht_token_create made; one of zeros is allowed. */
void
dht_token_destroy(struct dht_token *token);

/* dht_token_turn changes the secret when it is time. */
void
dht_token_turn(struct dht_token *token, struct dht_random *random, int64_t now_ms);

/* dht_token_make writes the token of an address to out[DHT_TOKEN_LEN]; its port does not count.
 * Returns false when the library failed: then there is none. */
bool
dht_token_make(struct dht_token *token, const struct dht_address *address, uint8_t *out);

/* dht_token_right tells whether a token was given to this address in the last one or two turns. */
bool
dht_token_right(struct dht_token *token, const struct dht_address *address,
                struct dht_span given);

#endif
