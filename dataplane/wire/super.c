/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Which piece whom. */
#include "dataplane/wire/super.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_HAVE = 4 };

/* struct super_peer is at the start of its message buffer. */
struct super_peer {
	struct link link;          /* super->peers */
	struct wire_peer *peer;
	struct super *super;
	uint64_t shown_us;
	uint32_t shown;            /* the last piece that it was told of, UINT32_MAX: none yet */
	uint32_t have_cnt;
	bool due;                  /* it is to be told of that now */
	uint8_t have[WIRE_SUPER_PIECES_MAX / 8];
};
static_assert(sizeof(struct super_peer) <= WIRE_MESSAGE_BUF_LEN, "in one message buffer");

static struct super_peer *
of_peer(const struct wire_peer *peer)
{
	return (struct super_peer *)(void *)peer->super->data;
}

static bool
has(const struct super_peer *own, uint32_t piece)
{
	return (own->have[piece / 8] >> (7 - piece % 8)) & 1;
}

static void
add_one(uint8_t *cnt)
{
	if (*cnt < UINT8_MAX)
		++*cnt;
}

static void
take_one(uint8_t *cnt)
{
	if (*cnt > 0 && *cnt < UINT8_MAX) /* beyond, nobody has counted */
		--*cnt;
}

/* ---- what peers have */

static void
have_add(struct super_peer *own, uint32_t piece)
{
	if (piece >= own->super->piece_cnt || has(own, piece))
		return;
	own->have[piece / 8] |= (uint8_t)(0x80 >> piece % 8);
	own->have_cnt++;
	add_one(&own->super->seen[piece]);
}

/* have_clear forgets all that a peer has. */
static void
have_clear(struct super_peer *own)
{
	for (uint32_t piece = 0; piece < own->super->piece_cnt && own->have_cnt > 0; piece++)
		if (has(own, piece))
			take_one(&own->super->seen[piece]);
	memset(own->have, 0, sizeof(own->have));
	own->have_cnt = 0;
}

/* ---- showing */

/* rarest_for returns the piece that fewest have or were told of and that a peer lacks, among the
 * next WIRE_SUPER_SCAN or as many more as it takes to find one; UINT32_MAX: it lacks none of
 * ours. */
static uint32_t
rarest_for(const struct super_peer *own)
{
	struct super *super = own->super;
	uint32_t rarest = UINT32_MAX;
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < super->piece_cnt; i++) {
		uint32_t piece = super->next + i;
		uint32_t cnt;

		if (i >= WIRE_SUPER_SCAN && rarest != UINT32_MAX)
			break;
		piece -= piece >= super->piece_cnt ? super->piece_cnt : 0;
		cnt = (uint32_t)super->seen[piece] + super->told[piece];
		if (cnt >= least || has(own, piece) || !active_has(own->peer->torrent->active, piece))
			continue;
		rarest = piece;
		least = cnt;
		if (cnt == 0)
			break;
	}
	return rarest;
}

static void
show_next(struct wire *wire, struct super_peer *own)
{
	uint32_t piece = rarest_for(own);

	own->shown_us = wire->now_us;
	if (piece == UINT32_MAX || piece == own->shown)
		return;
	own->shown = piece;
	own->super->next = piece + 1 < own->super->piece_cnt ? piece + 1 : 0;
	add_one(&own->super->told[piece]);
	own->due = true;
	peer_note(wire, own->peer);
}

/* is_spread tells whether a peer has what it was told of, and so has another, if there is one. */
static bool
is_spread(const struct super_peer *own)
{
	return has(own, own->shown) &&
	       (own->super->seen[own->shown] > 1 || own->super->peer_cnt == 1);
}

/* look shows a peer its next piece when it is time. */
static void
look(struct wire *wire, struct super_peer *own)
{
	if (own->due || own->have_cnt == own->super->piece_cnt ||
	    own->peer->greeting != GREETING_DONE)
		return;
	if (own->shown == UINT32_MAX || is_spread(own) ||
	    wire->now_us - own->shown_us >= WIRE_SUPER_WAIT_US)
		show_next(wire, own);
}

/* look_all shows those theirs who wait for a piece to be had by others. */
static void
look_all(struct wire *wire, struct super *super, uint32_t piece)
{
	uint32_t left = WIRE_SUPER_LOOK;

	for (struct link *link = list_first(&super->peers); link != NULL && left > 0;
	     link = list_next(&super->peers, link), left--) {
		struct super_peer *own = CONTAINER_OF(link, struct super_peer, link);

		if (own->shown == piece)
			look(wire, own);
	}
}

/* ---- torrents */

