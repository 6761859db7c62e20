/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What we say we have, and what becomes of each kind of message and of what is none. */
#include "tests/unit/wire_world.h"

static struct lab_peer *
greeted(struct world *world, uint32_t torrent, unsigned int flags)
{
	struct lab_peer *peer = lab_connect(&world->lab);

	lab_greet(&world->lab, peer, world_hash(world, torrent), flags);
	lab_pull(&world->lab, peer, 0);
	assert_non_null(lab_hello(peer));
	return peer;
}

static void
complete_is_have_all_or_a_bitfield(void **state)
{
	struct world *world = *state;
	struct lab_peer *fast = greeted(world, PLAIN, LAB_FAST);
	struct lab_peer *plain = greeted(world, PLAIN, 0);
	struct lab_message message;

	assert_int_equal(expect_id(fast, HAVE_ALL).len, 0);
	expect_nothing(fast);
	message = expect_id(plain, BITFIELD);
	assert_int_equal(message.len, 3);
	assert_memory_equal(message.body, "\xff\xff\xf8", 3); /* 21 pieces, spare bits 0 */
	expect_nothing(plain);
}

static void
incomplete_is_a_bitfield_to_all(void **state)
{
	struct world *world = *state;

	store_double_lack(world->store, PLAIN, 3);
	assert_memory_equal(expect_id(greeted(world, PLAIN, LAB_FAST), BITFIELD).body,
	                    "\xef\xff\xf8", 3);
	assert_memory_equal(expect_id(greeted(world, PLAIN, 0), BITFIELD).body, "\xef\xff\xf8", 3);
}

static void
nothing_had_is_have_none_or_an_empty_bitfield(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 0; i < WORLD_PIECE_CNT; i++)
		store_double_lack(world->store, PLAIN, i);
	expect_id(greeted(world, PLAIN, LAB_FAST), HAVE_NONE);
	assert_memory_equal(expect_id(greeted(world, PLAIN, 0), BITFIELD).body, "\0\0\0", 3);
}

static void
large_bitfield_is_whole(void **state)
{
	struct world *world = *state;
	struct lab_message message;

	store_double_lack(world->store, MANY, 70000);
	message = expect_id(greeted(world, MANY, LAB_FAST), BITFIELD);
	assert_int_equal(message.len, (WORLD_MANY_CNT + 7) / 8);
	for (uint32_t i = 0; i < message.len * 8; i++)
		assert_int_equal(message.body[i / 8] >> (7 - i % 8) & 1,
		                 i < WORLD_MANY_CNT && i != 70000);
}

/* as many peers that acknowledge nothing as there are message buffers */
static void
want_of_message_buffers_makes_the_newcomer_wait(void **state)
{
	struct world *world = *state;
	struct lab_peer *old = world_peer(world, PLAIN, 0), *peer;

	world->lab.hold = true;
	for (uint32_t i = 0; i < WIRE_MESSAGE_BUFS / 4; i++) {
		peer = lab_connect(&world->lab);
		lab_greet(&world->lab, peer, world_hash(world, MANY), 0);
		lab_pull(&world->lab, peer, 0);
		lab_leave(&world->lab, peer);
		lab_forget(&world->lab);
	}
	world->lab.hold = false;
	peer = lab_connect(&world->lab);
	lab_greet(&world->lab, peer, world_hash(world, MANY), 0);
	lab_pull(&world->lab, peer, 0);
	assert_non_null(lab_hello(peer));
	assert_false(peer->closed);
	assert_true(wire_pending(peer->peer));
	world_request(world, old, 0, 0, BLOCK);
	lab_pull(&world->lab, old, LAB_ROOM);
	expect_block(old, PIECE, PLAIN, (uint32_t[3]){ 0, 0, BLOCK });

	lab_acknowledge(&world->lab, UINT32_MAX);
	lab_pull(&world->lab, peer, 0);
	assert_int_equal(expect_id(peer, BITFIELD).len, (WORLD_MANY_CNT + 7) / 8);
}

static void
unchoke_comes_at_once_and_once(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = greeted(world, PLAIN, LAB_FAST);

	expect_id(peer, HAVE_ALL);
	lab_message(&world->lab, peer, INTERESTED, NULL, 0);
	assert_true(wire_pending(peer->peer));
	lab_pull(&world->lab, peer, 0); /* without room as well */
	expect_id(peer, UNCHOKE);
	lab_message(&world->lab, peer, 3, NULL, 0);
	lab_message(&world->lab, peer, INTERESTED, NULL, 0);
	assert_false(wire_pending(peer->peer));
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_nothing(peer);
}

static void
lengths_out_of_bounds_close(void **state)
{
	struct world *world = *state;
	static const char *const prefixes[] = { "\xff\xff\xff\xff", "\x00\x10\x00\x01",
		                                "\x80\0\0\0" };

	for (size_t i = 0; i < ARRAY_CNT(prefixes); i++)
		assert_int_equal(lab_send(&world->lab, world_peer(world, PLAIN, 0), prefixes[i], 4),
		                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_length), 3);
}

static void
wrong_lengths_for_the_type_close(void **state)
{
	struct world *world = *state;
	static const struct {
		uint8_t id;
		uint8_t len;
	} wrong[] = { { 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 2 }, { 4, 3 }, { 4, 5 }, { 6, 11 },
		      { 6, 13 }, { 8, 0 }, { 8, 13 }, { 9, 3 }, { 13, 3 }, { 14, 1 }, { 15, 1 },
		      { 17, 5 }, { 20, 0 } };
	static const uint8_t body[16];

	for (size_t i = 0; i < ARRAY_CNT(wrong); i++) {
		struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST | LAB_EXTENDED);

		assert_int_equal(lab_message(&world->lab, peer, wrong[i].id, body, wrong[i].len),
		                 WIRE_CLOSE);
		assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_message), i + 1);
	}
}

