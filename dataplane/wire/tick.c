/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What comes of its own accord: reads that end, memory that comes back, time that passes. */
#include "dataplane/wire/blocks.h"
#include "dataplane/wire/choke.h"
#include "dataplane/wire/pex.h"
#include "dataplane/wire/requests.h"
#include "dataplane/wire/super.h"

enum {
	TICK_SLICES = 64,        /* a round over all peers */
	TICK_SLICE_US = 5 * 1000,/* and no more often than this a slice */
	LIMITED_LOOK = 16,       /* peers beyond their torrent's share that try again in a slice */
};

uint32_t
wire_reap(struct wire *wire, uint64_t now_us, struct wire_note *notes, uint32_t max)
{
	struct link *link;
	uint32_t cnt = 0;

	wire->now_us = now_us;
	store_clock(wire->store, now_us);
	blocks_reap(wire);
	blocks_revive(wire);
	while (cnt < max && (link = list_first(&wire->notes)) != NULL) {
		struct wire_peer *peer = CONTAINER_OF(link, struct wire_peer, note);

		link_remove(link);
		notes[cnt].peer = peer;
		notes[cnt++].verdict = peer->state == WIRE_CLOSED ? WIRE_CLOSE : WIRE_OK;
	}
	return cnt;
}

/* since returns the time since an event; the caller's clocks may differ by a turn. */
static uint64_t
since(uint64_t now_us, uint64_t event_us)
{
	return now_us > event_us ? now_us - event_us : 0;
}

/* is_done tells whether a peer has asked for nothing for so long that it wants nothing more; or has
 * asked, and taken nothing for as long as the idle have, whatever it says meanwhile. */
static bool
is_done(const struct wire_peer *peer, uint64_t now_us)
{
	uint64_t us = since(now_us, MAX(peer->since_us, peer->progress_us));

	if (peer->state != WIRE_OPEN || (link_is_set(&peer->slot) && !peer->holds))
		return false;
	return us > (peer_request_cnt(peer) > 0 ? (uint64_t)WIRE_IDLE_TIMEOUT_US
	                                        : (uint64_t)WIRE_DRAIN_IDLE_US);
}

/* overdue names why a peer has had its time, CTR_CNT: it has not. */
static enum counter
overdue(const struct wire *wire, const struct wire_peer *peer, uint64_t now_us)
{
	uint64_t alive_us = MAX(peer->in_us, peer->progress_us);

	if (peer->stage <= STAGE_PEER_ID &&
	    since(now_us, peer->opened_us) > WIRE_HANDSHAKE_TIMEOUT_US)
		return CTR_wire_handshake_timeout;
	if (peer->state == WIRE_WAITING && since(now_us, peer->since_us) > WIRE_ACTIVATE_TIMEOUT_US)
		return CTR_wire_activate_timeout;
	if (since(now_us, alive_us) > WIRE_IDLE_TIMEOUT_US)
		return CTR_wire_idle_timeout;
	if (UNLIKELY(wire->draining) && is_done(peer, now_us))
		return CTR_wire_drained;
	return CTR_CNT;
}

/* open_tick looks at a peer that is OPEN. Returns whether it has output now. */
static bool
open_tick(struct wire_peer *peer, uint64_t now_us)
{
	const struct active *active = peer->torrent->active;

	if (since(now_us, peer->sent_us) > WIRE_KEEPALIVE_US)
		peer->keepalive_due = true;
	if (peer->greeting > GREETING_PIECES && peer->withdrawn_seen != active->withdrawn_cnt) {
		peer->withdrawn_seen = active->withdrawn_cnt;
		peer->donthave_next = 0;
	}
	pex_tick(peer, now_us);
	return peer->keepalive_due || peer->pex_due || peer->donthave_next != UINT32_MAX;
}

/* peer_tick looks at one peer. Returns whether *note is to be told. */
static bool
peer_tick(struct wire *wire, struct wire_peer *peer, uint64_t now_us, struct wire_note *note)
{
	enum counter why;

	if (peer->state == WIRE_FREE || peer->state == WIRE_CLOSED)
		return false;
	note->peer = peer;
	if (UNLIKELY(peer->super != NULL))
		super_tick(wire, peer);
	why = overdue(wire, peer, now_us);
	if (why != CTR_CNT) {
		peer_doom(wire, peer, why);
		link_remove(&peer->note); /* told here */
		note->verdict = WIRE_CLOSE;
		return true;
	}
	note->verdict = WIRE_OK;
	return peer->state == WIRE_OPEN && open_tick(peer, now_us);
}

uint32_t
wire_tick(struct wire *wire, uint64_t now_us, struct wire_note *notes, uint32_t max)
{
	uint32_t cnt = 0;

	wire->now_us = now_us;
	choke_tick(wire);
	if (wire->tick_left == 0 && since(now_us, wire->tick_us) >= TICK_SLICE_US) {
		wire->tick_us = now_us;
		wire->tick_left = wire->peers.cnt / TICK_SLICES + 1;
		/* The reads that they wait for may have been abandoned, or others'. */
		blocks_revive_limited(wire, LIMITED_LOOK);
	}
	while (wire->tick_left > 0 && cnt < max) {
		struct wire_peer *peer = pool_at(&wire->peers, wire->tick_next);

		wire->tick_left--;
		if (++wire->tick_next == wire->peers.cnt)
			wire->tick_next = 0;
		if (peer_tick(wire, peer, now_us, &notes[cnt]))
			cnt++;
	}
	return cnt;
}
