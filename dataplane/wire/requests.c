/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Requests as a peer makes them, takes them back and loses them. Reading them is in blocks.c. */
#include "dataplane/wire/requests.h"

#include "dataplane/base/hash.h"

#include <stdlib.h>
#include <sys/random.h>

enum { QUEUE_MAX = WIRE_REQQ + WIRE_REQQ_SLACK };

/* is_request tells the kinds that count as requests waiting and are in the index. */
static inline bool
is_request(uint32_t kind)
{
	return kind <= REQUEST_READY;
}

bool
requests_create(struct wire *wire, uint32_t peers_max)
{
	uint64_t own_cnt = (uint64_t)peers_max * WIRE_REQUESTS_OWN;
	uint64_t cnt = own_cnt + WIRE_REQUESTS + WIRE_REJECTS;
	uint32_t buckets = WIRE_REQUESTS;

	static_assert((WIRE_REQUESTS & (WIRE_REQUESTS - 1)) == 0, "the index is masked");
	if (cnt > UINT32_MAX)
		return false;
	wire->reserved_cnt = (uint32_t)own_cnt;
	wire->index_mask = buckets - 1;
	wire->index = calloc(buckets, sizeof(struct wire_request *));
	return wire->index != NULL &&
	       getrandom(&wire->index_key, sizeof(wire->index_key), 0) ==
	               sizeof(wire->index_key) &&
	       pool_init(&wire->requests, sizeof(struct wire_request),
	                 (uint32_t)cnt) == 0 &&
	       pool_init(&wire->reads, sizeof(struct store_req), WIRE_READS) == 0;
}

void
requests_destroy(struct wire *wire)
{
	pool_fini(&wire->reads);
	pool_fini(&wire->requests);
	free(wire->index);
}

/* reserve_without takes a peer's unused share out of what is kept for peers; reserve_with puts it
 * back: around each change of its entries. */
static inline void
reserve_without(struct wire *wire, const struct wire_peer *peer)
{
	if (peer->entry_cnt < WIRE_REQUESTS_OWN)
		wire->reserved_cnt -= WIRE_REQUESTS_OWN - peer->entry_cnt;
}

static inline void
reserve_with(struct wire *wire, const struct wire_peer *peer)
{
	if (peer->entry_cnt < WIRE_REQUESTS_OWN)
		wire->reserved_cnt += WIRE_REQUESTS_OWN - peer->entry_cnt;
	dp_assert(wire->reserved_cnt <= wire->requests.free_cnt);
}

void
requests_open(struct wire_peer *peer)
{
	for (int i = 0; i < REQUEST_KIND_CNT; i++)
		list_init(&peer->queue[i].requests);
}

static inline void
queue_add(struct wire_request *request)
{
	struct wire_queue *queue = &request->peer->queue[request->kind];

	link_insert(&queue->requests, &request->link);
	queue->cnt++;
	queue->bytes += request->block.len;
}

static inline void
queue_take(struct wire_request *request)
{
	struct wire_queue *queue = &request->peer->queue[request->kind];

	dp_assert(queue->cnt > 0 && queue->bytes >= request->block.len);
	link_remove(&request->link);
	queue->cnt--;
	queue->bytes -= request->block.len;
}

struct wire_request *
request_new(struct wire *wire, struct wire_peer *peer, enum request_kind kind,
            const struct wire_block *block, uint32_t spare)
{
	struct wire_request *request;

	if (peer->entry_cnt >= WIRE_REQUESTS_OWN &&
	    wire->requests.free_cnt <= wire->reserved_cnt + spare)
		return NULL;
	request = pool_get(&wire->requests);
	dp_assert(request != NULL);
	reserve_without(wire, peer);
	peer->entry_cnt++;
	reserve_with(wire, peer);
	*request = (struct wire_request){ .peer = peer, .block = *block, .kind = kind,
		                          .asked = wire_clock(wire) };
	queue_add(request);
	return request;
}