static void
what_we_never_asked_for_closes(void **state)
{
	struct world *world = *state;
	static const uint8_t body[24];

	assert_int_equal(lab_message(&world->lab, world_peer(world, PLAIN, LAB_FAST), PIECE, body,
	                             24),
	                 WIRE_CLOSE);
	assert_int_equal(lab_message(&world->lab, world_peer(world, PLAIN, LAB_FAST), REJECT, body,
	                             12),
	                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_message), 2);
}

static void
fast_messages_without_the_bit_close(void **state)
{
	struct world *world = *state;
	static const struct {
		uint8_t id;
		uint8_t len;
	} fast[] = { { 13, 4 }, { 14, 0 }, { 15, 0 }, { 16, 12 }, { 17, 4 } };
	static const uint8_t body[12];

	for (size_t i = 0; i < ARRAY_CNT(fast); i++)
		assert_int_equal(lab_message(&world->lab, world_peer(world, PLAIN, 0), fast[i].id,
		                             body, fast[i].len),
		                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_message), ARRAY_CNT(fast));
}

static void
what_a_seeder_does_not_need_is_skipped(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);
	const uint32_t block[3] = { 20, 100, 16803 }; /* the short last piece */
	uint8_t *body = calloc(1, 300000);

	lab_message(&world->lab, peer, BITFIELD, body, 300000);
	lab_message(&world->lab, peer, HAVE_NONE, NULL, 0);
	lab_message(&world->lab, peer, HAVE_ALL, NULL, 0);
	lab_message(&world->lab, peer, 0, NULL, 0);
	lab_message(&world->lab, peer, 1, NULL, 0);
	lab_message(&world->lab, peer, 4, body, 4);
	lab_message(&world->lab, peer, 9, body, 2);
	lab_message(&world->lab, peer, 13, body, 4);
	lab_message(&world->lab, peer, 17, body, 4);
	lab_send(&world->lab, peer, body, 8); /* two keep-alives */
	assert_int_equal(lab_counter(&world->lab, CTR_wire_unknown_message), 0);
	lab_message(&world->lab, peer, 21, body, 49); /* BEP 52 */
	lab_message(&world->lab, peer, 255, body, 1000);
	lab_message(&world->lab, peer, 10, NULL, 0);
	lab_message(&world->lab, peer, EXTENDED, body, 7); /* without the BEP 10 bit */
	assert_int_equal(lab_counter(&world->lab, CTR_wire_unknown_message), 4);
	lab_block(&world->lab, peer, REQUEST, block);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_block(peer, PIECE, PLAIN, block);
	free(body);
}

static void
messages_in_every_split(void **state)
{
	struct world *world = *state;
	static const uint8_t stream[] =
		"\0\0\0\0" "\0\0\0\x0d\6\0\0\0\1\0\0\x40\0\0\0\x10\0" "\0\0\0\5\4\0\0\0\7"
		"\0\0\0\x0d\6\0\0\0\2\0\0\0\0\0\0\0\1" "\0\0\0\x05\x14\0d1:"
		"\0\0\0\x0d\x08\0\0\0\2\0\0\0\0\0\0\0\1" "\0\0\0\2\x63\0"
		"\0\0\0\x0d\6\0\0\0\3\0\0\0\5\0\0\0\3";
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST | LAB_EXTENDED);

	for (size_t split = 0; split < sizeof(stream); split++) {
		lab_send(&world->lab, peer, stream, split);
		assert_int_equal(lab_send(&world->lab, peer, stream + split,
		                          sizeof(stream) - 1 - split),
		                 WIRE_OK);
		lab_pull(&world->lab, peer, LAB_ROOM);
		expect_block(peer, REJECT, PLAIN, (uint32_t[3]){ 2, 0, 1 });
		expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 1, 0x4000, 0x1000 });
		expect_block(peer, PIECE, PLAIN, (uint32_t[3]){ 3, 5, 3 });
		expect_nothing(peer);
	}
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), sizeof(stream));
}

static void
garbage_does_no_harm(void **state)
{
	struct world *world = *state;
	uint64_t x = 88172645463325252u;
	struct lab_peer *good = world_peer(world, PLAIN, 0);

	for (int round = 0; round < 20; round++) {
		struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST);
		uint8_t noise[4096];

		for (size_t i = 0; i < sizeof(noise); i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			noise[i] = (uint8_t)x;
		}
		assert_int_equal(lab_send(&world->lab, peer, noise, sizeof(noise)), WIRE_CLOSE);
	}
	world_request(world, good, 0, 0, BLOCK);
	lab_pull(&world->lab, good, LAB_ROOM);
	expect_block(good, PIECE, PLAIN, (uint32_t[3]){ 0, 0, BLOCK });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(complete_is_have_all_or_a_bitfield),
		WORLD_TEST(incomplete_is_a_bitfield_to_all),
		WORLD_TEST(nothing_had_is_have_none_or_an_empty_bitfield),
		WORLD_TEST(large_bitfield_is_whole),
		WORLD_TEST(want_of_message_buffers_makes_the_newcomer_wait),
		WORLD_TEST(unchoke_comes_at_once_and_once),
		WORLD_TEST(lengths_out_of_bounds_close),
		WORLD_TEST(wrong_lengths_for_the_type_close),
		WORLD_TEST(what_we_never_asked_for_closes),
		WORLD_TEST(fast_messages_without_the_bit_close),
		WORLD_TEST(what_a_seeder_does_not_need_is_skipped),
		WORLD_TEST(messages_in_every_split),
		WORLD_TEST(garbage_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
