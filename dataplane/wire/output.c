/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What goes to a peer, in this order: our handshake and what we have, choke, unchoke, keep-alive,
 * pieces shown and withdrawn, rejects, other peers, metadata, blocks. */
#include "dataplane/wire/blocks.h"
#include "dataplane/wire/extended.h"
#include "dataplane/wire/handshake.h"
#include "dataplane/wire/metadata.h"
#include "dataplane/wire/pex.h"
#include "dataplane/wire/requests.h"
#include "dataplane/wire/super.h"

enum {
	MESSAGE_CHOKE = 0,
	MESSAGE_UNCHOKE = 1,
	MESSAGE_BITFIELD = 5,
	MESSAGE_PORT = 9,
	MESSAGE_HAVE_ALL = 14,
	MESSAGE_HAVE_NONE = 15,
	MESSAGE_REJECT = 16,
};

/* message_give gives a message without a body. */
static void
message_give(struct compose *out, uint8_t id)
{
	const uint8_t message[WIRE_HEAD_LEN] = { 0, 0, 0, 1, id };

	compose_bytes(out, message, sizeof(message));
}

/* ---- the greeting, part by part */

/* pieces_give tells what we have: BEP 6 have_all or have_none where both sides speak it and it is
 * so, else the bitfield, also when it is empty. */
static void
pieces_give(struct wire_peer *peer, struct compose *out)
{
	const struct active *active = peer->torrent->active;
	uint8_t head[WIRE_HEAD_LEN];

	peer->withdrawn_seen = active->withdrawn_cnt;
	peer->greeting = GREETING_EXTENDED;
	if (UNLIKELY(peer->super != NULL)) { /* BEP 16: nothing, at first */
		if (peer->fast)
			message_give(out, MESSAGE_HAVE_NONE);
	} else if (peer->fast && active->have_cnt == active->layout->piece_cnt) {
		message_give(out, MESSAGE_HAVE_ALL);
	} else if (peer->fast && active->have_cnt == 0) {
		message_give(out, MESSAGE_HAVE_NONE);
	} else {
		store_be32(head, 1 + peer_bitfield_len(peer));
		head[4] = MESSAGE_BITFIELD;
		compose_bytes(out, head, sizeof(head));
		peer->greeting = GREETING_BITFIELD;
	}
}

/* bitfield_give gives the next buffer's worth of the bitfield. false: no buffer now. */
static bool
bitfield_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	uint32_t left = peer_bitfield_len(peer) - peer->bitfield_off;
	uint32_t n = MIN(left, (uint32_t)WIRE_MESSAGE_BUF_LEN);

	if (wire->messages->free_cnt == 0)
		return false;
	compose_copy(wire, out, peer->torrent->active->have + peer->bitfield_off, n);
	peer->bitfield_off += n;
	if (n == left)
		peer->greeting = GREETING_EXTENDED;
	return true;
}

/* port_give tells where our DHT node is (BEP 5). */
static void
port_give(struct wire *wire, const struct wire_peer *peer, struct compose *out)
{
	const uint8_t message[WIRE_HEAD_LEN + 2] = {
		0, 0, 0, 3, MESSAGE_PORT, (uint8_t)(wire->dht_port >> 8), (uint8_t)wire->dht_port,
	};

	if (!peer->dht || peer_is_private(peer))
		return;
	compose_bytes(out, message, sizeof(message));
	count(wire->ctr, CTR_dht_ports_sent);
}

static void
greeting_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	while (compose_room(out) && peer->state == WIRE_OPEN) {
		switch ((enum wire_greeting)peer->greeting) {
		case GREETING_HANDSHAKE:
			handshake_give(wire, peer, out);
			peer->greeting = GREETING_PIECES;
			break;
		case GREETING_PIECES:
			pieces_give(peer, out);
			break;
		case GREETING_BITFIELD:
			if (!bitfield_give(wire, peer, out))
				return;
			break;
		case GREETING_EXTENDED:
			if (peer->extended)
				extended_give(wire, peer, out);
			peer->greeting = GREETING_PORT;
			break;
		case GREETING_PORT:
			port_give(wire, peer, out);
			peer->greeting = GREETING_DONE;
			break;
		case GREETING_DONE:
			return;
		}
	}
}

/* ---- the small messages */

/* signals_give gives choke, unchoke and keep-alive. A choke waits for room, and its unchoke for it:
 * a peer may have as many of them as it likes, each of which would be queued. */
static void
signals_give(struct wire_peer *peer, struct compose *out)
{
	static const uint8_t keepalive[4] = { 0 };

	if (UNLIKELY(peer->choke_due) && compose_wanted(out)) {
		message_give(out, MESSAGE_CHOKE);
		peer->choke_due = false;
	}
	if (peer->unchoke_due && !peer->choke_due && compose_room(out)) {
		message_give(out, MESSAGE_UNCHOKE);
		peer->unchoke_due = false;
	}
	if (peer->keepalive_due && compose_room(out) && out->cnt == 0)
		compose_bytes(out, keepalive, sizeof(keepalive));
}

