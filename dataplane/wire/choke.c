/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Slots. */
#include "dataplane/wire/choke.h"

#include "dataplane/wire/requests.h"

enum { SECOND_US = 1000 * 1000 };

void
choke_init(struct wire *wire)
{
	list_init(&wire->holding);
	list_init(&wire->queued);
}

static void
unchoke(struct wire *wire, struct wire_peer *peer)
{
	peer->unchoked = true;
	peer->unchoke_due = true;
	peer_note(wire, peer);
}

/* choke takes back what was allowed. An unchoke that is not sent yet is never sent. */
static void
choke(struct wire *wire, struct wire_peer *peer)
{
	struct wire_request *request;

	peer->unchoked = false;
	if (peer->unchoke_due)
		peer->unchoke_due = false;
	else
		peer->choke_due = true;
	for (uint32_t kind = 0; kind <= REQUEST_READY; kind++)
		while ((request = queue_first(peer, kind)) != NULL)
			request_end(wire, request, CTR_requests_choked);
	count(wire->ctr, CTR_chokes);
	peer_note(wire, peer);
}

static void
gauges_set(struct wire *wire)
{
	gauge_set(wire->ctr, CTR_slots_held, wire->holding_cnt);
	gauge_set(wire->ctr, CTR_slots_wanted, wire->queued_cnt);
}

/* ---- the two lists */

static void
hold(struct wire *wire, struct wire_peer *peer)
{
	link_insert(&wire->holding, &peer->slot);
	wire->holding_cnt++;
	peer->holds = true;
	peer->slot_us = wire->now_us;
	peer->slot_bytes = peer->given_bytes;
	peer->round_bytes = peer->given_bytes;
	peer->slow_s = 0;
}

static void
queue(struct wire *wire, struct wire_peer *peer)
{
	link_insert(&wire->queued, &peer->slot);
	wire->queued_cnt++;
}

/* unlist takes a peer out of whichever list it is in. */
static void
unlist(struct wire *wire, struct wire_peer *peer)
{
	if (!link_is_set(&peer->slot))
		return;
	link_remove(&peer->slot);
	if (peer->holds)
		wire->holding_cnt--;
	else
		wire->queued_cnt--;
	peer->holds = false;
}

/* fill gives free slots to those who wait, in their order. */
static void
fill(struct wire *wire)
{
	struct link *link;

	while (wire->holding_cnt < wire->choke.slots &&
	       (link = list_first(&wire->queued)) != NULL) {
		struct wire_peer *peer = CONTAINER_OF(link, struct wire_peer, slot);

		unlist(wire, peer);
		hold(wire, peer);
		unchoke(wire, peer);
	}
	gauges_set(wire);
}

/* yield has a peer that holds a slot go to the end of those who wait. */
static void
yield(struct wire *wire, struct wire_peer *peer)
{
	unlist(wire, peer);
	queue(wire, peer);
	choke(wire, peer);
}

/* ---- what peers do */

void
choke_interested(struct wire *wire, struct wire_peer *peer)
{
	dp_assert(peer->state == WIRE_OPEN);
	if (peer->unchoked || link_is_set(&peer->slot))
		return;
	if (LIKELY(wire->choke.slots == 0)) {
		unchoke(wire, peer);
		return;
	}
	queue(wire, peer);
	fill(wire);
}

void
choke_uninterested(struct wire *wire, struct wire_peer *peer)
{
	bool held = peer->holds;

	unlist(wire, peer);
	if (!held)
		return;
	choke(wire, peer);
	fill(wire);
}

void
choke_forget(struct wire *wire, struct wire_peer *peer)
{
	if (LIKELY(!link_is_set(&peer->slot)))
		return;
	unlist(wire, peer);
	fill(wire);
}

/* ---- what time does */

/* look takes the measure of who holds a slot, a second's if it has had it for so long. Returns
 * whether it is too slow. */
static bool
look(struct wire *wire, struct wire_peer *peer, uint64_t us)
{
	uint64_t bytes = peer->given_bytes - peer->slot_bytes;

	peer->slot_bytes = peer->given_bytes;
	if (bytes * SECOND_US >= wire->choke.slow_bytes_per_s * us)
		peer->slow_s = 0;
	else if (wire->now_us - peer->slot_us >= us)
		peer->slow_s++;
	return wire->choke.slow_s != 0 && peer->slow_s >= wire->choke.slow_s;
}

