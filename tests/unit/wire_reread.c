/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Content read again for a connection that has to send it once more: the same bytes, or none at
 * all; and nothing is left behind, whatever happens meanwhile. */
#include "tests/unit/wire_world.h"

enum { LEN = 5000, BEGIN = 20000, ON_PIECE = 3 };

/* ask asks for some bytes of a piece again. */
static void
ask(struct world *world, struct lab_peer *peer, uint32_t begin, uint32_t tag)
{
	struct wire_reread want = {
		.origin = { store_double_torrent(world->store, PLAIN)->id,
		            (uint64_t)ON_PIECE << 32 | begin },
		.len = LEN,
		.tag = tag,
	};

	wire_reread(world->lab.wire, peer->peer, &want);
}

/* came takes the one result that there is, and gives its spans back when every byte is right. */
static uint32_t
came(struct world *world, const struct lab_peer *peer, uint32_t begin, uint32_t tag)
{
	uint64_t at = (uint64_t)ON_PIECE * WORLD_PIECE_LEN + begin;
	struct wire_again again[2];
	uint32_t len = 0;

	lab_reap(&world->lab);
	assert_int_equal(wire_reread_reap(world->lab.wire, again, 2), 1);
	assert_int_equal(wire_reread_reap(world->lab.wire, &again[1], 1), 0);
	assert_ptr_equal(again[0].peer, peer->peer);
	assert_int_equal(again[0].tag, tag);
	for (uint32_t i = 0; i < again[0].span_cnt; i++) {
		for (uint32_t k = 0; k < again[0].spans[i].len; k++)
			assert_int_equal(again[0].spans[i].data[k],
			                 store_double_byte(PLAIN, at + len + k));
		len += again[0].spans[i].len;
		span_release(&again[0].spans[i]);
	}
	return len;
}

static void
nothing_came(struct world *world)
{
	struct wire_again again;

	lab_reap(&world->lab);
	assert_int_equal(wire_reread_reap(world->lab.wire, &again, 1), 0);
}

static void
the_origin_of_a_block_is_where_it_is(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);
	struct frag frags[16];
	uint64_t off = (uint64_t)ON_PIECE << 32 | BLOCK;
	uint32_t cnt;

	world_request(world, peer, ON_PIECE, BLOCK, BLOCK);
	cnt = wire_output(world->lab.wire, peer->peer, LAB_ROOM, frags, 16);
	assert_int_equal(cnt, 1 + 3);
	for (uint32_t i = 1; i < cnt; i++) {
		assert_int_equal(frags[i].origin.id, store_double_torrent(world->store, PLAIN)->id);
		assert_int_equal(frags[i].origin.off, off);
		off += frags[i].span.len;
	}
	for (uint32_t i = 0; i < cnt; i++)
		frag_release(&frags[i]);
}

static void
the_same_bytes_come(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	ask(world, peer, BEGIN, 7);
	assert_int_equal(came(world, peer, BEGIN, 7), LEN);
	store_double_ready(world->store, false);
	ask(world, peer, BEGIN + 1, 8);
	nothing_came(world);
	assert_int_equal(store_double_finish(world->store, 1, false), 1);
	assert_int_equal(came(world, peer, BEGIN + 1, 8), LEN);
	assert_int_equal(lab_counter(&world->lab, CTR_rereads), 2);
	assert_int_equal(lab_counter(&world->lab, CTR_reread_bytes), 2 * LEN);
}

static void
withdrawn_content_does_not_come(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);

	store_double_ready(world->store, false);
	ask(world, peer, BEGIN, 1);
	store_double_withdraw(world->store, PLAIN, ON_PIECE);
	store_double_finish(world->store, 1, false);
	assert_int_equal(came(world, peer, BEGIN, 1), 0);
	ask(world, peer, BEGIN, 2);
	assert_int_equal(came(world, peer, BEGIN, 2), 0);
	assert_int_equal(lab_counter(&world->lab, CTR_rereads), 0);
}

