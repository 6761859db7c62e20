/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Who is told of whom. */
#include "dataplane/wire/pex.h"

#include "dataplane/wire/extended.h"

enum {
	CONTACT_LEN = 6,    /* BEP 23: address and port */
	CONTACT6_LEN = 18,  /* BEP 7 */
	FLAG_SEED = 0x02,   /* BEP 11 added.f */
};

/* struct news is what one message tells. */
struct news {
	uint32_t added_cnt;
	uint32_t dropped_cnt;
	uint8_t added[WIRE_PEX_TOLD_MAX * CONTACT_LEN];
	uint8_t flags[WIRE_PEX_TOLD_MAX];
	uint8_t dropped[WIRE_PEX_TOLD_MAX * CONTACT_LEN];
};
static_assert(sizeof(struct news) + 64 <= (size_t)WIRE_MESSAGE_BUF_LEN, "a message is one buffer");

bool
pex_create(struct wire *wire, uint32_t peers_max)
{
	return pool_init(&wire->swarms, sizeof(struct swarm), peers_max) == 0 &&
	       pool_init(&wire->gossips, sizeof(struct gossip),
	                 MIN(peers_max, (uint32_t)WIRE_PEX_PEERS)) == 0;
}

void
pex_destroy(struct wire *wire)
{
	pool_fini(&wire->gossips);
	pool_fini(&wire->swarms);
}

bool
pex_offered(const struct wire *wire, const struct wire_peer *peer)
{
	return wire->pex && peer->state == WIRE_OPEN && !peer_is_private(peer);
}

/* ---- coming and going */

/* swarm_enter makes the swarm of its torrent the peer's. There is one for each peer. */
COLD static void
swarm_enter(struct wire *wire, struct wire_peer *peer)
{
	struct active *active = peer->torrent->active;
	struct swarm *swarm = active->swarm;

	if (swarm == NULL) {
		swarm = pool_get(&wire->swarms);
		dp_assert(swarm != NULL);
		*swarm = (struct swarm){ .active = active };
		list_init(&swarm->members);
		active->swarm = swarm;
	}
	swarm->ref_cnt++;
	peer->swarm = swarm;
}

COLD static void
swarm_leave(struct wire *wire, struct wire_peer *peer)
{
	struct swarm *swarm = peer->swarm;

	peer->swarm = NULL;
	if (--swarm->ref_cnt > 0)
		return;
	dp_assert(swarm->member_cnt == 0 && swarm->active->swarm == swarm);
	swarm->active->swarm = NULL;
	pool_put(&wire->swarms, swarm);
}

/* gossip_begin has a peer be told, if there is memory. */
COLD static void
gossip_begin(struct wire *wire, struct wire_peer *peer)
{
	struct gossip *gossip = pool_get(&wire->gossips);

	if (gossip == NULL) {
		count(wire->ctr, CTR_pex_full);
		return;
	}
	gossip->next_us = 0;
	gossip->told_cnt = 0;
	gossip->version = peer->swarm->version;
	if (peer->swarm->member_cnt > link_is_set(&peer->member))
		gossip->version--; /* others are news */
	peer->gossip = gossip;
}

COLD static void
member_begin(struct wire *wire, struct wire_peer *peer)
{
	struct swarm *swarm = peer->swarm;

	link_insert(&swarm->members, &peer->member);
	swarm->member_cnt++;
	swarm->version++;
	if (++wire->member_seq == 0)
		wire->member_seq++;
	peer->member_seq = wire->member_seq;
}

void
pex_join(struct wire *wire, struct wire_peer *peer)
{
	if (!pex_offered(wire, peer) || (peer->pex_id == 0 && peer->listen_port == 0))
		return;
	if (peer->swarm == NULL)
		swarm_enter(wire, peer);
	if (peer->listen_port != 0 && !link_is_set(&peer->member))
		member_begin(wire, peer);
	if (peer->pex_id != 0 && peer->gossip == NULL)
		gossip_begin(wire, peer);
}

void
pex_leave(struct wire *wire, struct wire_peer *peer)
{
	if (peer->swarm == NULL)
		return;
	if (link_is_set(&peer->member)) {
		link_remove(&peer->member);
		peer->member_seq = 0;
		peer->swarm->member_cnt--;
		peer->swarm->version++;
	}
	if (peer->gossip != NULL)
		pool_put(&wire->gossips, peer->gossip);
	peer->gossip = NULL;
	swarm_leave(wire, peer);
}

