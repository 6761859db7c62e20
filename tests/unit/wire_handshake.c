/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The handshake: whole, in parts, for what we have, wait for, refuse and do not know. */
#include "tests/unit/wire_world.h"

static void
answered_in_every_split(void **state)
{
	struct world *world = *state;
	uint8_t hello[68 + 5];

	lab_handshake(hello, world_hash(world, PLAIN), LAB_FAST | LAB_EXTENDED);
	memcpy(hello + 68, "\0\0\0\1\2", 5); /* interested, pipelined */
	for (size_t split = 0; split <= sizeof(hello); split++) {
		struct lab_peer *peer = lab_connect(&world->lab);
		const uint8_t *answer;

		assert_int_equal(lab_send(&world->lab, peer, hello, split), WIRE_OK);
		lab_pull(&world->lab, peer, 0);
		assert_int_equal(peer->got_len > 0, split >= 48); /* before the peer id */
		assert_int_equal(lab_send(&world->lab, peer, hello + split, sizeof(hello) - split),
		                 WIRE_OK);
		lab_pull(&world->lab, peer, 0);
		answer = lab_hello(peer);
		assert_non_null(answer);
		assert_memory_equal(answer, "\x13" "BitTorrent protocol", 20);
		assert_memory_equal(answer + 20, "\0\0\0\0\0\x10\0\x04", 8);
		assert_memory_equal(answer + 28, hello + 28, 20);
		assert_memory_equal(answer + 48, "-SW0100-", 8);
		expect_id(peer, HAVE_ALL);
		expect_id(peer, EXTENDED);
		expect_id(peer, UNCHOKE);
		expect_nothing(peer);
		lab_leave(&world->lab, peer);
		lab_forget(&world->lab);
	}
	assert_int_equal(lab_counter(&world->lab, CTR_peers_handshaken), sizeof(hello) + 1);
}

static void
byte_by_byte(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = lab_connect(&world->lab);
	uint8_t hello[68];

	lab_handshake(hello, world_hash(world, PLAIN), 0);
	for (size_t i = 0; i < sizeof(hello); i++) {
		assert_int_equal(lab_send(&world->lab, peer, hello + i, 1), WIRE_OK);
		lab_pull(&world->lab, peer, 0);
		assert_int_equal(peer->got_len >= 68, i >= 47);
	}
}

static void
unknown_info_hash_closes(void **state)
{
	struct world *world = *state;

	assert_int_equal(lab_greet(&world->lab, lab_connect(&world->lab),
	                           (const uint8_t *)"????????????????????", 0),
	                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_unknown_info_hash), 1);
}

static void
other_protocols_close_at_the_first_wrong_byte(void **state)
{
	struct world *world = *state;
	static const char *const starts[] = { "GET / HTTP/1.1\r\n", "\023BitTorrent protocoL",
		                              "\x14" };

	for (size_t i = 0; i < ARRAY_CNT(starts); i++)
		assert_int_equal(lab_send(&world->lab, lab_connect(&world->lab), starts[i],
		                          strlen(starts[i])),
		                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_handshake), 3);
}

static void
ourselves_are_closed(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = lab_connect(&world->lab);
	uint8_t hello[68];

	lab_handshake(hello, world_hash(world, PLAIN), 0);
	assert_int_equal(lab_send(&world->lab, peer, hello, 48), WIRE_OK);
	lab_pull(&world->lab, peer, 0);
	assert_int_equal(lab_send(&world->lab, peer, peer->got + 48, 20), WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_self), 1);
}

static void
too_many_peers_are_turned_away(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < WORLD_PEERS; i++)
		assert_non_null(lab_connect(&world->lab));
	assert_null(lab_connect(&world->lab));
	assert_int_equal(lab_counter(&world->lab, CTR_peers_full), 1);
	assert_int_equal(lab_counter(&world->lab, CTR_peers), WORLD_PEERS);
}

