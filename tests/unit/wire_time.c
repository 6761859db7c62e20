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

/* timed returns how many times of some length there were. */
static uint64_t
timed(struct world *world, enum histogram_id which, uint64_t us)
{
	return world->lab.ctr.histogram[which].bucket[histogram_bucket(us)];
}

static void
blocks_are_timed(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);

	lab_tick(&world->lab, SECOND);
	store_double_ready(world->store, false);
	world_request(world, peer, 0, 0, BLOCK);
	world_request(world, peer, 0, BLOCK, BLOCK);
	lab_pull(&world->lab, peer, LAB_ROOM);
	world->lab.now_us += 5000;
	store_double_finish(world->store, 1, false);
	lab_reap(&world->lab);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(timed(world, HIST_service, 5000), 1);
	assert_int_equal(timed(world, HIST_first_piece, SECOND + 5000), 1);
	assert_int_equal(world->lab.ctr.histogram[HIST_service].sum, 5000);
	world->lab.now_us += 7000;
	store_double_finish(world->store, 1, false);
	lab_reap(&world->lab);
	assert_int_equal(timed(world, HIST_service, 12000), 0); /* it waits for room */
	world->lab.now_us += 8000;
	lab_reap(&world->lab);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(timed(world, HIST_service, 20000), 1);
	assert_int_equal(world->lab.ctr.histogram[HIST_first_piece].sum, SECOND + 5000);
	/* what is in memory takes no time */
	store_double_ready(world->store, true);
	world_request(world, peer, 1, 0, BLOCK);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(timed(world, HIST_service, 0), 1);
}

/* The few bits that a request keeps of the time begin anew every 35 minutes. */
static void
a_block_is_timed_over_the_clocks_end(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer;

	world->lab.now_us = (UINT64_C(1) << 31) * 3 - 1000;
	peer = world_peer(world, PLAIN, LAB_FAST);
	store_double_ready(world->store, false);
	world_request(world, peer, 0, 0, BLOCK);
	lab_pull(&world->lab, peer, LAB_ROOM);
	world->lab.now_us += 5000;
	store_double_finish(world->store, 1, false);
	lab_reap(&world->lab);
	lab_pull(&world->lab, peer, LAB_ROOM);
	assert_int_equal(timed(world, HIST_service, 5000), 1);
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
		WORLD_TEST(blocks_are_timed),
		WORLD_TEST(a_block_is_timed_over_the_clocks_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
