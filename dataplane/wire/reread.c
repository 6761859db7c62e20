/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Content read again for connections that gave its reference up. */
#include "dataplane/wire/reread.h"

enum { REFUSED_MAX = 4 }; /* entries that the store refuses until it is left alone for a turn */

static void
reread_over(struct wire *wire, struct reread *reread)
{
	reread->state = REREAD_OVER;
	link_insert(&wire->rereads_over, &reread->link);
}

/* read_back gives a read's memory back; its spans are somebody else's, or none. */
static void
read_back(struct wire *wire, struct reread *reread)
{
	pool_put(&wire->reads, reread->read);
	reread->read = NULL;
}

static bool
is_there(const struct reread *reread)
{
	const struct wire_peer *peer = reread->peer;

	return peer->state == WIRE_OPEN && peer->torrent->active != NULL;
}

/* reread_start asks the store. false: no memory now. The entry is in no list. */
static bool
reread_start(struct wire *wire, struct reread *reread)
{
	struct store_req *read;

	if (!is_there(reread)) {
		reread_over(wire, reread);
		return true;
	}
	read = pool_get(&wire->reads);
	if (UNLIKELY(read == NULL))
		return false;
	read->torrent = reread->peer->torrent;
	read->piece = reread->block.piece;
	read->begin = reread->block.begin;
	read->len = reread->block.len;
	read->again = true;
	read->owner = reread;
	reread->read = read;
	switch (store_read(wire->store, read)) {
	case STORE_READY:
		reread_over(wire, reread);
		return true;
	case STORE_PENDING:
		reread->state = REREAD_READING;
		return true;
	case STORE_ABSENT:
		read_back(wire, reread);
		reread_over(wire, reread);
		return true;
	case STORE_BUSY:
	case STORE_SHARE:
		break;
	}
	read_back(wire, reread);
	return false;
}

/* rereads_start starts what waits for memory, as far as there is any. */
static void
rereads_start(struct wire *wire)
{
	struct link *link;

	for (uint32_t refused = 0; refused < REFUSED_MAX;) {
		link = list_first(&wire->rereads_waiting);
		if (LIKELY(link == NULL))
			return;
		link_remove(link);
		if (reread_start(wire, CONTAINER_OF(link, struct reread, link)))
			continue;
		link_insert(&wire->rereads_waiting, link);
		refused++;
	}
}

void
reread_done(struct wire *wire, struct store_req *req)
{
	struct reread *reread = req->owner;

	dp_assert(reread->state == REREAD_READING && reread->read == req);
	if (UNLIKELY(req->status != STORE_READY))
		read_back(wire, reread);
	reread_over(wire, reread);
}

void
reread_drop(struct wire *wire, struct wire_peer *peer)
{
	struct reread *reread = peer->reread;

	if (LIKELY(reread == NULL))
		return;
	if (reread->state == REREAD_READING)
		store_cancel(wire->store, reread->read);
	else if (reread->read != NULL)
		for (uint32_t i = 0; i < reread->read->span_cnt; i++)
			span_release(&reread->read->spans[i]);
	if (reread->read != NULL)
		read_back(wire, reread);
	link_remove(&reread->link);
	peer->reread = NULL;
	pool_put(&wire->rereads, reread);
}

void
wire_reread(struct wire *wire, struct wire_peer *peer, const struct wire_reread *ask)
{
	struct reread *reread;

	reread_drop(wire, peer);
	reread = pool_get(&wire->rereads);
	dp_assert(reread != NULL);
	*reread = (struct reread){
		.peer = peer,
		.block = { (uint32_t)(ask->origin.off >> 32), (uint32_t)ask->origin.off, ask->len },
		.tag = ask->tag,
		.state = REREAD_WAITING,
	};
	dp_assert(peer->torrent == NULL || peer->torrent->id == ask->origin.id);
	peer->reread = reread;
	if (list_first(&wire->rereads_waiting) != NULL || !reread_start(wire, reread))
		link_insert(&wire->rereads_waiting, &reread->link);
}

uint32_t
wire_reread_reap(struct wire *wire, struct wire_again *again, uint32_t max)
{
	struct link *link;
	uint32_t cnt = 0;

	rereads_start(wire);
	while (cnt < max && (link = list_first(&wire->rereads_over)) != NULL) {
		struct reread *reread = CONTAINER_OF(link, struct reread, link);
		struct wire_again *to = &again[cnt++];

		*to = (struct wire_again){ .peer = reread->peer, .tag = reread->tag };
		if (reread->read != NULL) {
			to->span_cnt = reread->read->span_cnt;
			for (uint32_t i = 0; i < to->span_cnt; i++)
				to->spans[i] = reread->read->spans[i];
			reread->read->span_cnt = 0;
			count(wire->ctr, CTR_rereads);
			count_add(wire->ctr, CTR_reread_bytes, reread->block.len);
		}
		reread_drop(wire, reread->peer);
	}
	return cnt;
}
