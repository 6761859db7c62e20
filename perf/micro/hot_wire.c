/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Requests read from the bytes of peers and queued, over a store in memory. */
#include "perf/micro/hot.h"
#include "tests/fuzz/store_double.h"
#include "tests/unit/wire_lab.h"

#include <string.h>

enum {
	MESSAGE_LEN = 17,
	AT_ONCE = 16,              /* messages in the bytes of a call */
	PIECE_LEN = 1 << 20,
	PIECES = 64,
	BUFS = 64,
	BLOCK_LEN = 16,            /* the store in memory makes its bytes one by one */
};

static const struct double_torrent torrents[1] = {
	{PIECE_LEN, (uint64_t)PIECE_LEN * PIECES, 100, false, true},
};

static struct wire_lab lab;
static uint8_t messages[AT_ONCE * MESSAGE_LEN];
static uint32_t next_block;

static void
put_be32(uint8_t *p, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(p, &value, sizeof(value));
}

void
hot_wire_open(uint32_t peers)
{
	dp_assert(peers <= LAB_PEERS_MAX);
	lab.store = store_double_create(&lab.ctr, torrents, 1, BUFS, true);
	lab_open_wire(&lab, lab.store, peers);
	for (uint32_t i = 0; i < peers; i++) {
		struct lab_peer *peer = lab_connect(&lab);

		lab_greet(&lab, peer, store_double_torrent(lab.store, 0)->info_hash, LAB_FAST);
		lab_message(&lab, peer, 2, NULL, 0);
	}
}

/* hot_wire_prepare answers what was asked, and writes what peers ask next. */
void
hot_wire_prepare(void)
{
	for (uint32_t i = 0; i < lab.peer_cnt; i++) {
		lab_pull(&lab, &lab.peer[i], LAB_ROOM);
		lab.peer[i].got_len = 0;
		dp_assert(wire_request_cnt(lab.peer[i].peer) == 0);
	}
	for (uint32_t i = 0; i < AT_ONCE; i++, next_block++) {
		uint8_t *message = &messages[i * MESSAGE_LEN];

		put_be32(message, MESSAGE_LEN - 4);
		message[4] = 6;
		put_be32(message + 5, next_block / 64 % PIECES);
		put_be32(message + 9, next_block % 64 * (PIECE_LEN / 64));
		put_be32(message + 13, BLOCK_LEN);
	}
}

HOT_ROUND uint32_t
hot_round_request(void)
{
	for (uint32_t i = 0; i < lab.peer_cnt; i++)
		wire_input(lab.wire, lab.peer[i].peer, messages, sizeof(messages), lab.now_us);
	return lab.peer_cnt * AT_ONCE;
}

void
hot_wire_close(void)
{
	hot_wire_prepare();
	lab_close_wire(&lab);
	store_double_destroy(lab.store);
}
