/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A peer's life: opening, the states, notes to the caller, closing; and the memory of them all. */
#include "dataplane/wire/peer.h"

#include "dataplane/wire/choke.h"
#include "dataplane/wire/pex.h"
#include "dataplane/wire/requests.h"
#include "dataplane/wire/reread.h"
#include "dataplane/wire/super.h"

#include <stdlib.h>
#include <string.h>

/* edges[from]: the states that may follow */
static const uint8_t edges[WIRE_STATE_CNT] = {
	[WIRE_FREE] = 1u << WIRE_HANDSHAKE,
	[WIRE_HANDSHAKE] = 1u << WIRE_WAITING | 1u << WIRE_CLOSED | 1u << WIRE_FREE,
	[WIRE_WAITING] = 1u << WIRE_OPEN | 1u << WIRE_CLOSED | 1u << WIRE_FREE,
	[WIRE_OPEN] = 1u << WIRE_CLOSED | 1u << WIRE_FREE,
	[WIRE_CLOSED] = 1u << WIRE_FREE,
};

void
peer_set_state(struct wire *wire, struct wire_peer *peer, enum wire_state state)
{
	dp_assert(edges[peer->state] & 1u << state);
	peer->state = (uint8_t)state;
	peer->since_us = wire->now_us;
	link_remove(&peer->waiting);
	if (state == WIRE_WAITING)
		link_insert(&wire->waiting, &peer->waiting);
}

void
peer_note(struct wire *wire, struct wire_peer *peer)
{
	if (!link_is_set(&peer->note))
		link_insert(&wire->notes, &peer->note);
}

void
peer_doom(struct wire *wire, struct wire_peer *peer, enum counter why)
{
	if (peer->state == WIRE_CLOSED)
		return;
	count(wire->ctr, why);
	link_remove(&peer->starved);
	choke_forget(wire, peer);
	peer_set_state(wire, peer, WIRE_CLOSED);
	peer_note(wire, peer);
}

void
peer_activate(struct wire *wire, struct wire_peer *peer)
{
	dp_assert(peer->torrent->state == TORRENT_ACTIVE && peer->torrent->active != NULL);
	peer_set_state(wire, peer, WIRE_OPEN);
	if (UNLIKELY(peer->torrent->flags & ABI_ENTRY_SUPER_SEED))
		super_join(wire, peer);
	if (peer->interested)
		choke_interested(wire, peer);
	pex_join(wire, peer);
	peer_note(wire, peer);
}

struct wire_peer *
wire_open(struct wire *wire, uint32_t address_be, uint16_t port, void *user, uint64_t now_us)
{
	struct wire_peer *peer = pool_get(&wire->peers);

	wire->now_us = now_us;
	if (peer == NULL) {
		count(wire->ctr, CTR_peers_full);
		return NULL;
	}
	memset(peer, 0, sizeof(*peer));
	peer->user = user;
	peer->address_be = address_be;
	peer->port = port;
	peer->opened_us = now_us;
	peer->in_us = now_us;
	peer->sent_us = now_us;
	peer->progress_us = now_us;
	peer->donthave_next = UINT32_MAX;
	requests_open(peer);
	peer_set_state(wire, peer, WIRE_HANDSHAKE);
	count(wire->ctr, CTR_peers_opened);
	gauge_set(wire->ctr, CTR_peers, wire->peers.cnt - wire->peers.free_cnt);
	return peer;
}

void *
wire_user(const struct wire_peer *peer)
{
	return peer->user;
}

const struct torrent *
wire_torrent(const struct wire_peer *peer)
{
	return peer->torrent;
}

const uint8_t *
wire_peer_id(const struct wire_peer *peer)
{
	return peer->stage > STAGE_PEER_ID ? peer->id : NULL;
}

uint32_t
wire_request_cnt(const struct wire_peer *peer)
{
	return peer_request_cnt(peer);
}

bool
wire_interested(const struct wire_peer *peer)
{
	return peer->interested;
}

bool
wire_unchoked(const struct wire_peer *peer)
{
	return peer->unchoked;
}

void
wire_set_drain(struct wire *wire, bool on)
{
	wire->draining = on;
}

/* peer_leave drops all that ties a peer to its torrent. */
static void
peer_leave(struct wire *wire, struct wire_peer *peer)
{
	requests_abandon(wire, peer);
	reread_drop(wire, peer);
	pex_leave(wire, peer);
	choke_forget(wire, peer);
	super_leave(wire, peer);
	if (peer->torrent != NULL)
		store_leave(wire->store, peer->torrent, wire->now_us);
	peer->torrent = NULL;
}