static void
cold_torrent_answers_once_active(void **state)
{
	struct world *world = *state;
	struct torrent *torrent = store_double_torrent(world->store, COLD_ONE);
	struct lab_peer *peer = lab_connect(&world->lab);
	const uint32_t early[3] = { 0, 0, BLOCK }, later[3] = { 1, 0, BLOCK };

	/* all that a peer may pipeline: interested, its extended handshake, a request too early */
	lab_greet(&world->lab, peer, world_hash(world, COLD_ONE), LAB_FAST | LAB_EXTENDED);
	lab_message(&world->lab, peer, INTERESTED, NULL, 0);
	lab_message(&world->lab, peer, EXTENDED, TEXT("\0d1:md11:ut_metadatai9eee"));
	lab_block(&world->lab, peer, REQUEST, early);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(peer->got_len, 0);
	assert_int_equal(torrent->state, TORRENT_ASKED);
	assert_false(wire_pending(peer->peer));

	store_double_set(world->store, COLD_ONE, TORRENT_ACTIVE);
	wire_torrent_changed(world->lab.wire, torrent, false);
	assert_int_equal(lab_reap(&world->lab), 1);
	assert_int_equal(peer->note_cnt, 1);
	lab_message(&world->lab, peer, EXTENDED, TEXT("\1d8:msg_typei0e5:piecei2ee"));
	lab_block(&world->lab, peer, REQUEST, later);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_non_null(lab_hello(peer));
	expect_id(peer, HAVE_ALL);
	expect_id(peer, EXTENDED);
	expect_id(peer, UNCHOKE);
	expect_block(peer, REJECT, COLD_ONE, early);
	assert_int_equal(expect_id(peer, EXTENDED).body[0], 9); /* its id of ut_metadata was kept */
	expect_block(peer, PIECE, COLD_ONE, later);
	expect_nothing(peer);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_choked), 1);
}

static void
refused_torrent_closes_those_who_wait(void **state)
{
	struct world *world = *state;
	struct torrent *torrent = store_double_torrent(world->store, COLD_ONE);
	struct lab_peer *waiting = lab_connect(&world->lab);
	struct lab_peer *other = world_peer(world, PLAIN, 0);

	lab_greet(&world->lab, waiting, world_hash(world, COLD_ONE), 0);
	wire_torrent_changed(world->lab.wire, torrent, false); /* still asked: nothing to do */
	assert_false(waiting->closed);
	store_double_set(world->store, COLD_ONE, TORRENT_COLD);
	wire_torrent_changed(world->lab.wire, torrent, false);
	lab_reap(&world->lab);
	assert_true(waiting->closed);
	assert_false(other->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_refused), 1);
}

static void
removed_torrent_is_left_at_once(void **state)
{
	struct world *world = *state;
	struct torrent *torrent = store_double_torrent(world->store, PLAIN);
	struct lab_peer *peers[5];

	store_double_ready(world->store, false);
	for (int i = 0; i < 5; i++) {
		peers[i] = world_peer(world, PLAIN, LAB_FAST);
		world_request(world, peers[i], (uint32_t)i, 0, BLOCK);
		lab_pull(&world->lab, peers[i], LAB_ROOM);
	}
	lab_reap(&world->lab);
	wire_torrent_changed(world->lab.wire, torrent, true);
	assert_int_equal(torrent->peer_cnt, 0);
	assert_int_equal(store_double_finish(world->store, 9, false), 0); /* reads are cancelled */
	assert_int_equal(store_free_buffers(world->store), WORLD_BUFS);
	assert_int_equal(lab_reap(&world->lab), 5);
	for (int i = 0; i < 5; i++)
		assert_true(peers[i]->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_torrent_gone), 5);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_abandoned), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(answered_in_every_split),
		WORLD_TEST(byte_by_byte),
		WORLD_TEST(unknown_info_hash_closes),
		WORLD_TEST(other_protocols_close_at_the_first_wrong_byte),
		WORLD_TEST(ourselves_are_closed),
		WORLD_TEST(too_many_peers_are_turned_away),
		WORLD_TEST(cold_torrent_answers_once_active),
		WORLD_TEST(refused_torrent_closes_those_who_wait),
		WORLD_TEST(removed_torrent_is_left_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
