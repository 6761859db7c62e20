/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* wire_world.h is what most wire tests start from: a wire over a store in memory with four torrents
 * (store_double.h), and shorthands for cmocka. Each test gets a fresh one as *state.
 *
 * PLAIN: 21 pieces of 48 KiB, the last short; metadata of 40000 bytes. COLD: the same, not active.
 * PRIVATE: BEP 27. MANY: 100001 small pieces. */
#ifndef SPILLWAY_TESTS_UNIT_WIRE_WORLD_H
#define SPILLWAY_TESTS_UNIT_WIRE_WORLD_H

#include "tests/fuzz/store_double.h"
#include "tests/unit/wire_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLAIN, COLD_ONE, PRIVATE, MANY };

enum {
	WORLD_PIECE_LEN = 48 * 1024,
	WORLD_TOTAL_LEN = 1000003,
	WORLD_PIECE_CNT = 21,
	WORLD_METADATA_LEN = 40000,
	WORLD_MANY_CNT = 100001,
	WORLD_BUFS = 1024,
	WORLD_PEERS = 32,
	BLOCK = 16384,
};

enum { UNCHOKE = 1, INTERESTED = 2, BITFIELD = 5, REQUEST = 6, PIECE = 7, CANCEL = 8, HAVE_ALL = 14,
       HAVE_NONE = 15, REJECT = 16, EXTENDED = 20, KEEPALIVE = 0xff };

struct world {
	struct wire_lab lab;
	struct store *store;
};

static const struct double_torrent world_torrents[] = {
	[PLAIN] = { WORLD_PIECE_LEN, WORLD_TOTAL_LEN, WORLD_METADATA_LEN, false, true },
	[COLD_ONE] = { WORLD_PIECE_LEN, WORLD_TOTAL_LEN, WORLD_METADATA_LEN, false, false },
	[PRIVATE] = { WORLD_PIECE_LEN, WORLD_TOTAL_LEN, WORLD_METADATA_LEN, true, true },
	[MANY] = { 1024, 1024ull * WORLD_MANY_CNT, 100, false, true },
};

static inline int
world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->store = store_double_create(&world->lab.ctr, world_torrents,
	                                   ARRAY_CNT(world_torrents), WORLD_BUFS, true);
	lab_open_wire(&world->lab, world->store, WORLD_PEERS);
	*state = world;
	return 0;
}

static inline int
world_teardown(void **state)
{
	struct world *world = *state;

	lab_close_wire(&world->lab);
	store_double_destroy(world->store);
	free(world);
	return 0;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* TEXT gives a literal and its length, as lab_message takes them. */
#define TEXT(literal) (literal), sizeof(literal) - 1

/* world_hash returns a torrent's info_hash. */
static inline const uint8_t *
world_hash(struct world *world, uint32_t torrent)
{
	return store_double_torrent(world->store, torrent)->info_hash;
}

/* world_peer connects a peer that has shaken hands, has its unchoke and has read all until then. */
static inline struct lab_peer *
world_peer(struct world *world, uint32_t torrent, unsigned int flags)
{
	struct lab_peer *peer = lab_connect(&world->lab);
	struct lab_message message;

	assert_non_null(peer);
	assert_int_equal(lab_greet(&world->lab, peer, world_hash(world, torrent), flags), WIRE_OK);
	assert_int_equal(lab_message(&world->lab, peer, INTERESTED, NULL, 0), WIRE_OK);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_non_null(lab_hello(peer));
	do {
		assert_true(lab_next(peer, &message));
	} while (message.id != UNCHOKE);
	assert_false(lab_next(peer, &message));
	return peer;
}

/* world_request sends a request. */
static inline enum wire_verdict
world_request(struct world *world, struct lab_peer *peer, uint32_t piece, uint32_t begin,
              uint32_t len)
{
	return lab_block(&world->lab, peer, REQUEST, (uint32_t[3]){ piece, begin, len });
}

/* expect_block reads a message and checks that it is that block, byte for byte; or, for REJECT,
 * that block's reject. */
static inline void
expect_block(struct lab_peer *peer, uint8_t id, uint32_t torrent, const uint32_t block[3])
{
	uint64_t at = (uint64_t)block[0] * world_torrents[torrent].piece_len + block[1];
	struct lab_message message;

	assert_true(lab_next(peer, &message));
	assert_int_equal(message.id, id);
	assert_int_equal(lab_be32(message.body), block[0]);
	assert_int_equal(lab_be32(message.body + 4), block[1]);
	if (id == REJECT) {
		assert_int_equal(message.len, 12);
		assert_int_equal(lab_be32(message.body + 8), block[2]);
		return;
	}
	assert_int_equal(message.len, 8 + block[2]);
	for (uint32_t i = 0; i < block[2]; i++)
		assert_int_equal(message.body[8 + i], store_double_byte(torrent, at + i));
}

/* expect_id reads a message and checks its id; returns it. */
static inline struct lab_message
expect_id(struct lab_peer *peer, uint8_t id)
{
	struct lab_message message = { 0 };

	assert_true(lab_next(peer, &message));
	assert_int_equal(message.id, id);
	return message;
}

/* expect_nothing checks that the peer has read all that it was given. */
static inline void
expect_nothing(struct lab_peer *peer)
{
	struct lab_message message;

	assert_false(lab_next(peer, &message));
}

#endif
