/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The handshake, both ways. */
#include "dataplane/wire/handshake.h"

enum {
	PROTOCOL_LEN = 20,       /* length byte and name */
	RESERVED_OFF = 20,
	INFO_HASH_OFF = 28,
	RESERVED_EXTENDED = 0x10, /* BEP 10, reserved[5] */
	RESERVED_FAST = 0x04,     /* BEP 6, reserved[7] */
	RESERVED_DHT = 0x01,      /* BEP 5, reserved[7] */
};

static const uint8_t protocol[PROTOCOL_LEN + 1] = "\x13" "BitTorrent protocol";

/* torrent_join finds and joins the torrent that the handshake names. */
static void
torrent_join(struct wire *wire, struct wire_peer *peer)
{
	const uint8_t *reserved = peer->in + RESERVED_OFF;
	struct torrent *torrent = store_find(wire->store, peer->in + INFO_HASH_OFF);

	if (torrent == NULL) {
		peer_doom(wire, peer, CTR_wire_unknown_info_hash);
		return;
	}
	if (torrent->connections_max != 0 && torrent->peer_cnt >= torrent->connections_max) {
		peer_doom(wire, peer, CTR_wire_torrent_full);
		return;
	}
	peer->extended = (reserved[5] & RESERVED_EXTENDED) != 0;
	peer->fast = (reserved[7] & RESERVED_FAST) != 0;
	peer->dht = wire->dht_port != 0 && (reserved[7] & RESERVED_DHT) != 0;
	peer->torrent = torrent;
	store_join(wire->store, torrent);
	peer_set_state(wire, peer, WIRE_WAITING);
	if (torrent->state == TORRENT_ACTIVE)
		peer_activate(wire, peer);
}

uint32_t
handshake_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t n = MIN(len, (uint32_t)(WIRE_INFO_HASH_END - peer->in_len));

	memcpy(peer->in + peer->in_len, data, n);
	peer->in_len = (uint8_t)(peer->in_len + n);
	if (memcmp(peer->in, protocol, MIN(peer->in_len, (uint32_t)PROTOCOL_LEN)) != 0) {
		peer_doom(wire, peer, CTR_wire_bad_handshake);
	} else if (peer->in_len == WIRE_INFO_HASH_END) {
		peer->stage = STAGE_PEER_ID;
		peer->in_len = 0;
		torrent_join(wire, peer);
	}
	return n;
}

uint32_t
peer_id_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t n = MIN(len, (uint32_t)sizeof(peer->id) - peer->in_len);

	memcpy(peer->id + peer->in_len, data, n);
	peer->in_len = (uint8_t)(peer->in_len + n);
	if (peer->in_len < sizeof(peer->id))
		return n;
	peer->stage = STAGE_HEAD;
	peer->in_len = 0;
	if (memcmp(peer->id, wire->peer_id, sizeof(peer->id)) == 0)
		peer_doom(wire, peer, CTR_wire_self);
	else
		count(wire->ctr, CTR_peers_handshaken);
	peer->greeted_us = wire->now_us;
	return n;
}

void
handshake_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	uint8_t hello[WIRE_HANDSHAKE_LEN] = { 0 };

	memcpy(hello, protocol, PROTOCOL_LEN);
	hello[RESERVED_OFF + 5] = RESERVED_EXTENDED;
	hello[RESERVED_OFF + 7] = RESERVED_FAST;
	if (wire->dht_port != 0 && !peer_is_private(peer))
		hello[RESERVED_OFF + 7] |= RESERVED_DHT;
	memcpy(hello + INFO_HASH_OFF, peer->torrent->info_hash, 20);
	memcpy(hello + WIRE_INFO_HASH_END, wire->peer_id, 20);
	compose_bytes(out, hello, sizeof(hello));
}