/* ---- what a peer is told */

static void
contact_store(uint8_t *to, uint32_t address_be, uint16_t port)
{
	memcpy(to, &address_be, 4);
	to[4] = (uint8_t)(port >> 8);
	to[5] = (uint8_t)port;
}

/* dropped_find forgets, and notes, what was told and has left. */
COLD static void
dropped_find(const struct wire *wire, struct gossip *gossip, struct news *news)
{
	uint32_t kept_cnt = 0;

	for (uint32_t i = 0; i < gossip->told_cnt; i++) {
		const struct contact *contact = &gossip->told[i];
		const struct wire_peer *peer = pool_at(&wire->peers, contact->peer);

		if (peer->member_seq == contact->seq)
			gossip->told[kept_cnt++] = *contact;
		else
			contact_store(news->dropped + news->dropped_cnt++ * CONTACT_LEN,
			              contact->address_be, contact->port);
	}
	gossip->told_cnt = kept_cnt;
}

/* is_news tells whether a member is worth telling a peer of. An address that left is added in a
 * later message, for none may be in both lists. */
COLD static bool
is_news(const struct wire_peer *peer, const struct wire_peer *member, const struct news *news)
{
	const struct gossip *gossip = peer->gossip;

	if (member == peer || member->state != WIRE_OPEN || (member->seed && peer->seed) ||
	    (member->address_be == peer->address_be && member->listen_port == peer->listen_port))
		return false;
	for (uint32_t i = 0; i < gossip->told_cnt; i++)
		if (gossip->told[i].address_be == member->address_be)
			return false;
	for (uint32_t i = 0; i < news->dropped_cnt; i++)
		if (memcmp(news->dropped + i * CONTACT_LEN, &member->address_be, 4) == 0)
			return false;
	return true;
}

/* added_find notes, and remembers, members that a peer has not heard of, the newest first. */
COLD static void
added_find(const struct wire *wire, const struct wire_peer *peer, struct news *news)
{
	const struct link *head = &peer->swarm->members;
	struct gossip *gossip = peer->gossip;
	uint32_t looks = WIRE_PEX_LOOK;

	for (const struct link *link = head->prev; link != head && looks > 0; link = link->prev) {
		const struct wire_peer *member = CONTAINER_OF(link, struct wire_peer, member);

		if (gossip->told_cnt == WIRE_PEX_TOLD_MAX)
			return;
		looks--;
		if (!is_news(peer, member, news))
			continue;
		contact_store(news->added + news->added_cnt * CONTACT_LEN, member->address_be,
		              member->listen_port);
		news->flags[news->added_cnt++] = member->seed ? FLAG_SEED : 0;
		gossip->told[gossip->told_cnt++] = (struct contact){
			.address_be = member->address_be,
			.peer = pool_index(&wire->peers, member),
			.seq = member->member_seq,
			.port = member->listen_port,
		};
	}
}

