/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Requests: served as asked, refused by name, taken back, bounded. */
#include "tests/unit/wire_world.h"

static void
served_in_order_whatever_the_room(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);

	for (uint32_t i = 0; i < 60; i++)
		world_request(world, peer, i / 3, i % 3 * BLOCK, i == 59 ? 100 : BLOCK);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_waiting), 60);
	for (int i = 0; i < 60; i++)
		lab_pull(&world->lab, peer, 1); /* room for a byte is room for a block */
	for (uint32_t i = 0; i < 60; i++)
		expect_block(peer, PIECE, PLAIN,
		             (uint32_t[3]){ i / 3, i % 3 * BLOCK, i == 59 ? 100 : BLOCK });
	expect_nothing(peer);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_served), 60);
	assert_int_equal(lab_counter(&world->lab, CTR_payload_bytes), 59 * BLOCK + 100);
	assert_int_equal(store_double_torrent(world->store, PLAIN)->active->stat->uploaded_bytes,
	                 59 * BLOCK + 100);
	assert_int_equal(store_double_torrent(world->store, PLAIN)->active->stat->request_cnt, 60);
}

static void
large_blocks_are_honoured(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	world_request(world, peer, 5, 1, WORLD_PIECE_LEN - 1);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 5, 1, WORLD_PIECE_LEN - 1 });
}

/* what can never be served: rejected to BEP 6 peers, closes others; counted by name */
static void
impossible_requests(void **state)
{
	struct world *world = *state;
	static const struct {
		uint32_t block[3];
		enum counter why;
	} flaws[] = {
		{ { 0, 0, 0 }, CTR_requests_oversized },
		{ { 0, 0, WIRE_REQUEST_LEN_MAX + 1 }, CTR_requests_oversized },
		{ { 0, 0, UINT32_MAX }, CTR_requests_oversized },
		{ { WORLD_PIECE_CNT, 0, BLOCK }, CTR_requests_out_of_range },
		{ { UINT32_MAX, 0, BLOCK }, CTR_requests_out_of_range },
		{ { 0, WORLD_PIECE_LEN, 1 }, CTR_requests_out_of_range },
		{ { 0, WORLD_PIECE_LEN - BLOCK + 1, BLOCK }, CTR_requests_out_of_range },
		{ { 0, UINT32_MAX, BLOCK }, CTR_requests_out_of_range },
		{ { 0, UINT32_MAX - BLOCK + 1, BLOCK }, CTR_requests_out_of_range },
		{ { 20, 16963, 1 }, CTR_requests_out_of_range }, /* the last piece is 16963 long */
		{ { 3, 0, BLOCK }, CTR_requests_not_had },
	};

	store_double_lack(world->store, PLAIN, 3);
	for (size_t i = 0; i < ARRAY_CNT(flaws); i++) {
		struct lab_peer *fast = world_peer(world, PLAIN, LAB_FAST);
		struct lab_peer *plain = world_peer(world, PLAIN, 0);
		uint64_t before = lab_counter(&world->lab, flaws[i].why);

		assert_int_equal(lab_block(&world->lab, fast, REQUEST, flaws[i].block), WIRE_OK);
		assert_true(wire_pending(fast->peer));
		lab_pull(&world->lab, fast, LAB_ROOM);
		expect_block(fast, REJECT, PLAIN, flaws[i].block);
		expect_nothing(fast);
		assert_int_equal(lab_block(&world->lab, plain, REQUEST, flaws[i].block),
		                 WIRE_CLOSE);
		assert_int_equal(lab_counter(&world->lab, flaws[i].why), before + 2);
		assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_request), i + 1);
		assert_int_equal(lab_counter(&world->lab, CTR_rejects_sent), i + 1);
		lab_leave(&world->lab, fast);
	}
}

static void
choked_requests_are_rejected_or_dropped(void **state)
{
	struct world *world = *state;
	const uint32_t block[3] = { 0, 0, BLOCK };

	for (unsigned int flags = 0; flags <= LAB_FAST; flags += LAB_FAST) {
		struct lab_peer *peer = lab_connect(&world->lab);

		lab_greet(&world->lab, peer, world_hash(world, PLAIN), flags);
		assert_int_equal(lab_block(&world->lab, peer, REQUEST, block), WIRE_OK);
		lab_pull(&world->lab, peer, LAB_ROOM);
		lab_hello(peer);
		expect_id(peer, flags & LAB_FAST ? HAVE_ALL : BITFIELD);
		if (flags & LAB_FAST)
			expect_block(peer, REJECT, PLAIN, block);
		expect_nothing(peer);
	}
	assert_int_equal(lab_counter(&world->lab, CTR_requests_choked), 2);
}

