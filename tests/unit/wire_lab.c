/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Peers for tests. Checks are assertions of the program, so that the fuzzer can use it as well. */
#include "tests/unit/wire_lab.h"

#include <stdlib.h>
#include <string.h>

enum {
	LAB_FRAGS = 64,
	LAB_NOTES = 4,
	LAB_HELD_MAX = 1 << 16,
};

/* every WIRE_CLOSE bumps one of these */
static const enum counter closes[] = {
	CTR_wire_bad_handshake, CTR_wire_unknown_info_hash, CTR_wire_self, CTR_wire_refused,
	CTR_wire_handshake_timeout, CTR_wire_activate_timeout, CTR_wire_idle_timeout,
	CTR_wire_bad_length, CTR_wire_bad_message, CTR_wire_bad_request, CTR_wire_flood,
	CTR_wire_torrent_gone, CTR_wire_no_buffer, CTR_wire_withdrawn,
	CTR_wire_torrent_full, CTR_wire_drained,
};

/* every request ends in one of these */
static const enum counter endings[] = {
	CTR_requests_served, CTR_requests_cancelled, CTR_requests_abandoned, CTR_requests_choked,
	CTR_requests_out_of_range, CTR_requests_oversized, CTR_requests_not_had,
	CTR_requests_over_queue, CTR_requests_no_memory,
};

uint64_t
lab_counter(const struct wire_lab *lab, enum counter which)
{
	return lab->ctr.value[which];
}

uint32_t
lab_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void
lab_open_wire(struct wire_lab *lab, struct store *store, uint32_t peers_max)
{
	struct wire_config config = { .store = store, .peers_max = peers_max, .seed = 7,
		                      .listen_port = 6881, .dht_port = lab->dht_port,
		                      .pex = !lab->pex_off, .ctr = &lab->ctr };

	lab->store = store;
	lab->now_us = 1000 * 1000;
	lab->wire = wire_create(&config);
	lab->held = calloc(LAB_HELD_MAX, sizeof(*lab->held));
	dp_assert(lab->wire != NULL && lab->held != NULL);
}

static uint64_t
counters_sum(const struct wire_lab *lab, const enum counter *which, size_t cnt)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < cnt; i++)
		sum += lab_counter(lab, which[i]);
	return sum;
}

void
lab_reset(struct wire_lab *lab)
{
	for (uint32_t i = 0; i < lab->peer_cnt; i++) {
		if (lab->peer[i].peer != NULL)
			lab_leave(lab, &lab->peer[i]);
		free(lab->peer[i].got);
	}
	lab_acknowledge(lab, UINT32_MAX);
	dp_assert(lab_counter(lab, CTR_peers) == 0 && lab_counter(lab, CTR_requests_waiting) == 0);
	dp_assert(counters_sum(lab, endings, ARRAY_CNT(endings)) == lab_counter(lab, CTR_requests));
	dp_assert(counters_sum(lab, closes, ARRAY_CNT(closes)) >= lab->close_cnt);
	memset(&lab->ctr, 0, sizeof(lab->ctr));
	memset(lab->peer, 0, sizeof(lab->peer));
	lab->peer_cnt = 0;
	lab->close_cnt = 0;
	lab->hold = false;
}

void
lab_close_wire(struct wire_lab *lab)
{
	lab_reset(lab);
	free(lab->held);
	wire_destroy(lab->wire);
}

struct lab_peer *
lab_connect_from(struct wire_lab *lab, uint32_t address_be)
{
	struct lab_peer *peer = &lab->peer[lab->peer_cnt];

	dp_assert(lab->peer_cnt < LAB_PEERS_MAX);
	peer->peer = wire_open(lab->wire, address_be, 50000, peer, lab->now_us);
	if (peer->peer == NULL)
		return NULL;
	dp_assert(wire_user(peer->peer) == peer);
	lab->peer_cnt++;
	return peer;
}

struct lab_peer *
lab_connect(struct wire_lab *lab)
{
	return lab_connect_from(lab, 0x0100007f);
}

void
lab_leave(struct wire_lab *lab, struct lab_peer *peer)
{
	wire_close(lab->wire, peer->peer, lab->now_us);
	peer->peer = NULL;
}

void
lab_forget(struct wire_lab *lab)
{
	struct lab_peer *peer = &lab->peer[--lab->peer_cnt];

	dp_assert(peer->peer == NULL);
	free(peer->got);
	memset(peer, 0, sizeof(*peer));
}

static void
lab_close(struct wire_lab *lab, struct lab_peer *peer)
{
	dp_assert(!peer->closed && !wire_pending(peer->peer));
	peer->closed = true;
	lab->close_cnt++;
	lab_leave(lab, peer);
}

enum wire_verdict
lab_send(struct wire_lab *lab, struct lab_peer *peer, const void *data, size_t len)
{
	/* a copy of its own, so that the sanitizer sees a step beyond its end */
	uint8_t *copy = malloc(len + !len);
	enum wire_verdict verdict;

	dp_assert(copy != NULL && peer->peer != NULL);
	memcpy(copy, data, len);
	verdict = wire_input(lab->wire, peer->peer, copy, (uint32_t)len, lab->now_us);
	free(copy);
	if (verdict == WIRE_CLOSE)
		lab_close(lab, peer);
	return verdict;
}

size_t
lab_handshake(uint8_t out[68], const uint8_t info_hash[20], unsigned int flags)
{
	memset(out, 0, 68);
	memcpy(out, "\x13" "BitTorrent protocol", 20);
	out[25] = flags & LAB_EXTENDED ? 0x10 : 0;
	out[27] = (uint8_t)((flags & LAB_FAST ? 0x04 : 0) | (flags & LAB_DHT ? 0x01 : 0));
	memcpy(out + 28, info_hash, 20);
	memcpy(out + 48, "-XX0000-abcdefghijkl", 20);
	return 68;
}

