/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* extended.h is BEP 10: the extended handshake both ways, and the messages under our own ids.
 *
 * Ours says m {lt_donthave, ut_metadata, ut_pex}, metadata_size, p, reqq, upload_only, v, yourip;
 * without ut_metadata, metadata_size and ut_pex for a private torrent. upload_only is 1
 * (BEP 21): a seeder wants nothing, also when it lacks pieces; but 0 where it super-seeds, for who
 * has nothing and wants nothing is hung up on. Of the peer's only the ids in m of the same
 * extensions, p and upload_only are read. It may come again (m is additive, id 0 ends an extension,
 * the first p stays); a malformed one changes nothing.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_EXTENDED_H
#define SPILLWAY_DATAPLANE_WIRE_EXTENDED_H

#include "dataplane/wire/compose.h"

enum {
	MESSAGE_EXTENDED = 20,
	EXTENDED_HEAD_LEN = 6, /* length prefix, 20, extended id */
};

/* struct text is a short bencoded text being written; what does not fit is a programmer's error. */
struct text {
	uint32_t len;
	uint8_t bytes[192];
};

/* text_add appends characters; text_add_int appends value as "i<value>e". */
void
text_add(struct text *text, const char *characters);
void
text_add_int(struct text *text, uint32_t value);

/* text_start begins an extended message; text_end sets its length: more_len bytes will follow. */
void
text_start(struct text *text, uint8_t extended_id);
void
text_end(struct text *text, uint32_t more_len);

/* extended_give gives our extended handshake. peer: OPEN. */
COLD void
extended_give(struct wire *wire, struct wire_peer *peer, struct compose *out);

/* extended_in takes a whole extended message. data: [0, len) from the extended id on, len > 0. */
COLD void
extended_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len);

#endif