/* slow_yield has those who have been slow too long yield, as many as wait. */
static void
slow_yield(struct wire *wire, uint64_t us)
{
	uint32_t left = wire->queued_cnt;
	struct link *next;

	for (struct link *link = list_first(&wire->holding); link != NULL; link = next) {
		struct wire_peer *peer = CONTAINER_OF(link, struct wire_peer, slot);

		next = list_next(&wire->holding, link);
		if (!look(wire, peer, us) || left == 0)
			continue;
		count(wire->ctr, CTR_slots_slow);
		yield(wire, peer);
		left--;
	}
}

/* had_round tells whether a peer has held its slot for a round. */
static bool
had_round(const struct wire *wire, const struct wire_peer *peer)
{
	return wire->now_us - peer->slot_us >= WIRE_ROUND_US;
}

/* slowest_of returns who took least in this round, of those who had one whole; NULL: none had. */
static struct wire_peer *
slowest_of(const struct wire *wire)
{
	struct wire_peer *slowest = NULL;

	for (struct link *link = list_first(&wire->holding); link != NULL;
	     link = list_next(&wire->holding, link)) {
		struct wire_peer *peer = CONTAINER_OF(link, struct wire_peer, slot);

		if (had_round(wire, peer) &&
		    (slowest == NULL || peer->given_bytes - peer->round_bytes <
		                                slowest->given_bytes - slowest->round_bytes))
			slowest = peer;
	}
	return slowest;
}

/* next_of returns who is to yield next in a round, NULL: nobody. */
static struct wire_peer *
next_of(const struct wire *wire)
{
	struct link *link = list_first(&wire->holding);
	struct wire_peer *peer;

	if (wire->choke.fastest || link == NULL)
		return slowest_of(wire);
	peer = CONTAINER_OF(link, struct wire_peer, slot);
	return had_round(wire, peer) ? peer : NULL;
}

static uint32_t
round_cnt(const struct wire *wire)
{
	uint32_t cnt = wire->holding_cnt;

	if (wire->choke.fastest)
		cnt = MIN(MAX(cnt / WIRE_ROUND_SHARE, 1u), (uint32_t)WIRE_ROUND_MAX);
	return MIN(cnt, wire->queued_cnt);
}

/* round_yield ends a round. */
static void
round_yield(struct wire *wire)
{
	struct wire_peer *peer;

	for (uint32_t cnt = round_cnt(wire); cnt > 0 && (peer = next_of(wire)) != NULL; cnt--)
		yield(wire, peer);
	for (struct link *link = list_first(&wire->holding); link != NULL;
	     link = list_next(&wire->holding, link)) {
		peer = CONTAINER_OF(link, struct wire_peer, slot);
		peer->round_bytes = peer->given_bytes;
	}
}

void
choke_tick(struct wire *wire)
{
	uint64_t us = wire->now_us - wire->look_us;

	if (LIKELY(wire->choke.slots == 0) || us < SECOND_US)
		return;
	wire->look_us = wire->now_us;
	slow_yield(wire, us);
	if (wire->now_us - wire->round_us >= WIRE_ROUND_US) {
		wire->round_us = wire->now_us;
		round_yield(wire);
	}
	fill(wire);
}

/* ---- what the operator does */

/* adopt brings a peer that was open before into its list. */
COLD static void
adopt(struct wire *wire, struct wire_peer *peer)
{
	if (peer->unchoked && peer->interested)
		hold(wire, peer);
	else if (peer->unchoked)
		choke(wire, peer);
	else if (peer->interested)
		queue(wire, peer);
}

void
wire_set_choke(struct wire *wire, const struct wire_choke *choke, uint64_t now_us)
{
	struct link *link;

	wire->now_us = now_us;
	wire->choke = *choke;
	for (uint32_t i = 0; i < wire->peers.cnt; i++) {
		struct wire_peer *peer = pool_at(&wire->peers, i);

		if (peer->state != WIRE_OPEN)
			continue;
		if (choke->slots != 0 && !link_is_set(&peer->slot))
			adopt(wire, peer);
		if (choke->slots != 0)
			continue;
		unlist(wire, peer);
		if (peer->interested && !peer->unchoked)
			unchoke(wire, peer);
	}
	while (choke->slots != 0 && wire->holding_cnt > choke->slots &&
	       (link = list_first(&wire->holding)) != NULL)
		yield(wire, CONTAINER_OF(link, struct wire_peer, slot));
	fill(wire);
}
