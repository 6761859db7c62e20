/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Time: who says nothing is closed, who is only slow is not. */
#include "tests/unit/wire_world.h"

enum { SECOND = 1000 * 1000 };

static void
no_handshake_in_time_closes(void **state)
{
	struct world *world = *state;
	struct lab_peer *silent = lab_connect(&world->lab);
	struct lab_peer *half = lab_connect(&world->lab);
	struct lab_peer *no_id = lab_connect(&world->lab);
	struct lab_peer *done = world_peer(world, PLAIN, 0);
	uint8_t hello[68];

	lab_handshake(hello, world_hash(world, PLAIN), 0);
	lab_send(&world->lab, half, hello, 30);
	lab_send(&world->lab, no_id, hello, 60);
	lab_tick(&world->lab, WIRE_HANDSHAKE_TIMEOUT_US);
	assert_false(silent->closed || half->closed || no_id->closed);
	lab_tick(&world->lab, 1 * SECOND);
	assert_true(silent->closed && half->closed && no_id->closed);
	assert_false(done->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_handshake_timeout), 3);
}

static void
no_activation_in_time_closes(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = lab_connect(&world->lab);

	lab_greet(&world->lab, peer, world_hash(world, COLD_ONE), 0);
	lab_tick(&world->lab, WIRE_ACTIVATE_TIMEOUT_US);
	assert_false(peer->closed);
	lab_tick(&world->lab, 1 * SECOND);
	assert_true(peer->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_activate_timeout), 1);
	assert_int_equal(store_double_torrent(world->store, COLD_ONE)->peer_cnt, 0);
}

static void
keep_alive_keeps_both_sides(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);
	struct lab_peer *silent = world_peer(world, PLAIN, 0);

	for (int i = 0; i < 6; i++) {
		uint32_t before = peer->note_cnt;

		lab_tick(&world->lab, WIRE_KEEPALIVE_US - 1 * SECOND);
		assert_int_equal(peer->note_cnt, before);
		lab_tick(&world->lab, 2 * SECOND);
		assert_true(peer->note_cnt > before);
		lab_pull(&world->lab, peer, 0);
		expect_id(peer, KEEPALIVE);
		expect_nothing(peer);
		lab_send(&world->lab, peer, "\0\0\0\0", 4);
		if (!silent->closed)
			lab_pull(&world->lab, silent, 0);
	}
	assert_true(silent->closed);
	assert_false(peer->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_idle_timeout), 1);
}

static void
only_taking_is_alive_only_waiting_is_not(void **state)
{
	struct world *world = *state;
	struct lab_peer *slow = world_peer(world, PLAIN, 0);
	struct lab_peer *stuck = world_peer(world, PLAIN, 0);

	for (uint32_t i = 0; i < 20; i++) {
		world_request(world, slow, i, 0, BLOCK);
		world_request(world, stuck, i, 0, BLOCK);
	}
	for (int i = 0; i < 10; i++) {
		lab_tick(&world->lab, 100 * SECOND);
		lab_pull(&world->lab, slow, 1);
		if (!stuck->closed)
			lab_pull(&world->lab, stuck, 0);
	}
	assert_false(slow->closed);
	assert_true(stuck->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_abandoned), 20);
}

static void
a_clock_read_earlier_does_no_harm(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);
	struct wire_note notes[8];

	world->lab.now_us += 10 * SECOND;
	lab_send(&world->lab, peer, "\0\0\0\0", 4);
	for (uint64_t us = 1; us < 3 * SECOND; us += 10000)
		assert_int_equal(wire_tick(world->lab.wire, world->lab.now_us - 5 * SECOND + us,
		                           notes, 8),
		                 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(no_handshake_in_time_closes),
		WORLD_TEST(no_activation_in_time_closes),
		WORLD_TEST(keep_alive_keeps_both_sides),
		WORLD_TEST(only_taking_is_alive_only_waiting_is_not),
		WORLD_TEST(a_clock_read_earlier_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
