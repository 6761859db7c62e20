/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_vote.h finds out our external address from what other nodes say it is (BEP 42, the top-level
 * "ip" of their replies), each host having one vote in a round.
 *
 * A round ends with DHT_VOTE_ENOUGH votes, or after DHT_VOTE_ROUND_MS when it has DHT_VOTE_LEAST;
 * an address that has more than half of them wins.
 *
 * Threads: one. Memory: fixed.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_VOTE_H
#define SPILLWAY_CONTROL_DHT_DHT_VOTE_H

#include "control/dht/dht_address.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_vote_limit {
	DHT_VOTE_LEAST = 8,
	DHT_VOTE_ENOUGH = 12,
	DHT_VOTE_ROUND_MS = 10 * 60 * 1000,
	DHT_VOTE_CANDIDATES = 8, /* further addresses of a round are nobody's votes */
	DHT_VOTE_HOSTS = 64,
};

struct dht_vote {
	struct dht_address candidate[DHT_VOTE_CANDIDATES]; /* port 0 */
	uint8_t cnt[DHT_VOTE_CANDIDATES];
	uint8_t host[DHT_VOTE_HOSTS][DHT_COMPACT_V6]; /* who has voted in this round */
	uint8_t host_len[DHT_VOTE_HOSTS];
	uint32_t host_cnt;
	int64_t begun_ms;
};

/* dht_vote_begin starts the first round. */
void
dht_vote_begin(struct dht_vote *vote, int64_t now_ms);

/* dht_vote_take counts one reply's word.
 *
 * voter    who sent it.
 * said     what it says our address is; one that no host can have, or of another family than the
 *          voter's, is no vote, nor is one that reaches less far than the voter.
 * winner   out, port 0, when true is returned: a round has ended with it.
 */
bool
dht_vote_take(struct dht_vote *vote, const struct dht_address *voter,
              const struct dht_address *said, int64_t now_ms, struct dht_address *winner);

#endif