static void
beyond_the_queue_is_rejected_or_dropped(void **state)
{
	struct world *world = *state;

	for (unsigned int flags = 0; flags <= LAB_FAST; flags += LAB_FAST) {
		struct lab_peer *peer = world_peer(world, PLAIN, flags);

		for (uint32_t i = 0; i < WIRE_REQQ + WIRE_REQQ_SLACK + 7; i++)
			assert_int_equal(world_request(world, peer, 0, i, 1), WIRE_OK);
		assert_int_equal(lab_counter(&world->lab, CTR_requests_waiting),
		                 WIRE_REQQ + WIRE_REQQ_SLACK);
		while (lab_pull(&world->lab, peer, LAB_ROOM) > 0)
			;
		for (uint32_t i = 0; i < 7 && flags; i++)
			expect_block(peer, REJECT, PLAIN,
			             (uint32_t[3]){ 0, WIRE_REQQ + WIRE_REQQ_SLACK + i, 1 });
		for (uint32_t i = 0; i < WIRE_REQQ + WIRE_REQQ_SLACK; i++)
			expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 0, i, 1 });
		expect_nothing(peer);
	}
	assert_int_equal(lab_counter(&world->lab, CTR_requests_over_queue), 14);
}

/* a peer that asks and asks and takes no refusal */
static void
flood_of_refusals_closes(void **state)
{
	struct world *world = *state;
	struct lab_peer *asks = world_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *cancels = world_peer(world, PLAIN, LAB_FAST);
	uint32_t cnt = 0;

	while (world_request(world, asks, UINT32_MAX, 0, 1) == WIRE_OK)
		cnt++;
	assert_int_equal(cnt, WIRE_REQQ + WIRE_REQQ_SLACK);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_flood), 1);
	do {
		world_request(world, cancels, 0, 0, 1);
		cnt++;
	} while (lab_block(&world->lab, cancels, CANCEL, (uint32_t[3]){ 0, 0, 1 }) == WIRE_OK);
	assert_int_equal(cnt, 3 * (WIRE_REQQ + WIRE_REQQ_SLACK) + 1);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_flood), 2);
}

static void
cancelled_waiting_reading_or_ready(void **state)
{
	struct world *world = *state;

	store_double_ready(world->store, false);
	for (unsigned int flags = 0; flags <= LAB_FAST; flags += LAB_FAST) {
		struct lab_peer *peer = world_peer(world, PLAIN, flags);

		for (uint32_t i = 0; i < 4; i++)
			world_request(world, peer, i, 0, BLOCK);
		lab_pull(&world->lab, peer, 3 * BLOCK); /* three are being read */
		assert_int_equal(store_double_finish(world->store, 1, false), 1);
		lab_reap(&world->lab);                  /* one is ready */
		for (uint32_t i = 0; i < 4; i++)
			if (i != 2)
				lab_block(&world->lab, peer, CANCEL, (uint32_t[3]){ i, 0, BLOCK });
		lab_block(&world->lab, peer, CANCEL, (uint32_t[3]){ 0, 0, BLOCK }); /* again */
		lab_block(&world->lab, peer, CANCEL, (uint32_t[3]){ 2, 0, BLOCK - 1 });
		assert_int_equal(lab_counter(&world->lab, CTR_requests_waiting), 1);
		lab_pull(&world->lab, peer, LAB_ROOM);
		for (uint32_t i = 0; i < 4 && flags; i++)
			if (i != 2)
				expect_block(peer, REJECT, PLAIN, (uint32_t[3]){ i, 0, BLOCK });
		expect_nothing(peer);
		store_double_finish(world->store, 9, false);
		lab_reap(&world->lab);
		lab_pull(&world->lab, peer, LAB_ROOM);
		expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 2, 0, BLOCK });
		expect_nothing(peer);
		assert_int_equal(store_free_buffers(world->store), WORLD_BUFS);
	}
	assert_int_equal(lab_counter(&world->lab, CTR_requests_cancelled), 6);
}

/* BEP 6: each request has its own answer, the same block asked again too */
static void
duplicates_are_each_answered(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);
	const uint32_t block[3] = { 4, 0, BLOCK };

	for (int i = 0; i < 3; i++)
		lab_block(&world->lab, peer, REQUEST, block);
	lab_block(&world->lab, peer, CANCEL, block);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_block(peer, REJECT, PLAIN, block);
	expect_block(peer, PIECE, PLAIN, block);
	expect_block(peer, PIECE, PLAIN, block);
	expect_nothing(peer);
}