static uint8_t *
put(uint8_t *at, const void *bytes, uint32_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* put_string writes a bencoded string, shorter than 1000 bytes. */
COLD static uint8_t *
put_string(uint8_t *at, const uint8_t *bytes, uint32_t len)
{
	dp_assert(len < 1000);
	if (len >= 100)
		*at++ = (uint8_t)('0' + len / 100);
	if (len >= 10)
		*at++ = (uint8_t)('0' + len / 10 % 10);
	*at++ = (uint8_t)('0' + len % 10);
	*at++ = ':';
	return put(at, bytes, len);
}

/* news_give gives a message in a buffer, which must be there (asserted). */
COLD static void
news_give(struct wire *wire, const struct wire_peer *peer, const struct news *news,
          struct compose *out)
{
	struct buf *buf = buf_get(wire->messages);
	uint8_t *at;
	uint32_t len;

	dp_assert(buf != NULL);
	at = buf->data + EXTENDED_HEAD_LEN;
	at = put(at, "d5:added", 8);
	at = put_string(at, news->added, news->added_cnt * CONTACT_LEN);
	at = put(at, "7:added.f", 9);
	at = put_string(at, news->flags, news->added_cnt);
	at = put(at, "7:dropped", 9);
	at = put_string(at, news->dropped, news->dropped_cnt * CONTACT_LEN);
	*at++ = 'e';
	len = (uint32_t)(at - buf->data);
	dp_assert(len <= WIRE_MESSAGE_BUF_LEN);
	store_be32(buf->data, len - 4);
	buf->data[4] = MESSAGE_EXTENDED;
	buf->data[5] = peer->pex_id;
	compose_span(out, (struct span){ .buf = buf, .data = buf->data, .len = len },
	             (struct origin){ 0 });
	count(wire->ctr, CTR_pex_sent);
}

void
pex_tick(struct wire_peer *peer, uint64_t now_us)
{
	const struct gossip *gossip = peer->gossip;

	if (gossip == NULL || gossip->version == peer->swarm->version ||
	    now_us < gossip->next_us || peer->pex_id == 0)
		return;
	peer->pex_due = true;
}

void
pex_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	struct gossip *gossip = peer->gossip;
	struct news news;

	if (!compose_wanted(out))
		return;
	peer->pex_due = false;
	if (gossip == NULL || peer->pex_id == 0)
		return;
	gossip->next_us = wire->now_us + WIRE_PEX_AGAIN_US;
	if (wire->messages->free_cnt <= wire->messages->cnt / 2)
		return; /* the rest is for greetings */
	gossip->version = peer->swarm->version;
	news.added_cnt = 0;
	news.dropped_cnt = 0;
	dropped_find(wire, gossip, &news);
	added_find(wire, peer, &news);
	if (news.added_cnt + news.dropped_cnt == 0)
		return;
	if (news.dropped_cnt > 0)
		gossip->version--; /* some may have been kept back */
	gossip->next_us = wire->now_us + WIRE_PEX_US;
	news_give(wire, peer, &news, out);
}

/* ---- what a peer tells */

struct told {
	uint32_t added_cnt;
	uint32_t flag_cnt;
	uint32_t added6_cnt;
	uint32_t flag6_cnt;
	uint32_t dropped_cnt;
	uint32_t dropped6_cnt;
};

/* told_read reads the value of a key. */
COLD static bool
told_read(struct bcursor *cursor, const struct bstring *key, struct told *told)
{
	const struct {
		const char *key;
		uint32_t *cnt;
		uint32_t len; /* bytes of each */
	} lists[] = {
		{ "added", &told->added_cnt, CONTACT_LEN },
		{ "added.f", &told->flag_cnt, 1 },
		{ "added6", &told->added6_cnt, CONTACT6_LEN },
		{ "added6.f", &told->flag6_cnt, 1 },
		{ "dropped", &told->dropped_cnt, CONTACT_LEN },
		{ "dropped6", &told->dropped6_cnt, CONTACT6_LEN },
	};
	struct bstring value;

	for (uint32_t i = 0; i < ARRAY_CNT(lists); i++) {
		if (!bstring_is(key, lists[i].key))
			continue;
		if (!bdecode_string(cursor, &value) || value.len % lists[i].len != 0)
			return false;
		*lists[i].cnt = value.len / lists[i].len;
		return true;
	}
	return bdecode_skip(cursor);
}

/* message_is_sound tells whether a message has the form of BEP 11. */
COLD static bool
message_is_sound(struct bcursor cursor)
{
	struct told told = { 0 };
	struct bstring key;

	if (!bdecode_take(&cursor, 'd'))
		return false;
	while (!bdecode_take(&cursor, 'e'))
		if (!bdecode_string(&cursor, &key) || !told_read(&cursor, &key, &told))
			return false;
	return cursor.at == cursor.end &&
	       (told.flag_cnt == 0 || told.flag_cnt == told.added_cnt) &&
	       (told.flag6_cnt == 0 || told.flag6_cnt == told.added6_cnt);
}

void
pex_in(struct wire *wire, struct wire_peer *peer, struct bcursor cursor)
{
	bool early = peer->pex_in_us != 0 && wire->now_us < peer->pex_in_us + WIRE_PEX_IN_US;

	if (!pex_offered(wire, peer)) {
		count(wire->ctr, CTR_wire_unknown_message);
		return;
	}
	if (early) {
		count(wire->ctr, CTR_pex_flood);
		return;
	}
	peer->pex_in_us = wire->now_us;
	count(wire->ctr, message_is_sound(cursor) ? CTR_pex_received : CTR_wire_bad_extended);
}
