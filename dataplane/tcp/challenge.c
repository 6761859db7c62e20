/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limits of challenge ACKs. */
#include "dataplane/tcp/challenge.h"

#include "dataplane/base/limits.h"
#include "dataplane/tcp/isn.h"

enum { EPOCH_SHIFT = 20, OWN_EPOCH_SHIFT = 22 };

static_assert((TCP_CHALLENGE_ACKS_PER_S & (TCP_CHALLENGE_ACKS_PER_S - 1)) == 0, "masked");

/* draw returns how many may be sent in an epoch, all connections. */
static uint32_t
draw(const uint64_t secret[2], uint64_t epoch)
{
	struct flow_key none = {0};
	uint64_t random = isn_hash_with(secret, &none, ISN_SALT_CHALLENGE, epoch);

	return TCP_CHALLENGE_ACKS_PER_S / 2 + ((uint32_t)random & (TCP_CHALLENGE_ACKS_PER_S - 1));
}

static bool
own_may(struct challenge_own *own, uint64_t now_us)
{
	uint32_t epoch = (uint32_t)(now_us >> OWN_EPOCH_SHIFT);

	if (own->epoch != epoch) {
		own->epoch = epoch;
		own->cnt = 0;
	}
	return own->cnt < TCP_CHALLENGE_ACKS_OWN;
}

bool
challenge_may(struct challenge *all, struct challenge_own *own, const uint64_t secret[2],
              uint64_t now_us, struct counters *ctr)
{
	uint64_t epoch = now_us >> EPOCH_SHIFT;

	if (all->epoch != epoch) {
		all->epoch = epoch;
		all->left = draw(secret, epoch);
	}
	if ((own != NULL && !own_may(own, now_us)) || all->left == 0) {
		count(ctr, CTR_tcp_challenge_limited);
		return false;
	}
	if (own != NULL)
		own->cnt++;
	all->left--;
	count(ctr, CTR_tcp_challenge_acks);
	return true;
}
