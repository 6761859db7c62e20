/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Metadata requests in, metadata pieces out. */
#include "dataplane/wire/metadata.h"

#include "dataplane/wire/extended.h"
#include "dataplane/wire/requests.h"

enum metadata_type {
	METADATA_REQUEST = 0,
	METADATA_DATA = 1,
	METADATA_REJECT = 2,
};

enum { PIECE_BUFS = WIRE_METADATA_PIECE_LEN / WIRE_MESSAGE_BUF_LEN };
static_assert(PIECE_BUFS * WIRE_MESSAGE_BUF_LEN == WIRE_METADATA_PIECE_LEN, "whole buffers");
static_assert(sizeof(((struct text *)0)->bytes) / FRAG_INLINE_MAX + PIECE_BUFS <= WIRE_FRAGS_MAX,
              "a metadata message is one part");

/* metadata_read reads a message's dictionary; what follows it is of no interest to a seeder. */
static bool
metadata_read(struct bcursor *cursor, int64_t *type, int64_t *piece)
{
	struct bstring name;

	*type = -1;
	*piece = -1;
	if (!bdecode_take(cursor, 'd'))
		return false;
	while (!bdecode_take(cursor, 'e')) {
		if (!bdecode_string(cursor, &name))
			return false;
		if (bstring_is(&name, "msg_type") ? !bdecode_int(cursor, type)
		    : bstring_is(&name, "piece")  ? !bdecode_int(cursor, piece)
		                                  : !bdecode_skip(cursor))
			return false;
	}
	return *type >= 0 && *piece >= 0 && *piece <= UINT32_MAX;
}

/* metadata_queue queues an answer; its length is 0 when it is a reject. */
static void
metadata_queue(struct wire *wire, struct wire_peer *peer, uint32_t piece)
{
	uint32_t waiting_cnt = peer->queue[REQUEST_METADATA].cnt;
	bool served = waiting_cnt < WIRE_METADATA_QUEUE_MAX;
	struct wire_block block = {
		.piece = piece,
		.len = served ? WIRE_METADATA_PIECE_LEN : 0,
	};

	if (waiting_cnt >= 2 * WIRE_METADATA_QUEUE_MAX ||
	    request_new(wire, peer, REQUEST_METADATA, &block, 0) == NULL)
		peer_doom(wire, peer, CTR_wire_flood);
}

void
metadata_in(struct wire *wire, struct wire_peer *peer, struct bcursor cursor)
{
	int64_t type, piece;

	if (!metadata_read(&cursor, &type, &piece) || peer->metadata_id == 0) {
		count(wire->ctr, CTR_wire_bad_extended);
		return;
	}
	if (type == METADATA_REQUEST)
		metadata_queue(wire, peer, (uint32_t)piece);
	else /* BEP 9: other types are ignored; we ask for nothing */
		count(wire->ctr, CTR_wire_unknown_message);
}

/* metadata_len returns the bytes of a metadata piece that can be given now, 0: to be rejected. Half
 * of the buffers are left to greetings and messages that come in parts. */
static uint32_t
metadata_len(const struct wire *wire, const struct wire_peer *peer, const struct wire_block *block)
{
	uint64_t begin = (uint64_t)block->piece * WIRE_METADATA_PIECE_LEN;
	uint32_t total_len = peer->torrent->active->layout->metadata_len;

	if (block->len == 0 || begin >= total_len || peer_is_private(peer) ||
	    wire->messages->free_cnt < PIECE_BUFS + wire->messages->cnt / 2)
		return 0;
	return MIN(total_len - (uint32_t)begin, (uint32_t)WIRE_METADATA_PIECE_LEN);
}

static void
metadata_answer(struct wire *wire, struct wire_peer *peer, const struct wire_block *block,
                struct compose *out)
{
	uint32_t len = metadata_len(wire, peer, block);
	const struct active *active = peer->torrent->active;
	const uint8_t *data = active->metadata + (size_t)block->piece * WIRE_METADATA_PIECE_LEN;
	struct text text;

	text_start(&text, peer->metadata_id);
	text_add(&text, "d8:msg_type");
	text_add_int(&text, len > 0 ? METADATA_DATA : METADATA_REJECT);
	text_add(&text, "5:piece");
	text_add_int(&text, block->piece);
	if (len > 0) {
		text_add(&text, "10:total_size");
		text_add_int(&text, active->layout->metadata_len);
	}
	text_add(&text, "e");
	text_end(&text, len);
	compose_bytes(out, text.bytes, text.len);
	if (len > 0)
		compose_copy(wire, out, data, len);
	count(wire->ctr, len > 0 ? CTR_metadata_served : CTR_metadata_rejected);
}

void
metadata_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	struct wire_request *request;

	while (compose_wanted(out) && (request = queue_first(peer, REQUEST_METADATA)) != NULL) {
		if (peer->metadata_id != 0) /* it may have ended the extension since */
			metadata_answer(wire, peer, &request->block, out);
		request_free(wire, request);
		peer->progress_us = wire->now_us;
	}
}
