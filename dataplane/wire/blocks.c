/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* From a request that waits to a block that is sent: reads, the starved, piece messages. */
#include "dataplane/wire/blocks.h"

#include "dataplane/wire/requests.h"
#include "dataplane/wire/reread.h"

enum {
	MESSAGE_PIECE = 7,
	PIECE_HEAD_LEN = 13, /* BEP 3: length prefix, id, index, begin */
	REAP_MAX = 64,
	TURN_BUFS = WIRE_STARVED_READS * STORE_SPANS_MAX, /* that a turn may need */
};
static_assert(1 + STORE_SPANS_MAX <= WIRE_FRAGS_MAX, "a piece message is one part");

/* block_origin returns the origin of a block's byte: the torrent's id, the piece and the place in
 * it. A torrent's content never changes. */
static struct origin
block_origin(const struct wire_request *request, uint32_t at)
{
	const struct wire_block *block = &request->block;

	return (struct origin){ .id = request->peer->torrent->id,
		                .off = (uint64_t)block->piece << 32 | (block->begin + at) };
}

/* block_time records how long a block that is given took. */
static void
block_time(struct wire *wire, const struct wire_request *request)
{
	struct histogram *histograms = wire->ctr->histogram;
	struct wire_peer *peer = request->peer;
	uint32_t took = (wire_clock(wire) - request->asked) & ((1u << 29) - 1);

	histogram_record(&histograms[HIST_service], (uint64_t)took << 2);
	if (LIKELY(peer->greeted_us == 0))
		return;
	histogram_record(&histograms[HIST_first_piece],
	                 wire->now_us - MIN(wire->now_us, peer->greeted_us));
	peer->greeted_us = 0;
}

/* block_give gives one ready block: the message's head inline, the content by reference. */
static void
block_give(struct wire *wire, struct wire_request *request, struct compose *out)
{
	struct abi_torrent_stat *stat = request->peer->torrent->active->stat;
	struct store_req *read = request->read;
	uint8_t head[PIECE_HEAD_LEN];
	uint32_t before = out->bytes;

	store_be32(head, 9 + request->block.len);
	head[4] = MESSAGE_PIECE;
	store_be32(head + 5, request->block.piece);
	store_be32(head + 9, request->block.begin);
	compose_bytes(out, head, sizeof(head));
	for (uint32_t i = 0; i < read->span_cnt; i++)
		compose_span(out, read->spans[i],
		             block_origin(request, out->bytes - before - PIECE_HEAD_LEN));
	dp_assert(out->bytes - before == PIECE_HEAD_LEN + request->block.len);

	block_time(wire, request);
	count(wire->ctr, CTR_requests_served);
	count_add(wire->ctr, CTR_payload_bytes, request->block.len);
	stat->uploaded_bytes += request->block.len;
	stat->request_cnt++;
	pool_put(&wire->reads, read);
	request->read = NULL;
	request_unindex(wire, request);
	request_free(wire, request);
}

void
blocks_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	struct wire_request *request;

	while (compose_wanted(out) && (request = queue_first(peer, REQUEST_READY)) != NULL) {
		peer->given_bytes += request->block.len;
		block_give(wire, request, out);
		peer->progress_us = wire->now_us;
	}
}

/* ---- the starved */

/* starve puts a peer in the queue for memory: at the end, or where its ticket says while its turn
 * is not used up. The walk passes only peers of earlier turns that are not used up either. */
COLD static void
starve(struct wire *wire, struct wire_peer *peer)
{
	struct link *at = &wire->starved;

	peer->turn = false;
	if (peer->turn_left == 0) {
		peer->ticket = ++wire->ticket;
		peer->turn_left = WIRE_STARVED_READS;
	} else {
		at = wire->starved.next;
		while (at != &wire->starved &&
		       CONTAINER_OF(at, struct wire_peer, starved)->ticket < peer->ticket)
			at = at->next;
	}
	link_insert(at, &peer->starved);
}

/* reads_left returns the reads that blocks may start: some are kept for content read again. */
static uint32_t
reads_left(const struct wire *wire)
{
	uint32_t free_cnt = wire->reads.free_cnt;

	return free_cnt - MIN(free_cnt, (uint32_t)WIRE_READS_AGAIN);
}

/* may_start tells whether a peer may start a read now: only in its turn while others starve. */
static bool
may_start(const struct wire *wire, const struct wire_peer *peer)
{
	if (LIKELY(list_first(&wire->starved) == NULL))
		return true;
	return peer->turn && peer->turn_left > 0;
}