void
request_free(struct wire *wire, struct wire_request *request)
{
	struct wire_peer *peer = request->peer;

	dp_assert(request->read == NULL && request->chain_prev == NULL);
	queue_take(request);
	reserve_without(wire, peer);
	peer->entry_cnt--;
	pool_put(&wire->requests, request);
	reserve_with(wire, peer);
}

void
request_set_kind(struct wire_request *request, enum request_kind kind)
{
	queue_take(request);
	request->kind = kind;
	queue_add(request);
}

/* ---- the index; keyed, for peers choose the blocks */

static struct wire_request **
index_bucket(struct wire *wire, const struct wire_peer *peer, const struct wire_block *block)
{
	const uint64_t key[3] = {
		(uint64_t)(uintptr_t)peer,
		(uint64_t)block->piece << 32 | block->begin,
		block->len,
	};

	return &wire->index[hash_keyed(key, sizeof(key), wire->index_key) & wire->index_mask];
}

static void
request_index(struct wire *wire, struct wire_request *request)
{
	struct wire_request **bucket = index_bucket(wire, request->peer, &request->block);

	request->chain_next = *bucket;
	request->chain_prev = bucket;
	if (*bucket != NULL)
		(*bucket)->chain_prev = &request->chain_next;
	*bucket = request;
	gauge_set(wire->ctr, CTR_requests_waiting, wire->ctr->value[CTR_requests_waiting] + 1);
}

void
request_unindex(struct wire *wire, struct wire_request *request)
{
	dp_assert(request->chain_prev != NULL);
	*request->chain_prev = request->chain_next;
	if (request->chain_next != NULL)
		request->chain_next->chain_prev = request->chain_prev;
	request->chain_next = NULL;
	request->chain_prev = NULL;
	gauge_set(wire->ctr, CTR_requests_waiting, wire->ctr->value[CTR_requests_waiting] - 1);
}

static struct wire_request *
request_find(struct wire *wire, struct wire_peer *peer, const struct wire_block *block)
{
	struct wire_request *request = *index_bucket(wire, peer, block);

	while (request != NULL &&
	       (request->peer != peer || request->block.piece != block->piece ||
	        request->block.begin != block->begin || request->block.len != block->len))
		request = request->chain_next;
	return request;
}

/* ---- endings */

/* read_drop gives up a request's read, if it has one. */
static void
read_drop(struct wire *wire, struct wire_request *request)
{
	struct store_req *read = request->read;

	if (read == NULL)
		return;
	if (request->kind == REQUEST_READING)
		store_cancel(wire->store, read);
	else
		for (uint32_t i = 0; i < read->span_cnt; i++)
			span_release(&read->spans[i]);
	pool_put(&wire->reads, read);
	request->read = NULL;
}

void
wire_relinquish(struct wire *wire, struct wire_peer *peer)
{
	struct wire_request *request;

	while ((request = queue_first(peer, REQUEST_READY)) != NULL) {
		read_drop(wire, request);
		request_set_kind(request, REQUEST_WAITING);
	}
}

void
request_end(struct wire *wire, struct wire_request *request, enum counter why)
{
	dp_assert(is_request(request->kind));
	count(wire->ctr, why);
	read_drop(wire, request);
	request_unindex(wire, request);
	if (!request->peer->fast) {
		request_free(wire, request);
		return;
	}
	request_set_kind(request, REQUEST_REJECT); /* BEP 6: every request is answered */
	if (request->peer->queue[REQUEST_REJECT].cnt > 2 * QUEUE_MAX)
		peer_doom(wire, request->peer, CTR_wire_flood);
}

void
requests_abandon(struct wire *wire, struct wire_peer *peer)
{
	struct wire_request *request;

	for (uint32_t kind = 0; kind < REQUEST_KIND_CNT; kind++) {
		while ((request = queue_first(peer, kind)) != NULL) {
			if (is_request(kind)) {
				count(wire->ctr, CTR_requests_abandoned);
				read_drop(wire, request);
				request_unindex(wire, request);
			}
			request_free(wire, request);
		}
	}
	dp_assert(peer->entry_cnt == 0);
}

