/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Our external address by vote. */
#include "control/dht/dht_vote.h"

#include <string.h>

void
dht_vote_begin(struct dht_vote *vote, int64_t now_ms)
{
	memset(vote, 0, sizeof(*vote));
	vote->begun_ms = now_ms;
}

/* voter_take notes a voter; false when it has voted, or no more can. */
static bool
voter_take(struct dht_vote *vote, const struct dht_address *voter)
{
	uint8_t host[DHT_COMPACT_V6];
	size_t len = dht_address_host(voter, host);

	for (uint32_t i = 0; i < vote->host_cnt; i++)
		if (vote->host_len[i] == len && memcmp(vote->host[i], host, len) == 0)
			return false;
	if (vote->host_cnt == DHT_VOTE_HOSTS)
		return false;
	memcpy(vote->host[vote->host_cnt], host, len);
	vote->host_len[vote->host_cnt++] = (uint8_t)len;
	return true;
}

static void
candidate_count(struct dht_vote *vote, const struct dht_address *said)
{
	struct dht_address address = *said;

	address.port = 0;
	for (int i = 0; i < DHT_VOTE_CANDIDATES; i++) {
		if (vote->cnt[i] == 0)
			vote->candidate[i] = address;
		if (!dht_address_equal(&vote->candidate[i], &address))
			continue;
		vote->cnt[i]++;
		return;
	}
}

bool
dht_vote_take(struct dht_vote *vote, const struct dht_address *voter,
              const struct dht_address *said, int64_t now_ms, struct dht_address *winner)
{
	enum dht_scope scope = dht_address_scope(said);
	bool won = false;

	if (said->ip_len != voter->ip_len || scope == DHT_SCOPE_NONE ||
	    scope < dht_address_scope(voter) || !voter_take(vote, voter))
		return false;
	candidate_count(vote, said);
	bool late = now_ms - vote->begun_ms >= DHT_VOTE_ROUND_MS;
	if (vote->host_cnt < (late ? DHT_VOTE_LEAST : DHT_VOTE_ENOUGH))
		return false;
	for (int i = 0; i < DHT_VOTE_CANDIDATES; i++) {
		if (2u * vote->cnt[i] <= vote->host_cnt)
			continue;
		*winner = vote->candidate[i];
		won = true;
	}
	dht_vote_begin(vote, now_ms);
	return won;
}