static void
reads_stay_within_room_and_count(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	store_double_ready(world->store, false);
	for (uint32_t i = 0; i < 500; i++)
		world_request(world, peer, i % WORLD_PIECE_CNT, 0, BLOCK);
	lab_pull(&world->lab, peer, 0);
	assert_int_equal(store_double_finish(world->store, 999, false), 0);
	lab_pull(&world->lab, peer, 5 * BLOCK - 1);
	lab_pull(&world->lab, peer, 5 * BLOCK - 1); /* in flight counts: nothing more */
	assert_int_equal(store_double_finish(world->store, 999, false), 5);
	assert_int_equal(lab_reap(&world->lab), 1);
	assert_true(wire_pending(peer->peer));
	lab_pull(&world->lab, peer, 0); /* ready, but no room */
	assert_int_equal(peer->got_len, peer->read_len);
	lab_pull(&world->lab, peer, 5 * (BLOCK + 13));
	assert_int_equal(peer->got_len - peer->read_len, 5 * (BLOCK + 13));
	lab_pull(&world->lab, peer, 1 << 30);
	assert_int_equal(store_double_finish(world->store, 999, false), WIRE_READS_MAX);
	assert_false(wire_pending(peer->peer));
}

static void
blocks_go_in_the_order_of_their_reads(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	store_double_ready(world->store, false);
	for (uint32_t i = 0; i < 3; i++)
		world_request(world, peer, i, 0, BLOCK);
	lab_pull(&world->lab, peer, LAB_ROOM);
	store_double_finish(world->store, 3, true); /* newest first */
	lab_reap(&world->lab);
	lab_pull(&world->lab, peer, LAB_ROOM);
	for (uint32_t i = 3; i-- > 0;)
		expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ i, 0, BLOCK });
}

static void
leaving_with_reads_in_flight_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);

	store_double_ready(world->store, false);
	for (uint32_t i = 0; i < 20; i++)
		world_request(world, peer, i, 0, BLOCK);
	lab_pull(&world->lab, peer, 10 * BLOCK);
	store_double_finish(world->store, 5, false); /* ended, and not reaped yet: see next */
	lab_reap(&world->lab);
	store_double_finish(world->store, 2, false);
	lab_leave(&world->lab, peer);
	assert_int_equal(store_free_buffers(world->store), WORLD_BUFS);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_abandoned), 20);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_waiting), 0);
	assert_int_equal(lab_reap(&world->lab), 0);
}

/* greedy peers take all that is shared; a latecomer still has its own */
static void
every_peer_has_requests_of_its_own(void **state)
{
	static const struct double_torrent torrent = { 1 << 20, 1 << 20, 10, false, true };
	struct wire_lab *lab = calloc(1, sizeof(*lab));
	struct store *store = store_double_create(&lab->ctr, &torrent, 1, 8, true);
	struct lab_peer *late;
	uint64_t before;

	(void)state;
	lab_open_wire(lab, store, LAB_PEERS_MAX);
	late = lab_connect(lab);
	for (uint32_t i = 1; i < LAB_PEERS_MAX; i++) {
		struct lab_peer *greedy = lab_connect(lab);

		lab_greet(lab, greedy, store_double_torrent(store, 0)->info_hash, LAB_FAST);
		lab_message(lab, greedy, INTERESTED, NULL, 0);
		for (uint32_t n = 0; n < WIRE_REQQ + WIRE_REQQ_SLACK && greedy->peer != NULL; n++)
			lab_block(lab, greedy, REQUEST, (uint32_t[3]){ 0, n, 1 });
	}
	assert_true(lab_counter(lab, CTR_requests_no_memory) > WIRE_REJECTS);
	assert_true(lab_counter(lab, CTR_wire_flood) > 0);
	lab_greet(lab, late, store_double_torrent(store, 0)->info_hash, 0);
	lab_message(lab, late, INTERESTED, NULL, 0);
	before = lab_counter(lab, CTR_requests_waiting);
	for (uint32_t n = 0; n < WIRE_REQUESTS_OWN; n++)
		lab_block(lab, late, REQUEST, (uint32_t[3]){ 0, n, 1 });
	assert_int_equal(lab_counter(lab, CTR_requests_waiting), before + WIRE_REQUESTS_OWN);
	lab_close_wire(lab);
	store_double_destroy(store);
	free(lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(served_in_order_whatever_the_room),
		WORLD_TEST(large_blocks_are_honoured),
		WORLD_TEST(impossible_requests),
		WORLD_TEST(choked_requests_are_rejected_or_dropped),
		WORLD_TEST(beyond_the_queue_is_rejected_or_dropped),
		WORLD_TEST(flood_of_refusals_closes),
		WORLD_TEST(cancelled_waiting_reading_or_ready),
		WORLD_TEST(duplicates_are_each_answered),
		WORLD_TEST(reads_stay_within_room_and_count),
		WORLD_TEST(blocks_go_in_the_order_of_their_reads),
		WORLD_TEST(leaving_with_reads_in_flight_leaves_nothing),
		cmocka_unit_test(every_peer_has_requests_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
