/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* BEP 5: who is told of our DHT node. */
#include "tests/unit/wire_world.h"

enum { PORT = 9, DHT_PORT = 0x1af2 };

static int
setup_with_dht(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->lab.dht_port = DHT_PORT;
	world->store = store_double_create(&world->lab.ctr, world_torrents,
	                                   ARRAY_CNT(world_torrents), WORLD_BUFS, true);
	lab_open_wire(&world->lab, world->store, WORLD_PEERS);
	*state = world;
	return 0;
}

/* greeted returns a peer that has read our handshake, and whether that has the DHT's bit. */
static struct lab_peer *
greeted(struct world *world, uint32_t torrent, unsigned int flags, bool *bit)
{
	struct lab_peer *peer = lab_connect(&world->lab);

	lab_greet(&world->lab, peer, world_hash(world, torrent), flags);
	lab_pull(&world->lab, peer, 0);
	*bit = lab_hello(peer)[27] & 1;
	return peer;
}

static void
port_is_told_once_after_the_greeting(void **state)
{
	struct world *world = *state;
	struct lab_message message;
	struct lab_peer *peer;
	bool bit;

	peer = greeted(world, PLAIN, LAB_FAST | LAB_EXTENDED | LAB_DHT, &bit);
	assert_true(bit);
	expect_id(peer, HAVE_ALL);
	expect_id(peer, EXTENDED);
	message = expect_id(peer, PORT);
	assert_int_equal(message.len, 2);
	assert_memory_equal(message.body, "\x1a\xf2", 2);
	lab_tick(&world->lab, 3 * 1000 * 1000);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_nothing(peer);

	peer = greeted(world, PLAIN, LAB_DHT, &bit);
	assert_true(bit);
	expect_id(peer, BITFIELD);
	expect_id(peer, PORT);
	expect_nothing(peer);
	assert_int_equal(lab_counter(&world->lab, CTR_dht_ports_sent), 2);
}

static void
peer_without_the_bit_is_not_told(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer;
	bool bit;

	peer = greeted(world, PLAIN, LAB_FAST, &bit);
	assert_true(bit);
	expect_id(peer, HAVE_ALL);
	expect_nothing(peer);
	assert_int_equal(lab_counter(&world->lab, CTR_dht_ports_sent), 0);
}

static void
private_torrent_has_no_dht(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer;
	bool bit;

	peer = greeted(world, PRIVATE, LAB_FAST | LAB_DHT, &bit);
	assert_false(bit);
	expect_id(peer, HAVE_ALL);
	expect_nothing(peer);
}

static void
cold_torrent_is_told_when_active(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = lab_connect(&world->lab);

	lab_greet(&world->lab, peer, world_hash(world, COLD_ONE), LAB_FAST | LAB_DHT);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(peer->got_len, 0);
	store_double_set(world->store, COLD_ONE, TORRENT_ACTIVE);
	wire_torrent_changed(world->lab.wire, store_double_torrent(world->store, COLD_ONE), false);
	lab_reap(&world->lab);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(lab_hello(peer)[27], 0x05);
	expect_id(peer, HAVE_ALL);
	expect_id(peer, PORT);
}

static void
without_a_node_nothing_is_said(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer;
	bool bit;

	peer = greeted(world, PLAIN, LAB_FAST | LAB_DHT, &bit);
	assert_false(bit);
	expect_id(peer, HAVE_ALL);
	expect_nothing(peer);
}

static void
peers_tell_theirs(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);

	assert_int_equal(lab_message(&world->lab, peer, PORT, "\x1a\xe1", 2), WIRE_OK);
	assert_int_equal(lab_message(&world->lab, peer, PORT, "\x1a", 1), WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_message), 1);
}

#define DHT_TEST(f) cmocka_unit_test_setup_teardown(f, setup_with_dht, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DHT_TEST(port_is_told_once_after_the_greeting),
		DHT_TEST(peer_without_the_bit_is_not_told),
		DHT_TEST(private_torrent_has_no_dht),
		DHT_TEST(cold_torrent_is_told_when_active),
		WORLD_TEST(without_a_node_nothing_is_said),
		WORLD_TEST(peers_tell_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
