/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* messages.h takes a peer's stream apart after the handshake (BEP 3): a length prefix, checked
 * before anything else, a message id, a body. What the message may be is one table. Short bodies
 * are gathered in the peer, extended ones in place or in a message buffer; what a seeder has no use
 * for (haves and bitfields, but where it super-seeds; suggestions) is skipped and not stored.
 *
 * Each function takes the next bytes of one stage. data: [0, len), len > 0. Returns how many it
 * took, at least one. */
#ifndef SPILLWAY_DATAPLANE_WIRE_MESSAGES_H
#define SPILLWAY_DATAPLANE_WIRE_MESSAGES_H

#include "dataplane/wire/peer.h"

uint32_t
message_head_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);
uint32_t
message_body_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);
uint32_t
message_extended_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);
uint32_t
message_skip_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);

#endif