bool
super_create(struct wire *wire)
{
	wire->super_memory = calloc(WIRE_SUPERS_MAX, 2 * WIRE_SUPER_PIECES_MAX);
	if (wire->super_memory == NULL)
		return false;
	for (uint32_t i = 0; i < WIRE_SUPERS_MAX; i++) {
		struct super *super = &wire->supers[i];

		super->seen = wire->super_memory + (size_t)i * 2 * WIRE_SUPER_PIECES_MAX;
		super->told = super->seen + WIRE_SUPER_PIECES_MAX;
	}
	return true;
}

void
super_destroy(struct wire *wire)
{
	for (uint32_t i = 0; i < WIRE_SUPERS_MAX; i++)
		dp_assert(wire->supers[i].torrent == NULL);
	free(wire->super_memory);
}

static COLD struct super *
super_open(struct wire *wire, const struct torrent *torrent)
{
	uint32_t piece_cnt = torrent->active->layout->piece_cnt;
	struct super *unused = NULL;

	for (uint32_t i = 0; i < WIRE_SUPERS_MAX; i++) {
		struct super *super = &wire->supers[i];

		if (super->torrent == torrent)
			return super;
		if (super->torrent == NULL && unused == NULL)
			unused = super;
	}
	if (unused == NULL)
		return NULL;
	memset(unused->seen, 0, piece_cnt);
	memset(unused->told, 0, piece_cnt);
	unused->torrent = torrent;
	unused->piece_cnt = piece_cnt;
	unused->peer_cnt = 0;
	unused->next = 0;
	list_init(&unused->peers);
	return unused;
}

static COLD void
super_close(struct super *super)
{
	super->torrent = NULL;
}

void
super_join(struct wire *wire, struct wire_peer *peer)
{
	const struct torrent *torrent = peer->torrent;
	struct super_peer *own;
	struct super *super = NULL;

	dp_assert(peer->super == NULL && peer->greeting <= GREETING_PIECES);
	if (torrent->active->layout->piece_cnt <= WIRE_SUPER_PIECES_MAX &&
	    wire->messages->free_cnt > WIRE_MESSAGE_BUFS / 2)
		super = super_open(wire, torrent);
	if (super == NULL) {
		count(wire->ctr, CTR_super_refused);
		return;
	}
	peer->super = buf_get(wire->messages);
	own = of_peer(peer);
	memset(own, 0, sizeof(*own));
	own->peer = peer;
	own->super = super;
	own->shown = UINT32_MAX;
	link_insert(&super->peers, &own->link);
	super->peer_cnt++;
}

void
super_leave(struct wire *wire, struct wire_peer *peer)
{
	struct super_peer *own;

	(void)wire;
	if (peer->super == NULL)
		return;
	own = of_peer(peer);
	have_clear(own);
	if (own->shown != UINT32_MAX)
		take_one(&own->super->told[own->shown]);
	link_remove(&own->link);
	if (--own->super->peer_cnt == 0)
		super_close(own->super);
	buf_put(peer->super);
	peer->super = NULL;
}

/* ---- what peers say */

void
super_have(struct wire *wire, struct wire_peer *peer, uint32_t piece)
{
	struct super_peer *own = of_peer(peer);

	if (piece >= own->super->piece_cnt || has(own, piece))
		return; /* said again: nothing is looked through for it */
	have_add(own, piece);
	look_all(wire, own->super, piece);
	look(wire, own);
}

void
super_all(struct wire *wire, struct wire_peer *peer)
{
	struct super_peer *own = of_peer(peer);

	(void)wire;
	if (own->have_cnt == own->super->piece_cnt)
		return; /* said again */
	for (uint32_t piece = 0; piece < own->super->piece_cnt; piece++)
		have_add(own, piece);
}

bool
super_bitfield(struct wire_peer *peer, const uint8_t *data, uint32_t at, uint32_t n, uint32_t len)
{
	struct super_peer *own = of_peer(peer);

	if (len != (own->super->piece_cnt + 7) / 8)
		return false;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t bit = 0; bit < 8; bit++)
			if (data[i] & 0x80 >> bit)
				have_add(own, (at + i) * 8 + bit);
	return true;
}

void
super_tick(struct wire *wire, struct wire_peer *peer)
{
	look(wire, of_peer(peer));
}

bool
super_due(const struct wire_peer *peer)
{
	return of_peer(peer)->due;
}

void
super_give(struct wire_peer *peer, struct compose *out)
{
	struct super_peer *own = of_peer(peer);
	uint8_t message[WIRE_HEAD_LEN + 4] = { 0, 0, 0, 5, MESSAGE_HAVE };

	if (!own->due || !compose_wanted(out))
		return;
	store_be32(message + WIRE_HEAD_LEN, own->shown);
	compose_bytes(out, message, sizeof(message));
	own->due = false;
}
