/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Slots: who is unchoked, who yields and when, and what a choked peer is told; and the ends of a
 * drain. */
#include "tests/unit/wire_world.h"

enum { SECOND = 1000 * 1000, CHOKE = 0, NOT_INTERESTED = 3 };

/* crowd connects peers that are interested, and reads what they are told. */
static void
crowd(struct world *world, struct lab_peer **peers, uint32_t cnt, unsigned int flags)
{
	for (uint32_t i = 0; i < cnt; i++) {
		peers[i] = lab_connect(&world->lab);
		lab_greet(&world->lab, peers[i], world_hash(world, PLAIN), flags);
		lab_message(&world->lab, peers[i], INTERESTED, NULL, 0);
		lab_pull(&world->lab, peers[i], LAB_ROOM);
		assert_non_null(lab_hello(peers[i]));
		expect_id(peers[i], flags & LAB_FAST ? HAVE_ALL : BITFIELD);
	}
}

static void
set_slots(struct world *world, struct wire_choke choke)
{
	wire_set_choke(world->lab.wire, &choke, world->lab.now_us);
	lab_reap(&world->lab);
}

static uint32_t
unchoked_cnt(struct lab_peer **peers, uint32_t cnt)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < cnt; i++)
		sum += wire_unchoked(peers[i]->peer);
	return sum;
}

/* told reads what a peer is told: CHOKE, UNCHOKE, or KEEPALIVE for nothing of the two. */
static uint8_t
told(struct world *world, struct lab_peer *peer)
{
	struct lab_message message;
	uint8_t last = KEEPALIVE;

	lab_pull(&world->lab, peer, LAB_ROOM);
	while (lab_next(peer, &message))
		if (message.id == CHOKE || message.id == UNCHOKE)
			last = message.id;
	return last;
}

static void
a_free_slot_is_given_at_once(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[4];

	set_slots(world, (struct wire_choke){ .slots = 2 });
	crowd(world, peers, 4, LAB_FAST);
	assert_int_equal(lab_counter(&world->lab, CTR_slots_held), 2);
	assert_int_equal(lab_counter(&world->lab, CTR_slots_wanted), 2);
	expect_id(peers[0], UNCHOKE);
	expect_id(peers[1], UNCHOKE);
	expect_nothing(peers[2]);
	lab_message(&world->lab, peers[0], NOT_INTERESTED, NULL, 0);
	assert_true(wire_unchoked(peers[2]->peer));
	assert_int_equal(told(world, peers[0]), CHOKE);
	assert_int_equal(told(world, peers[2]), UNCHOKE);
	lab_leave(&world->lab, peers[1]);
	assert_true(wire_unchoked(peers[3]->peer));
	assert_int_equal(told(world, peers[3]), UNCHOKE);
	assert_int_equal(lab_counter(&world->lab, CTR_slots_wanted), 0);
}

static void
every_one_has_its_turn(void **state)
{
	for (int fastest = 0; fastest < 2; fastest++) {
		struct world *world = *state;
		uint32_t turns[12] = { 0 };
		struct lab_peer *peers[12];

		set_slots(world, (struct wire_choke){ .slots = 3, .fastest = fastest });
		crowd(world, peers, 12, LAB_FAST);
		for (uint32_t round = 0; round < 12; round++) {
			assert_int_equal(unchoked_cnt(peers, 12), 3);
			for (uint32_t i = 0; i < 12; i++) {
				turns[i] += wire_unchoked(peers[i]->peer);
				lab_send(&world->lab, peers[i], "\0\0\0\0", 4);
				told(world, peers[i]);
			}
			lab_tick(&world->lab, WIRE_ROUND_US + 1 * SECOND);
		}
		for (uint32_t i = 0; i < 12; i++)
			assert_in_range(turns[i], 1, 8);
		set_slots(world, (struct wire_choke){ 0 });
		assert_int_equal(unchoked_cnt(peers, 12), 12);
		lab_reset(&world->lab);
	}
}

static void
nobody_yields_while_none_waits(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[2];

	set_slots(world, (struct wire_choke){ .slots = 2, .slow_bytes_per_s = 1000, .slow_s = 2 });
	crowd(world, peers, 2, 0);
	lab_tick(&world->lab, 4 * WIRE_ROUND_US);
	assert_int_equal(unchoked_cnt(peers, 2), 2);
	assert_int_equal(lab_counter(&world->lab, CTR_chokes), 0);
}

