/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The peer's bytes, stage by stage. */
#include "dataplane/wire/handshake.h"
#include "dataplane/wire/messages.h"

typedef uint32_t stage_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data,
                          uint32_t len);

static stage_in *const stages[STAGE_CNT] = {
	[STAGE_HANDSHAKE] = handshake_in,
	[STAGE_PEER_ID] = peer_id_in,
	[STAGE_HEAD] = message_head_in,
	[STAGE_BODY] = message_body_in,
	[STAGE_EXTENDED] = message_extended_in,
	[STAGE_SKIP] = message_skip_in,
};

enum wire_verdict
wire_input(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len,
           uint64_t now_us)
{
	dp_assert(peer->state != WIRE_FREE);
	wire->now_us = now_us;
	peer->in_us = now_us;
	while (len > 0 && peer->state != WIRE_CLOSED) {
		uint32_t n = stages[peer->stage](wire, peer, data, len);

		dp_assert(n > 0 && n <= len);
		data += n;
		len -= n;
	}
	if (LIKELY(peer->state != WIRE_CLOSED))
		return WIRE_OK;
	link_remove(&peer->note); /* told here */
	return WIRE_CLOSE;
}