void
wire_close(struct wire *wire, struct wire_peer *peer, uint64_t now_us)
{
	wire->now_us = now_us;
	peer_leave(wire, peer);
	dp_assert(peer->entry_cnt == 0);
	if (peer->assembly != NULL)
		buf_put(peer->assembly);
	link_remove(&peer->note);
	link_remove(&peer->starved);
	peer_set_state(wire, peer, WIRE_FREE);
	pool_put(&wire->peers, peer);
	gauge_set(wire->ctr, CTR_peers, wire->peers.cnt - wire->peers.free_cnt);
}

/* torrent_gone closes every peer of a torrent; rare enough to look at each peer. */
COLD static void
torrent_gone(struct wire *wire, struct torrent *torrent)
{
	for (uint32_t i = 0; i < wire->peers.cnt; i++) {
		struct wire_peer *peer = pool_at(&wire->peers, i);

		if (peer->state == WIRE_FREE || peer->torrent != torrent)
			continue;
		peer_doom(wire, peer, CTR_wire_torrent_gone);
		peer_leave(wire, peer);
	}
}

void
wire_torrent_changed(struct wire *wire, struct torrent *torrent, bool gone)
{
	struct link *next;

	if (gone) {
		torrent_gone(wire, torrent);
		return;
	}
	for (struct link *link = list_first(&wire->waiting); link != NULL; link = next) {
		struct wire_peer *peer = CONTAINER_OF(link, struct wire_peer, waiting);

		next = list_next(&wire->waiting, link);
		if (peer->torrent != torrent)
			continue;
		if (torrent->state == TORRENT_ACTIVE)
			peer_activate(wire, peer);
		else if (torrent->state == TORRENT_COLD)
			peer_doom(wire, peer, CTR_wire_refused);
	}
}

/* peer_id_make fills in BEP 20's Azureus style: client, version and 12 random characters. */
COLD static void
peer_id_make(uint8_t id[20], uint64_t seed)
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.";

	static_assert(sizeof(letters) == 64 + 1, "six bits choose a letter");
	memcpy(id, WIRE_PEER_ID_PREFIX, 8);
	for (int i = 8; i < 20; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		id[i] = (uint8_t)letters[seed >> 58];
	}
}

COLD static bool
messages_create(struct wire *wire)
{
	wire->message_memory = aligned_alloc(64, (size_t)WIRE_MESSAGE_BUFS * WIRE_MESSAGE_BUF_LEN);
	if (wire->message_memory == NULL)
		return false;
	wire->messages =
		buf_pool_create(wire->message_memory, WIRE_MESSAGE_BUF_LEN, WIRE_MESSAGE_BUFS);
	return wire->messages != NULL;
}

COLD static bool
peers_create(struct wire *wire, uint32_t cnt)
{
	if (pool_init(&wire->peers, sizeof(struct wire_peer), cnt) != 0 ||
	    pool_init(&wire->rereads, sizeof(struct reread), cnt) != 0)
		return false;
	for (uint32_t i = 0; i < cnt; i++)
		((struct wire_peer *)pool_at(&wire->peers, i))->state = WIRE_FREE;
	return true;
}

/* wire_free frees what has been made so far. */
COLD static void
wire_free(struct wire *wire)
{
	buf_pool_destroy(wire->messages);
	free(wire->message_memory);
	super_destroy(wire);
	requests_destroy(wire);
	pex_destroy(wire);
	pool_fini(&wire->rereads);
	pool_fini(&wire->peers);
	free(wire);
}

struct wire *
wire_create(const struct wire_config *config)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (wire == NULL)
		return NULL;
	wire->store = config->store;
	wire->ctr = config->ctr;
	wire->listen_port = config->listen_port;
	wire->dht_port = config->dht_port;
	wire->pex = config->pex;
	list_init(&wire->notes);
	list_init(&wire->starved);
	list_init(&wire->limited);
	list_init(&wire->rereads_waiting);
	list_init(&wire->rereads_over);
	list_init(&wire->waiting);
	choke_init(wire);
	peer_id_make(wire->peer_id, config->seed);
	if (peers_create(wire, config->peers_max) && requests_create(wire, config->peers_max) &&
	    pex_create(wire, config->peers_max) && super_create(wire) && messages_create(wire))
		return wire;
	wire_free(wire);
	return NULL;
}

void
wire_destroy(struct wire *wire)
{
	dp_assert(wire->peers.free_cnt == wire->peers.cnt);
	dp_assert(wire->requests.free_cnt == wire->requests.cnt);
	dp_assert(wire->reads.free_cnt == wire->reads.cnt);
	dp_assert(wire->rereads.free_cnt == wire->rereads.cnt);
	dp_assert(wire->gossips.free_cnt == wire->gossips.cnt);
	dp_assert(wire->swarms.free_cnt == wire->swarms.cnt);
	wire_free(wire);
}