static void
the_fast_keep_theirs(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[6];
	uint32_t kept = 0;

	set_slots(world, (struct wire_choke){ .slots = 2, .fastest = true });
	crowd(world, peers, 6, LAB_FAST);
	for (uint32_t round = 0; round < 8; round++) {
		for (uint32_t i = 0; i < 6; i++) {
			lab_send(&world->lab, peers[i], "\0\0\0\0", 4);
			told(world, peers[i]);
		}
		world_request(world, peers[0], round, 0, BLOCK);
		told(world, peers[0]);
		kept += wire_unchoked(peers[0]->peer);
		lab_tick(&world->lab, WIRE_ROUND_US + 1 * SECOND);
	}
	assert_int_equal(kept, 8);
}

static void
the_slow_yield_early(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[2];

	set_slots(world, (struct wire_choke){ .slots = 1, .slow_bytes_per_s = 1000, .slow_s = 3 });
	crowd(world, peers, 2, LAB_FAST);
	for (uint32_t i = 0; i < 3; i++) {
		world_request(world, peers[0], i, 0, BLOCK);
		told(world, peers[0]);
		lab_tick(&world->lab, 1 * SECOND + 20000);
		assert_true(wire_unchoked(peers[0]->peer));
	}
	lab_tick(&world->lab, 4 * SECOND);
	assert_false(wire_unchoked(peers[0]->peer));
	assert_true(wire_unchoked(peers[1]->peer));
	assert_true(lab_counter(&world->lab, CTR_slots_slow) >= 1);
}

/* A part of a second is none: who has just been given a slot had no time to take anything. */
static void
a_second_is_a_whole_one(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[2];

	set_slots(world, (struct wire_choke){ .slots = 1, .slow_bytes_per_s = 1000, .slow_s = 1 });
	crowd(world, peers, 2, LAB_FAST);
	lab_tick(&world->lab, SECOND / 2);
	assert_true(wire_unchoked(peers[0]->peer));
	lab_tick(&world->lab, SECOND * 4 / 10);
	assert_int_equal(lab_counter(&world->lab, CTR_slots_slow), 0);
	lab_tick(&world->lab, SECOND * 3 / 10);
	assert_int_equal(lab_counter(&world->lab, CTR_slots_slow), 1);
	assert_true(wire_unchoked(peers[1]->peer));
}

static void
a_choke_ends_requests(void **state)
{
	struct world *world = *state;
	struct lab_peer *fast = world_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *plain = world_peer(world, PLAIN, 0);

	for (uint32_t i = 0; i < 20; i++) {
		world_request(world, fast, i, 0, BLOCK);
		world_request(world, plain, i, 0, BLOCK);
	}
	lab_pull(&world->lab, fast, BLOCK);            /* some are read by now */
	while (lab_next(fast, &(struct lab_message){ 0 }))
		;
	uint64_t served = lab_counter(&world->lab, CTR_requests_served);
	set_slots(world, (struct wire_choke){ .slots = 1 });
	assert_int_equal(wire_unchoked(fast->peer) + wire_unchoked(plain->peer), 1);
	lab_message(&world->lab, fast, NOT_INTERESTED, NULL, 0);
	lab_message(&world->lab, plain, NOT_INTERESTED, NULL, 0);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_choked), 40 - served);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_waiting), 0);
	lab_pull(&world->lab, fast, LAB_ROOM);
	expect_id(fast, CHOKE);
	for (uint64_t i = served; i < 20; i++)
		expect_id(fast, REJECT);
	expect_nothing(fast);
	lab_pull(&world->lab, plain, LAB_ROOM);
	while (lab_next(plain, &(struct lab_message){ 0 }))
		;
	world_request(world, plain, 0, 0, BLOCK);      /* choked: dropped, not closed for it */
	assert_false(plain->closed);
	lab_message(&world->lab, plain, INTERESTED, NULL, 0);
	assert_int_equal(told(world, plain), UNCHOKE);
	world_request(world, plain, 3, 0, BLOCK);
	lab_pull(&world->lab, plain, LAB_ROOM);
	expect_block(plain, PIECE, PLAIN, (uint32_t[3]){ 3, 0, BLOCK });
}

