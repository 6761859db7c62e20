/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* requests.h keeps what each peer has asked for: one entry a request, from a pool that all peers
 * share, beside WIRE_REQUESTS_OWN for each that no other can take.
 *
 * An entry is in exactly one queue of its peer, by kind; request_set_kind is the only writer. A
 * request is also in an index by peer and block, so that a cancel costs the same however many wait.
 * A request ends once: served, or request_end with the counter that says why. To a BEP 6 peer its
 * entry then becomes the reject.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_REQUESTS_H
#define SPILLWAY_DATAPLANE_WIRE_REQUESTS_H

#include "dataplane/wire/peer.h"

/* requests_create makes the pools and the index. false: no memory, or no randomness. */
COLD bool
requests_create(struct wire *wire, uint32_t peers_max);

/* requests_destroy frees them; what was not made is skipped. */
COLD void
requests_destroy(struct wire *wire);

/* requests_open gives a new peer its empty queues. Its share of the pool is there, however many
 * came before it and whatever they asked for. */
void
requests_open(struct wire_peer *peer);

/* requests_abandon drops all entries of a peer; reads are cancelled, buffers given back. */
void
requests_abandon(struct wire *wire, struct wire_peer *peer);

/* request_new takes an entry. spare: entries that must stay for others when the peer already has
 * its own. Returns NULL when there is none to be had. */
struct wire_request *
request_new(struct wire *wire, struct wire_peer *peer, enum request_kind kind,
            const struct wire_block *block, uint32_t spare);

/* request_free gives an entry back. */
void
request_free(struct wire *wire, struct wire_request *request);

/* request_set_kind moves an entry to the end of another queue of its peer. */
void
request_set_kind(struct wire_request *request, enum request_kind kind);

/* request_end ends a request that is not served: counts why, drops its read; it goes as a reject
 * to BEP 6 peers. */
void
request_end(struct wire *wire, struct wire_request *request, enum counter why);

/* request_unindex takes a request that is served out of the index. */
void
request_unindex(struct wire *wire, struct wire_request *request);

/* request_absent ends a request for a piece that was withdrawn since it was offered: reject, drop
 * or close, by what the peer understands (BEP 6, BEP 54). */
void
request_absent(struct wire *wire, struct wire_request *request);

/* request_in takes an incoming request message (BEP 3): queued, rejected, dropped, or the peer is
 * doomed. */
void
request_in(struct wire *wire, struct wire_peer *peer, const struct wire_block *block);

/* request_cancel takes a cancel message: a request not yet served ends. None such: ignored. */
void
request_cancel(struct wire *wire, struct wire_peer *peer, const struct wire_block *block);

/* peer_request_cnt returns the requests a peer has waiting. */
static inline uint32_t
peer_request_cnt(const struct wire_peer *peer)
{
	return peer->queue[REQUEST_WAITING].cnt + peer->queue[REQUEST_READING].cnt +
	       peer->queue[REQUEST_READY].cnt;
}

/* queue_first returns the first entry of a queue, or NULL. */
static inline struct wire_request *
queue_first(const struct wire_peer *peer, enum request_kind kind)
{
	struct link *link = list_first(&peer->queue[kind].requests);

	return link == NULL ? NULL : CONTAINER_OF(link, struct wire_request, link);
}

#endif
