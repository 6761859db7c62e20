/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Super-seeding (BEP 16): what peers are shown, and when. */
#include "tests/unit/wire_world.h"

enum { SECOND = 1000 * 1000, HAVE = 4 };

/* super_peer connects a peer to a super-seeded torrent and reads what it is greeted with. */
static struct lab_peer *
super_peer(struct world *world, uint32_t torrent, unsigned int flags)
{
	struct lab_peer *peer = lab_connect(&world->lab);

	store_double_torrent(world->store, torrent)->flags = ABI_ENTRY_SUPER_SEED;
	assert_int_equal(lab_greet(&world->lab, peer, world_hash(world, torrent), flags), WIRE_OK);
	lab_message(&world->lab, peer, INTERESTED, NULL, 0);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_non_null(lab_hello(peer));
	if (flags & LAB_FAST)
		expect_id(peer, HAVE_NONE);
	expect_id(peer, UNCHOKE);
	return peer;
}

/* shown reads the piece that a peer is told of, UINT32_MAX: none. */
static uint32_t
shown(struct world *world, struct lab_peer *peer)
{
	struct lab_message message;

	lab_tick(&world->lab, 1 * SECOND);
	lab_pull(&world->lab, peer, LAB_ROOM);
	if (!lab_next(peer, &message))
		return UINT32_MAX;
	assert_int_equal(message.id, HAVE);
	assert_int_equal(message.len, 4);
	expect_nothing(peer);
	return lab_be32(message.body);
}

static void
say_have(struct world *world, struct lab_peer *peer, uint32_t piece)
{
	uint8_t body[4] = { 0, 0, (uint8_t)(piece >> 8), (uint8_t)piece };

	assert_int_equal(lab_message(&world->lab, peer, HAVE, body, 4), WIRE_OK);
}

static void
peers_are_shown_different_pieces(void **state)
{
	struct world *world = *state;
	struct lab_peer *a = super_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *b = super_peer(world, PLAIN, 0);
	uint32_t of_a = shown(world, a), of_b = shown(world, b), next_a;

	assert_true(of_a < WORLD_PIECE_CNT && of_b < WORLD_PIECE_CNT && of_a != of_b);
	world_request(world, a, of_a, 0, BLOCK);
	lab_pull(&world->lab, a, LAB_ROOM);
	expect_block(a, PIECE, PLAIN, (uint32_t[3]){ of_a, 0, BLOCK });
	say_have(world, a, of_a);
	assert_int_equal(shown(world, a), UINT32_MAX);  /* nobody has it from a yet */
	say_have(world, b, of_a);
	next_a = shown(world, a);
	assert_true(next_a < WORLD_PIECE_CNT && next_a != of_a && next_a != of_b);
	assert_int_equal(shown(world, b), UINT32_MAX);  /* its own piece is not there yet */
}

static void
who_is_alone_is_shown_all(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = super_peer(world, PLAIN, LAB_FAST);
	bool seen[WORLD_PIECE_CNT] = { false };

	for (uint32_t i = 0; i < WORLD_PIECE_CNT; i++) {
		uint32_t piece = shown(world, peer);

		assert_true(piece < WORLD_PIECE_CNT && !seen[piece]);
		seen[piece] = true;
		say_have(world, peer, piece);
	}
	assert_int_equal(shown(world, peer), UINT32_MAX);
}

static void
who_does_not_share_waits_but_not_for_ever(void **state)
{
	struct world *world = *state;
	struct lab_peer *a = super_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *b = super_peer(world, PLAIN, LAB_FAST);
	uint32_t piece = shown(world, a);

	shown(world, b);
	say_have(world, a, piece);
	lab_tick(&world->lab, WIRE_SUPER_WAIT_US / 2);
	assert_int_equal(shown(world, a), UINT32_MAX);
	lab_tick(&world->lab, WIRE_SUPER_WAIT_US / 2);
	assert_true(shown(world, a) < WORLD_PIECE_CNT);
}

static void
what_peers_bring_is_not_shown(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = lab_connect(&world->lab);
	uint8_t bitfield[3] = { 0xff, 0xff, 0xe8 };     /* all but 19 */
	struct lab_peer *full;

	store_double_torrent(world->store, PLAIN)->flags = ABI_ENTRY_SUPER_SEED;
	lab_greet(&world->lab, peer, world_hash(world, PLAIN), 0);
	lab_message(&world->lab, peer, BITFIELD, bitfield, sizeof(bitfield));
	lab_pull(&world->lab, peer, LAB_ROOM);
	lab_hello(peer);
	assert_int_equal(shown(world, peer), 19);
	full = super_peer(world, PLAIN, LAB_FAST);
	lab_message(&world->lab, full, HAVE_ALL, NULL, 0);
	lab_pull(&world->lab, full, LAB_ROOM);
	while (lab_next(full, &(struct lab_message){ 0 }))
		;
	lab_tick(&world->lab, 2 * WIRE_SUPER_WAIT_US);
	assert_int_equal(shown(world, full), UINT32_MAX);
}

static void
nonsense_does_no_harm(void **state)
{
	struct world *world = *state;
	struct lab_peer *a = super_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *b = super_peer(world, PLAIN, LAB_FAST);
	uint8_t ones[3] = { 0xff, 0xff, 0xff };

	for (uint32_t piece = 0; piece < 300; piece++)
		say_have(world, a, piece * 211);
	for (int i = 0; i < 300; i++)
		assert_int_equal(lab_message(&world->lab, a, BITFIELD, ones, 3), WIRE_OK);
	assert_int_equal(lab_message(&world->lab, a, BITFIELD, ones, 2), WIRE_CLOSE);
	assert_true(shown(world, b) < WORLD_PIECE_CNT);
}

/* Each queued message takes an entry of what all connections share. */
static void
who_takes_nothing_is_told_nothing(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = super_peer(world, PLAIN, LAB_FAST);
	uint32_t first = shown(world, peer);

	say_have(world, peer, first);
	lab_pull(&world->lab, peer, 0);
	expect_nothing(peer);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_id(peer, HAVE);
}

static void
too_many_pieces_are_seeded_as_usual(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = lab_connect(&world->lab);

	store_double_torrent(world->store, MANY)->flags = ABI_ENTRY_SUPER_SEED;
	lab_greet(&world->lab, peer, world_hash(world, MANY), LAB_FAST);
	lab_pull(&world->lab, peer, LAB_ROOM);
	lab_hello(peer);
	expect_id(peer, HAVE_ALL);
	assert_int_equal(lab_counter(&world->lab, CTR_super_refused), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(peers_are_shown_different_pieces),
		WORLD_TEST(who_is_alone_is_shown_all),
		WORLD_TEST(who_does_not_share_waits_but_not_for_ever),
		WORLD_TEST(what_peers_bring_is_not_shown),
		WORLD_TEST(nonsense_does_no_harm),
		WORLD_TEST(who_takes_nothing_is_told_nothing),
		WORLD_TEST(too_many_pieces_are_seeded_as_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