static void
choke_and_unchoke_between_outputs_are_both_told(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	set_slots(world, (struct wire_choke){ .slots = 1 });
	lab_message(&world->lab, peer, NOT_INTERESTED, NULL, 0);
	lab_message(&world->lab, peer, INTERESTED, NULL, 0);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_id(peer, CHOKE);
	expect_id(peer, UNCHOKE);
	lab_message(&world->lab, peer, NOT_INTERESTED, NULL, 0);
	lab_message(&world->lab, peer, INTERESTED, NULL, 0);
	lab_message(&world->lab, peer, NOT_INTERESTED, NULL, 0);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_id(peer, CHOKE);
	expect_nothing(peer);
}

/* Each queued message takes an entry of what all connections share. */
static void
who_takes_nothing_is_told_little(void **state)
{
	struct world *world = *state;
	struct lab_message message;
	struct lab_peer *peer;
	uint32_t cnt = 0;

	set_slots(world, (struct wire_choke){ .slots = 1 });
	crowd(world, &peer, 1, 0);
	for (uint32_t i = 0; i < 100; i++) {
		lab_message(&world->lab, peer, NOT_INTERESTED, NULL, 0);
		lab_pull(&world->lab, peer, 0);
		lab_message(&world->lab, peer, INTERESTED, NULL, 0);
		lab_pull(&world->lab, peer, 0);
	}
	while (lab_next(peer, &message))
		cnt++;
	assert_true(cnt <= 2);
	assert_int_equal(told(world, peer), UNCHOKE);
}

static void
a_drain_closes_who_wants_nothing(void **state)
{
	struct world *world = *state;
	struct lab_peer *idle = world_peer(world, PLAIN, 0);
	struct lab_peer *busy = world_peer(world, PLAIN, 0);

	lab_tick(&world->lab, 2 * WIRE_DRAIN_IDLE_US);
	assert_false(idle->closed);
	wire_set_drain(world->lab.wire, true);
	world_request(world, busy, 0, 0, BLOCK);
	lab_tick(&world->lab, 2 * SECOND);
	assert_true(idle->closed);
	assert_false(busy->closed);
	lab_pull(&world->lab, busy, LAB_ROOM);
	lab_tick(&world->lab, WIRE_DRAIN_IDLE_US - 3 * SECOND);
	assert_false(busy->closed);
	lab_tick(&world->lab, 5 * SECOND);
	assert_true(busy->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_drained), 2);
}

/* It says that it is there, has asked for something, and takes nothing. */
static void
a_drain_ends_for_who_takes_nothing(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	wire_set_drain(world->lab.wire, true);
	world_request(world, peer, 0, 0, BLOCK);
	for (int i = 0; i < 3 && !peer->closed; i++) {
		lab_send(&world->lab, peer, "\0\0\0\0", 4);
		lab_tick(&world->lab, WIRE_IDLE_TIMEOUT_US / 2);
		assert_true(i > 0 || !peer->closed);
	}
	assert_true(peer->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_drained), 1);
}

static void
a_torrent_has_no_more_peers_than_it_may(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[2], *third;

	store_double_torrent(world->store, PLAIN)->connections_max = 2;
	crowd(world, peers, 2, 0);
	third = lab_connect(&world->lab);
	assert_int_equal(lab_greet(&world->lab, third, world_hash(world, PLAIN), 0), WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_torrent_full), 1);
	lab_leave(&world->lab, peers[0]);
	third = lab_connect(&world->lab);
	assert_int_equal(lab_greet(&world->lab, third, world_hash(world, PLAIN), 0), WIRE_OK);
	store_double_torrent(world->store, PLAIN)->connections_max = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_free_slot_is_given_at_once),
		WORLD_TEST(every_one_has_its_turn),
		WORLD_TEST(nobody_yields_while_none_waits),
		WORLD_TEST(the_fast_keep_theirs),
		WORLD_TEST(the_slow_yield_early),
		WORLD_TEST(a_second_is_a_whole_one),
		WORLD_TEST(a_choke_ends_requests),
		WORLD_TEST(choke_and_unchoke_between_outputs_are_both_told),
		WORLD_TEST(who_takes_nothing_is_told_little),
		WORLD_TEST(a_drain_closes_who_wants_nothing),
		WORLD_TEST(a_drain_ends_for_who_takes_nothing),
		WORLD_TEST(a_torrent_has_no_more_peers_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
