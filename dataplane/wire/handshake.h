/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* handshake.h is the first 68 bytes from a peer (BEP 3): the protocol's name, the reserved bits
 * (BEP 6, BEP 10), the info_hash, and last the peer id, which need not be awaited to answer. */
#ifndef SPILLWAY_DATAPLANE_WIRE_HANDSHAKE_H
#define SPILLWAY_DATAPLANE_WIRE_HANDSHAKE_H

#include "dataplane/wire/compose.h"

/* handshake_in takes bytes up to the info_hash's end, and joins the torrent; peer_id_in takes those
 * of the peer id. data: [0, len), len > 0. Both return how many bytes they took, at least one. */
uint32_t
handshake_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);
uint32_t
peer_id_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);

/* handshake_give gives our own handshake. */
void
handshake_give(struct wire *wire, struct wire_peer *peer, struct compose *out);

#endif