enum wire_verdict
lab_greet(struct wire_lab *lab, struct lab_peer *peer, const uint8_t info_hash[20],
          unsigned int flags)
{
	uint8_t hello[68];

	return lab_send(lab, peer, hello, lab_handshake(hello, info_hash, flags));
}

static void
put_be32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

enum wire_verdict
lab_message(struct wire_lab *lab, struct lab_peer *peer, uint8_t id, const void *body,
            uint32_t len)
{
	uint8_t *message = malloc(5 + (size_t)len);
	enum wire_verdict verdict;

	dp_assert(message != NULL);
	put_be32(message, 1 + len);
	message[4] = id;
	if (len > 0)
		memcpy(message + 5, body, len);
	verdict = lab_send(lab, peer, message, 5 + (size_t)len);
	free(message);
	return verdict;
}

enum wire_verdict
lab_block(struct wire_lab *lab, struct lab_peer *peer, uint8_t id, const uint32_t block[3])
{
	uint8_t body[12];

	for (int i = 0; i < 3; i++)
		put_be32(body + 4 * i, block[i]);
	return lab_message(lab, peer, id, body, sizeof(body));
}

/* got_reserve makes place for size bytes, and for more at once when it grows. */
static void
got_reserve(struct lab_peer *peer, size_t size)
{
	if (size <= peer->got_size)
		return;
	peer->got_size = MAX(size, 2 * peer->got_size);
	peer->got = realloc(peer->got, peer->got_size);
	dp_assert(peer->got != NULL);
}

/* frag_take appends a fragment's bytes to what the peer got. */
static void
frag_take(struct wire_lab *lab, struct lab_peer *peer, struct frag *frag)
{
	const uint8_t *data = frag->inline_len > 0 ? frag->bytes : frag->span.data;
	uint32_t len = frag_len(frag);

	dp_assert(len > 0 && frag->inline_len <= FRAG_INLINE_MAX);
	got_reserve(peer, peer->got_len + len);
	memcpy(peer->got + peer->got_len, data, len);
	peer->got_len += len;
	if (!lab->hold) {
		frag_release(frag);
		return;
	}
	dp_assert(lab->held_cnt < LAB_HELD_MAX);
	lab->held[lab->held_cnt++] = *frag;
}

uint32_t
lab_pull(struct wire_lab *lab, struct lab_peer *peer, uint32_t room_bytes)
{
	struct frag frags[LAB_FRAGS];
	bool pending = wire_pending(peer->peer);
	uint32_t total = 0, cnt;

	do {
		uint32_t room = total < room_bytes ? room_bytes - total : 0;

		cnt = wire_output(lab->wire, peer->peer, room, frags, LAB_FRAGS);
		dp_assert(cnt <= LAB_FRAGS);
		for (uint32_t i = 0; i < cnt; i++) {
			total += frag_len(&frags[i]);
			frag_take(lab, peer, &frags[i]);
		}
	} while (cnt > LAB_FRAGS - 16);
	dp_assert(pending || total == 0);
	return total;
}

void
lab_acknowledge(struct wire_lab *lab, uint32_t cnt)
{
	cnt = MIN(cnt, lab->held_cnt);
	for (uint32_t i = 0; i < cnt; i++)
		frag_release(&lab->held[i]);
	lab->held_cnt -= cnt;
	memmove(lab->held, lab->held + cnt, lab->held_cnt * sizeof(*lab->held));
}

static void
notes_take(struct wire_lab *lab, const struct wire_note *notes, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		struct lab_peer *peer = wire_user(notes[i].peer);

		if (notes[i].verdict == WIRE_CLOSE)
			lab_close(lab, peer);
		else
			peer->note_cnt++;
	}
}

uint32_t
lab_reap(struct wire_lab *lab)
{
	struct wire_note notes[LAB_NOTES];
	uint32_t cnt, total = 0;

	do {
		cnt = wire_reap(lab->wire, lab->now_us, notes, LAB_NOTES);
		notes_take(lab, notes, cnt);
		total += cnt;
	} while (cnt == LAB_NOTES);
	return total;
}

void
lab_tick(struct wire_lab *lab, uint64_t us)
{
	uint64_t end_us = lab->now_us + us;
	struct wire_note notes[LAB_NOTES];
	uint32_t cnt;

	while (lab->now_us < end_us) {
		lab->now_us += MIN(end_us - lab->now_us, 10u * 1000);
		do {
			cnt = wire_tick(lab->wire, lab->now_us, notes, LAB_NOTES);
			notes_take(lab, notes, cnt);
		} while (cnt == LAB_NOTES);
	}
}

const uint8_t *
lab_hello(struct lab_peer *peer)
{
	dp_assert(peer->read_len == 0);
	if (peer->got_len < 68)
		return NULL;
	peer->read_len = 68;
	return peer->got;
}

bool
lab_next(struct lab_peer *peer, struct lab_message *message)
{
	const uint8_t *at = peer->got + peer->read_len;
	size_t left = peer->got_len - peer->read_len;

	if (left == 0)
		return false;
	dp_assert(left >= 4 && lab_be32(at) <= left - 4);
	message->id = 0xff;
	message->body = at + 5;
	message->len = 0;
	if (lab_be32(at) > 0) {
		message->id = at[4];
		message->len = lab_be32(at) - 1;
	}
	peer->read_len += 4 + lab_be32(at);
	return true;
}