/* donthave_give gives BEP 54 messages for pieces offered at activation and withdrawn since. A peer
 * may hear of a piece again; that changes nothing for it. */
COLD static void
donthave_give(struct wire_peer *peer, struct compose *out)
{
	const struct active *active = peer->torrent->active;
	const uint8_t *offered = peer_offered(peer);
	uint8_t message[EXTENDED_HEAD_LEN + 4] = { 0, 0, 0, 6, MESSAGE_EXTENDED,
		                                   peer->donthave_id };
	uint32_t piece = peer->donthave_next;

	while (piece < active->layout->piece_cnt && peer->donthave_id != 0) {
		uint8_t lost = offered[piece / 8] & (uint8_t)~active->have[piece / 8];

		if (lost == 0) {
			piece = (piece | 7) + 1;
			continue;
		}
		if (!compose_wanted(out)) {
			peer->donthave_next = piece;
			return;
		}
		if (lost & 0x80 >> piece % 8) {
			store_be32(message + EXTENDED_HEAD_LEN, piece);
			compose_bytes(out, message, sizeof(message));
		}
		piece++;
	}
	peer->donthave_next = UINT32_MAX;
}

static void
rejects_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	struct wire_request *request;
	uint8_t message[WIRE_HEAD_LEN + WIRE_BODY_MAX] = { 0, 0, 0, 13, MESSAGE_REJECT };

	while (compose_wanted(out) && (request = queue_first(peer, REQUEST_REJECT)) != NULL) {
		store_be32(message + 5, request->block.piece);
		store_be32(message + 9, request->block.begin);
		store_be32(message + 13, request->block.len);
		compose_bytes(out, message, sizeof(message));
		request_free(wire, request);
		count(wire->ctr, CTR_rejects_sent);
	}
}

/* content_give gives blocks and starts reads within the room that is left, as long as reads find
 * their block in memory. */
static void
content_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	uint32_t before;

	blocks_give(wire, peer, out);
	do {
		if (!compose_wanted(out) || peer->state != WIRE_OPEN)
			return;
		before = out->bytes;
		blocks_start(wire, peer, out->room_bytes - out->bytes);
		blocks_give(wire, peer, out);
	} while (out->bytes > before);
}

uint32_t
wire_output(struct wire *wire, struct wire_peer *peer, uint32_t room_bytes, struct frag *frags,
            uint32_t max)
{
	struct compose out = { .frags = frags, .max = max, .room_bytes = room_bytes };

	dp_assert(max >= WIRE_FRAGS_MAX);
	if (UNLIKELY(peer->greeting != GREETING_DONE))
		greeting_give(wire, peer, &out);
	if (peer->state == WIRE_OPEN && peer->greeting == GREETING_DONE) {
		signals_give(peer, &out);
		if (UNLIKELY(peer->donthave_next != UINT32_MAX))
			donthave_give(peer, &out);
		if (UNLIKELY(peer->super != NULL))
			super_give(peer, &out);
		rejects_give(wire, peer, &out);
		if (UNLIKELY(peer->pex_due))
			pex_give(wire, peer, &out);
		metadata_give(wire, peer, &out);
		content_give(wire, peer, &out);
		rejects_give(wire, peer, &out); /* of pieces that were found to be gone */
	}
	if (out.cnt > 0) {
		peer->sent_us = wire->now_us;
		peer->keepalive_due = false;
	}
	return out.cnt;
}

bool
wire_pending(const struct wire_peer *peer)
{
	if (peer->state != WIRE_OPEN)
		return false;
	return peer->greeting != GREETING_DONE || peer->unchoke_due || peer->choke_due ||
	       (peer->super != NULL && super_due(peer)) || peer->keepalive_due || peer->pex_due ||
	       peer->donthave_next != UINT32_MAX ||
	       peer->queue[REQUEST_REJECT].cnt > 0 || peer->queue[REQUEST_METADATA].cnt > 0 ||
	       peer->queue[REQUEST_READY].cnt > 0 || blocks_can_start(peer);
}

void
wire_prepare(struct wire *wire, struct wire_peer *peer, uint32_t ahead_bytes)
{
	if (peer->state == WIRE_OPEN)
		blocks_start(wire, peer, ahead_bytes);
}

bool
wire_holding(const struct wire_peer *peer)
{
	return peer->queue[REQUEST_READING].cnt + peer->queue[REQUEST_READY].cnt > 0;
}

bool
wire_wants(const struct wire_peer *peer)
{
	return peer->state == WIRE_WAITING || peer_request_cnt(peer) > 0;
}
