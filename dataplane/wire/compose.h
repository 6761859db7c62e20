/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* compose.h puts bytes and spans into the caller's array of fragments.
 *
 * A part of a message that needs at most WIRE_FRAGS_MAX fragments is begun only when compose_room
 * says so; thus an array never ends inside it.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_COMPOSE_H
#define SPILLWAY_DATAPLANE_WIRE_COMPOSE_H

#include "dataplane/wire/peer.h"

#include <string.h>

struct compose {
	struct frag *frags;
	uint32_t max;
	uint32_t cnt;
	uint32_t bytes;      /* given so far */
	uint32_t room_bytes; /* that the connection wants in all */
};

/* compose_room tells whether another part fits the array. */
static inline bool
compose_room(const struct compose *out)
{
	return out->max - out->cnt >= WIRE_FRAGS_MAX;
}

/* compose_wanted tells whether it does and the connection wants more bytes. */
static inline bool
compose_wanted(const struct compose *out)
{
	return out->bytes < out->room_bytes && compose_room(out);
}

/* compose_bytes gives a few bytes, copied into fragments of FRAG_INLINE_MAX. */
static inline void
compose_bytes(struct compose *out, const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t n = MIN(len, (uint32_t)FRAG_INLINE_MAX);
		struct frag *frag = &out->frags[out->cnt++];

		dp_assert(out->cnt <= out->max);
		frag->span = (struct span){ 0 };
		frag->inline_len = (uint8_t)n;
		memcpy(frag->bytes, data, n);
		out->bytes += n;
		data += n;
		len -= n;
	}
}

/* compose_span gives a span and the reference it holds.
 *
 * origin  where the bytes can be had again; {0}: nowhere. */
static inline void
compose_span(struct compose *out, struct span span, struct origin origin)
{
	struct frag *frag = &out->frags[out->cnt++];

	dp_assert(out->cnt <= out->max && span.len > 0);
	frag->span = span;
	frag->origin = origin;
	frag->inline_len = 0;
	out->bytes += span.len;
}

/* compose_copy gives len bytes, copied into message buffers. They must be there (asserted). */
static inline void
compose_copy(struct wire *wire, struct compose *out, const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t n = MIN(len, (uint32_t)WIRE_MESSAGE_BUF_LEN);
		struct buf *buf = buf_get(wire->messages);

		dp_assert(buf != NULL);
		memcpy(buf->data, data, n);
		compose_span(out, (struct span){ .buf = buf, .data = buf->data, .len = n },
		             (struct origin){ 0 });
		data += n;
		len -= n;
	}
}

#endif