static void
a_later_one_takes_its_place(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	store_double_ready(world->store, false);
	ask(world, peer, BEGIN, 1);
	ask(world, peer, 0, 2);
	assert_int_equal(store_double_finish(world->store, 2, false), 1);
	ask(world, peer, 100, 3);              /* the former is over, and not reaped */
	assert_int_equal(store_double_finish(world->store, 2, false), 1);
	assert_int_equal(came(world, peer, 100, 3), LEN);
}

/* while its bytes are being read, are there, or wait for memory */
static void
whoever_leaves_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct lab_peer *reading = world_peer(world, PLAIN, 0);
	struct lab_peer *over = world_peer(world, PLAIN, 0);
	struct lab_peer *waiting = world_peer(world, PLAIN, 0);
	uint32_t held_cnt = 0;

	ask(world, over, BEGIN, 1);
	store_double_ready(world->store, false);
	ask(world, reading, BEGIN, 2);
	world->lab.hold = true;
	store_double_ready(world->store, true);
	while (store_free_buffers(world->store) > 0) {
		world_request(world, over, 0, held_cnt++ % 3 * BLOCK, BLOCK);
		lab_pull(&world->lab, over, LAB_ROOM);
	}
	ask(world, waiting, BEGIN, 3);
	lab_leave(&world->lab, reading);
	lab_leave(&world->lab, over);
	lab_leave(&world->lab, waiting);
	nothing_came(world);
	lab_acknowledge(&world->lab, UINT32_MAX);
	assert_int_equal(store_free_buffers(world->store), WORLD_BUFS);
}

static void
memory_is_waited_for(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);
	struct lab_peer *other = world_peer(world, PLAIN, 0);
	uint32_t cnt = 0;

	world->lab.hold = true;
	while (store_free_buffers(world->store) > 0) {
		world_request(world, other, 0, cnt++ % 3 * BLOCK, BLOCK);
		lab_pull(&world->lab, other, LAB_ROOM);
	}
	ask(world, peer, BEGIN, 1);
	ask(world, other, 0, 2);
	nothing_came(world);
	lab_acknowledge(&world->lab, 4);       /* one block's */
	assert_int_equal(came(world, peer, BEGIN, 1), LEN);   /* and gives memory back */
	assert_int_equal(came(world, other, 0, 2), LEN);
}

static void
the_torrent_is_removed_meanwhile(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	store_double_ready(world->store, false);
	ask(world, peer, BEGIN, 1);
	wire_torrent_changed(world->lab.wire, store_double_torrent(world->store, PLAIN), true);
	nothing_came(world);
	assert_true(peer->closed);
	assert_int_equal(store_free_buffers(world->store), WORLD_BUFS);
}

/* what was read for a peer that takes nothing goes back, and comes when it does */
static void
what_is_relinquished_is_read_again(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, 0);

	store_double_ready(world->store, false);
	world_request(world, peer, 0, 0, BLOCK);
	world_request(world, peer, 0, BLOCK, BLOCK);
	lab_pull(&world->lab, peer, LAB_ROOM);
	store_double_finish(world->store, 2, false);
	lab_reap(&world->lab);
	assert_true(store_free_buffers(world->store) < WORLD_BUFS);
	wire_relinquish(world->lab.wire, peer->peer);
	assert_int_equal(store_free_buffers(world->store), WORLD_BUFS);
	assert_true(wire_pending(peer->peer));
	store_double_ready(world->store, true);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 0, 0, BLOCK });
	expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 0, BLOCK, BLOCK });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_origin_of_a_block_is_where_it_is),
		WORLD_TEST(the_same_bytes_come),
		WORLD_TEST(withdrawn_content_does_not_come),
		WORLD_TEST(a_later_one_takes_its_place),
		WORLD_TEST(whoever_leaves_leaves_nothing),
		WORLD_TEST(memory_is_waited_for),
		WORLD_TEST(the_torrent_is_removed_meanwhile),
		WORLD_TEST(what_is_relinquished_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