/* peer_disappoint is how a peer without BEP 6 learns, or not, that it will not get a piece. */
static void
peer_disappoint(struct wire *wire, struct wire_peer *peer, uint32_t piece)
{
	bool offered = (peer_offered(peer)[piece / 8] >> (7 - piece % 8)) & 1;

	if (peer->fast || (offered && peer->donthave_id != 0))
		return; /* rejected, or silently dropped (BEP 54) */
	peer_doom(wire, peer, offered ? CTR_wire_withdrawn : CTR_wire_bad_request);
}

void
request_absent(struct wire *wire, struct wire_request *request)
{
	struct wire_peer *peer = request->peer;
	uint32_t piece = request->block.piece;

	request_end(wire, request, CTR_requests_not_had);
	peer_disappoint(wire, peer, piece);
}

/* request_refuse counts a request that was never queued and, to BEP 6 peers, queues the reject.
 * A peer that takes no refusals is not fed more of them. */
static void
request_refuse(struct wire *wire, struct wire_peer *peer, const struct wire_block *block,
               enum counter why)
{
	struct wire_request *request;

	count(wire->ctr, why);
	if (!peer->fast)
		return;
	request = peer->queue[REQUEST_REJECT].cnt >= QUEUE_MAX
	                  ? NULL
	                  : request_new(wire, peer, REQUEST_REJECT, block, 0);
	if (request == NULL)
		peer_doom(wire, peer, CTR_wire_flood);
}

/* ---- messages */

/* request_flaw names what is wrong with a request's block, CTR_CNT: nothing. peer: OPEN. */
static enum counter
request_flaw(const struct wire_peer *peer, const struct wire_block *block)
{
	const struct active *active = peer->torrent->active;

	if (block->len == 0 || block->len > WIRE_REQUEST_LEN_MAX)
		return CTR_requests_oversized;
	if (block->piece >= active->layout->piece_cnt ||
	    (uint64_t)block->begin + block->len > active_piece_len(active, block->piece))
		return CTR_requests_out_of_range;
	if (!active_has(active, block->piece))
		return CTR_requests_not_had;
	return CTR_CNT;
}

/* request_reject_flawed refuses what can never be served; who knows no reject is closed. */
COLD static void
request_reject_flawed(struct wire *wire, struct wire_peer *peer, const struct wire_block *block,
                      enum counter flaw)
{
	request_refuse(wire, peer, block, flaw);
	if (flaw == CTR_requests_not_had)
		peer_disappoint(wire, peer, block->piece);
	else if (!peer->fast)
		peer_doom(wire, peer, CTR_wire_bad_request);
}

void
request_in(struct wire *wire, struct wire_peer *peer, const struct wire_block *block)
{
	struct wire_request *request;
	enum counter flaw;

	count(wire->ctr, CTR_requests);
	if (peer->state != WIRE_OPEN || !peer->unchoked) {
		request_refuse(wire, peer, block, CTR_requests_choked);
		return;
	}
	flaw = request_flaw(peer, block);
	if (flaw != CTR_CNT) {
		request_reject_flawed(wire, peer, block, flaw);
		return;
	}
	if (peer_request_cnt(peer) >= QUEUE_MAX) {
		request_refuse(wire, peer, block, CTR_requests_over_queue);
		return;
	}
	request = request_new(wire, peer, REQUEST_WAITING, block, WIRE_REJECTS);
	if (request == NULL) {
		request_refuse(wire, peer, block, CTR_requests_no_memory);
		return;
	}
	request_index(wire, request);
}

void
request_cancel(struct wire *wire, struct wire_peer *peer, const struct wire_block *block)
{
	struct wire_request *request = request_find(wire, peer, block);

	if (request != NULL)
		request_end(wire, request, CTR_requests_cancelled);
}