/* limit has a peer wait for its torrent's share of the reads. It keeps nobody else from reading. */
COLD static void
limit(struct wire *wire, struct wire_peer *peer)
{
	peer->turn = false;
	peer->turn_left = 0;
	link_insert(&wire->limited, &peer->starved);
}

void
blocks_revive_limited(struct wire *wire, uint32_t cnt)
{
	struct link *link;

	while (cnt-- > 0 && (link = list_first(&wire->limited)) != NULL) {
		link_remove(link);
		peer_note(wire, CONTAINER_OF(link, struct wire_peer, starved));
	}
}

void
blocks_revive(struct wire *wire)
{
	struct link *link = list_first(&wire->starved);
	uint32_t free_cnt;

	blocks_revive_limited(wire, wire->ended_cnt);
	wire->ended_cnt = 0;
	if (LIKELY(link == NULL))
		return;
	free_cnt = MIN(store_free_buffers(wire->store), reads_left(wire));
	while (free_cnt > 0 && (link = list_first(&wire->starved)) != NULL) {
		struct wire_peer *peer = CONTAINER_OF(link, struct wire_peer, starved);

		link_remove(link);
		peer->turn = true;
		peer_note(wire, peer);
		free_cnt -= MIN(free_cnt, (uint32_t)TURN_BUFS);
	}
}

/* ---- reads */

static bool
within_room(const struct wire_peer *peer, uint32_t room_bytes)
{
	return peer->queue[REQUEST_READING].bytes + peer->queue[REQUEST_READY].bytes < room_bytes;
}

bool
blocks_can_start(const struct wire_peer *peer)
{
	return peer->queue[REQUEST_WAITING].cnt > 0 && !link_is_set(&peer->starved) &&
	       peer->queue[REQUEST_READING].cnt + peer->queue[REQUEST_READY].cnt < WIRE_READS_MAX;
}

/* block_start starts one read. Returns STORE_READY when it, or the request, is on its way; else
 * STORE_BUSY or STORE_SHARE: what there is not now. */
static enum store_status
block_start(struct wire *wire, struct wire_request *request)
{
	enum store_status status;
	struct store_req *read;

	if (UNLIKELY(reads_left(wire) == 0))
		return STORE_BUSY;
	read = pool_get(&wire->reads);
	read->again = false;
	read->torrent = request->peer->torrent;
	read->piece = request->block.piece;
	read->begin = request->block.begin;
	read->len = request->block.len;
	read->owner = request;
	status = store_read(wire->store, read);
	switch (status) {
	case STORE_READY:
		request->read = read;
		request_set_kind(request, REQUEST_READY);
		return STORE_READY;
	case STORE_PENDING:
		request->read = read;
		request_set_kind(request, REQUEST_READING);
		return STORE_READY;
	case STORE_ABSENT:
		pool_put(&wire->reads, read);
		request_absent(wire, request);
		return STORE_READY;
	case STORE_BUSY:
	case STORE_SHARE:
		break;
	}
	pool_put(&wire->reads, read);
	return status;
}

void
blocks_start(struct wire *wire, struct wire_peer *peer, uint32_t room_bytes)
{
	if (link_is_set(&peer->starved))
		return;
	while (blocks_can_start(peer) && within_room(peer, room_bytes)) {
		enum store_status status = STORE_BUSY;

		if (may_start(wire, peer))
			status = block_start(wire, queue_first(peer, REQUEST_WAITING));
		if (UNLIKELY(status != STORE_READY)) {
			(status == STORE_SHARE ? limit : starve)(wire, peer);
			return;
		}
		if (peer->turn_left > 0)
			peer->turn_left--;
		if (peer->state == WIRE_CLOSED)
			return;
	}
	peer->turn = false;
	peer->turn_left = 0;
}

/* block_done takes one read that has ended. */
static void
block_done(struct wire *wire, struct store_req *req)
{
	struct wire_request *request;
	struct wire_peer *peer;

	if (UNLIKELY(req->again)) {
		reread_done(wire, req);
		return;
	}
	request = req->owner;
	peer = request->peer;
	dp_assert(request->kind == REQUEST_READING && request->read == req);
	peer_note(wire, peer);
	if (LIKELY(req->status == STORE_READY)) {
		request_set_kind(request, REQUEST_READY);
		return;
	}
	pool_put(&wire->reads, request->read);
	request->read = NULL;
	request_absent(wire, request);
}

void
blocks_reap(struct wire *wire)
{
	struct store_req *done[REAP_MAX];
	uint32_t cnt;

	do {
		cnt = store_reap(wire->store, done, REAP_MAX);
		wire->ended_cnt += cnt;
		for (uint32_t i = 0; i < cnt; i++)
			block_done(wire, done[i]);
	} while (cnt == REAP_MAX);
}
