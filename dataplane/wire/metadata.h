/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metadata.h is BEP 9: the info dictionary in pieces of 16 KiB, for peers that know a torrent by
 * its info_hash only.
 *
 * Every request is answered by data or reject, in order, while the connection has room. Rejected:
 * what is out of range, of a private torrent, beyond WIRE_METADATA_QUEUE_MAX waiting, or met by a
 * want of message buffers. A peer that lets as many rejects again wait is closed.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_METADATA_H
#define SPILLWAY_DATAPLANE_WIRE_METADATA_H

#include "dataplane/wire/bdecode.h"
#include "dataplane/wire/compose.h"

/* metadata_in takes the bytes of a ut_metadata message after the extended id. */
COLD void
metadata_in(struct wire *wire, struct wire_peer *peer, struct bcursor cursor);

/* metadata_give gives answers while the connection wants more. peer: OPEN. */
void
metadata_give(struct wire *wire, struct wire_peer *peer, struct compose *out);

#endif
