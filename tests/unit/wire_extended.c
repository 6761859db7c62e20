/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* BEP 10, 9 and 54: the extended handshake both ways, metadata, pieces taken back. */
#include "tests/unit/wire_world.h"

enum { METADATA_PIECE = 16384 };

static struct lab_message
hello_of(struct world *world, uint32_t torrent)
{
	struct lab_peer *peer = lab_connect(&world->lab);

	lab_greet(&world->lab, peer, world_hash(world, torrent), LAB_FAST | LAB_EXTENDED);
	lab_pull(&world->lab, peer, 0);
	lab_hello(peer);
	expect_id(peer, HAVE_ALL);
	return expect_id(peer, EXTENDED);
}

static void
expect_text(struct lab_message message, const char *text, size_t len)
{
	assert_int_equal(message.len, len);
	assert_memory_equal(message.body, text, len);
}

static void
our_handshake_says_what_we_offer(void **state)
{
	struct world *world = *state;

	expect_text(hello_of(world, PLAIN),
	            TEXT("\0d1:md11:lt_donthavei2e11:ut_metadatai1e6:ut_pexi3ee"
	                 "13:metadata_sizei40000e"
	                 "1:pi6881e4:reqqi2048e11:upload_onlyi1e1:v12:Spillway 0.16:yourip4:"
	                 "\x7f\0\0\1e"));
	expect_text(hello_of(world, PRIVATE), /* BEP 27: no metadata, no other peers */
	            TEXT("\0d1:md11:lt_donthavei2ee1:pi6881e"
	                 "4:reqqi2048e11:upload_onlyi1e1:v12:Spillway 0.16:yourip4:\x7f\0\0\1e"));
}

/* asks sends a metadata request. */
static void
asks(struct world *world, struct lab_peer *peer, uint32_t piece)
{
	char text[64];

	text[0] = 1;
	snprintf(text + 1, sizeof(text) - 1, "d8:msg_typei0e5:piecei%uee", piece);
	assert_int_equal(lab_message(&world->lab, peer, EXTENDED, text, (uint32_t)strlen(text)),
	                 WIRE_OK);
}

static struct lab_peer *
magnet_peer(struct world *world, uint32_t torrent)
{
	struct lab_peer *peer = world_peer(world, torrent, LAB_FAST | LAB_EXTENDED);

	lab_message(&world->lab, peer, EXTENDED, TEXT("\0d1:md11:ut_metadatai7eee"));
	return peer;
}

static void
expect_metadata(struct world *world, struct lab_peer *peer, uint32_t piece)
{
	uint32_t at = piece * METADATA_PIECE;
	uint32_t len = MIN(WORLD_METADATA_LEN - at, (uint32_t)METADATA_PIECE);
	struct lab_message message = expect_id(peer, EXTENDED);
	char head[96];

	snprintf(head, sizeof(head), "%cd8:msg_typei1e5:piecei%ue10:total_sizei%uee", 7, piece,
	         (unsigned int)WORLD_METADATA_LEN);
	assert_int_equal(message.len, strlen(head) + len);
	assert_memory_equal(message.body, head, strlen(head));
	assert_memory_equal(message.body + strlen(head),
	                    store_double_torrent(world->store, PLAIN)->active->metadata + at, len);
}

static void
expect_refused(struct lab_peer *peer, uint32_t piece)
{
	char head[64];

	snprintf(head, sizeof(head), "%cd8:msg_typei2e5:piecei%uee", 7, piece);
	expect_text(expect_id(peer, EXTENDED), head, strlen(head));
}

static void
metadata_comes_whole(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = magnet_peer(world, PLAIN);

	for (uint32_t i = 0; i < 3; i++)
		asks(world, peer, i);
	asks(world, peer, 3);
	asks(world, peer, UINT32_MAX);
	for (int i = 0; i < 5; i++)
		lab_pull(&world->lab, peer, 1);
	for (uint32_t i = 0; i < 3; i++)
		expect_metadata(world, peer, i);
	expect_refused(peer, 3);
	expect_refused(peer, UINT32_MAX);
	expect_nothing(peer);
	assert_int_equal(lab_counter(&world->lab, CTR_metadata_served), 3);
	assert_int_equal(lab_counter(&world->lab, CTR_metadata_rejected), 2);
}

static void
private_metadata_is_refused(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = magnet_peer(world, PRIVATE);

	asks(world, peer, 0);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_refused(peer, 0);
	assert_int_equal(lab_counter(&world->lab, CTR_metadata_rejected), 1);
}

static void
metadata_queue_is_bounded(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = magnet_peer(world, PLAIN);

	for (uint32_t i = 0; i < 2 * WIRE_METADATA_QUEUE_MAX; i++)
		asks(world, peer, i % 3);
	while (lab_pull(&world->lab, peer, LAB_ROOM) > 0)
		;
	for (uint32_t i = 0; i < WIRE_METADATA_QUEUE_MAX; i++)
		expect_metadata(world, peer, i % 3);
	for (uint32_t i = 0; i < WIRE_METADATA_QUEUE_MAX; i++)
		expect_refused(peer, (WIRE_METADATA_QUEUE_MAX + i) % 3);
	for (uint32_t i = 0; i < 2 * WIRE_METADATA_QUEUE_MAX; i++)
		asks(world, peer, 0);
	assert_int_equal(lab_message(&world->lab, peer, EXTENDED,
	                             TEXT("\1d8:msg_typei0e5:piecei0ee")),
	                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_flood), 1);
}

/* Metadata takes four buffers a piece, and half of all at most. */
static void
want_of_buffers_refuses_metadata(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = magnet_peer(world, PLAIN);

	world->lab.hold = true;
	for (uint32_t i = 0; i < WIRE_MESSAGE_BUFS / 8 + 1; i++) {
		asks(world, peer, 0);
		lab_pull(&world->lab, peer, LAB_ROOM);
	}
	for (uint32_t i = 0; i < WIRE_MESSAGE_BUFS / 8; i++)
		expect_metadata(world, peer, 0);
	expect_refused(peer, 0);
	lab_acknowledge(&world->lab, UINT32_MAX);
	asks(world, peer, 1);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_metadata(world, peer, 1);
}

static void
malformed_messages_are_ignored(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = magnet_peer(world, PLAIN);
	char deep[64] = "\0d1:x";
	static const struct {
		const char *text;
		uint32_t len;
	} bad[] = {
		{ TEXT("\0") },                              /* no dictionary */
		{ TEXT("\0le") },
		{ TEXT("\0d") },
		{ TEXT("\0d1:m") },
		{ TEXT("\0d1:md") },
		{ TEXT("\0d1:mde") },
		{ TEXT("\0d1:mi1ee") },                      /* m no dictionary */
		{ TEXT("\0d1:md11:ut_metadatai256eee") },    /* id too large */
		{ TEXT("\0d1:md11:ut_metadatai-1eee") },
		{ TEXT("\0d1:md11:ut_metadatai03eee") },     /* two spellings of 3 */
		{ TEXT("\0d1:md11:ut_metadatai-0eee") },
		{ TEXT("\0d1:md11:ut_metadataieee") },
		{ TEXT("\0d1:md11:ut_metadatai3.eee") },
		{ TEXT("\0d1:md11:ut_metadata1:3ee") },      /* id no integer */
		{ TEXT("\0d1:md11:ut_metadatai3e") },
		{ TEXT("\0d1:md011:ut_metadatai3eee") },     /* length with a leading zero */
		{ TEXT("\0d1:md99:ut_metadatai3eee") },      /* longer than the message */
		{ TEXT("\0d1:md4294967296:ut_metadatai3eee") },
		{ TEXT("\0d1:md18446744073709551627:ut_metadatai3eee") },
		{ TEXT("\0d1:md11:ut_metadatai3eeex") },     /* something behind */
		{ TEXT("\0d1:xi9223372036854775808ee") },
		{ TEXT("\0di1e1:xe") },                      /* key no string */
		{ TEXT("\0d1:xd1:yee") },                    /* key without value */
		{ TEXT("\0d1:x\xff" "e") },
		{ TEXT("\1") },
		{ TEXT("\1d5:piecei0ee") },                  /* no msg_type */
		{ TEXT("\1d8:msg_typei0ee") },               /* no piece */
		{ TEXT("\1d8:msg_typei0e5:piecei-1ee") },
		{ TEXT("\1d8:msg_typei0e5:piecei4294967296ee") },
		{ TEXT("\1d8:msg_typei0e5:piece1:0e") },
	};

	for (size_t i = 0; i < ARRAY_CNT(bad); i++) {
		lab_message(&world->lab, peer, EXTENDED, bad[i].text, bad[i].len);
		assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), i + 1);
	}
	memset(deep + 5, 'l', 20);
	memset(deep + 25, 'e', 21);
	lab_message(&world->lab, peer, EXTENDED, deep, 46);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), ARRAY_CNT(bad) + 1);
	asks(world, peer, 0); /* its id is still 7 */
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_metadata(world, peer, 0);
}

static void
handshake_of_any_content_is_read(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST | LAB_EXTENDED);

	lab_message(&world->lab, peer, EXTENDED,
	            TEXT("\0d12:complete_agoi-1e1:eli0e3:abcd1:ai1eee1:md6:ut_pexi1e"
	                 "11:ut_metadatai7ee1:v4:\xff\0\xfe\1e"));
	lab_message(&world->lab, peer, EXTENDED, TEXT("\0de"));
	lab_message(&world->lab, peer, EXTENDED, TEXT("\0d1:md6:ut_pexi0eee"));
	asks(world, peer, 1);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_metadata(world, peer, 1);
	asks(world, peer, 2);
	lab_message(&world->lab, peer, EXTENDED, TEXT("\0d1:md11:ut_metadatai0eee")); /* ends it */
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_nothing(peer);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), 0);
	lab_message(&world->lab, peer, EXTENDED, TEXT("\1d8:msg_typei1e5:piecei0eexxx"));
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), 1);
	lab_message(&world->lab, peer, EXTENDED, TEXT("\2\0\0\0\1"));
	lab_message(&world->lab, peer, EXTENDED, TEXT("\4whatever"));
	assert_int_equal(lab_counter(&world->lab, CTR_wire_unknown_message), 1);
}

static void
long_messages_come_in_parts_or_are_skipped(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, PLAIN, LAB_FAST | LAB_EXTENDED);
	uint8_t *message = calloc(1, 4 + 100000);
	size_t len;

	/* as long as is kept, byte by byte */
	len = 4 + 1 + WIRE_MESSAGE_MAX;
	memset(message, 'x', len);
	memcpy(message, "\0\0\x10\1\x14\0d1:md11:ut_metadatai7ee1:v4063:", 37);
	message[len - 1] = 'e';
	for (size_t i = 0; i < len; i++)
		assert_int_equal(lab_send(&world->lab, peer, message + i, 1), WIRE_OK);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), 0);
	asks(world, peer, 0);
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_metadata(world, peer, 0);
	lab_message(&world->lab, peer, EXTENDED, message, 100000);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended), 1);
	asks(world, peer, 1);
	lab_send(&world->lab, peer, "\0\0\0\x64\x14\0d", 7); /* left in the middle */
	lab_pull(&world->lab, peer, LAB_ROOM);
	expect_metadata(world, peer, 1);
	free(message);
}

static void
withdrawn_pieces_are_taken_back(void **state)
{
	struct world *world = *state;
	struct lab_peer *told = world_peer(world, PLAIN, LAB_EXTENDED);
	struct lab_peer *fast = world_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *plain = world_peer(world, PLAIN, 0);
	struct lab_peer *silent = world_peer(world, PLAIN, 0);
	const uint32_t block[3] = { 9, 0, BLOCK }, other[3] = { 8, 0, BLOCK };
	struct lab_peer *const peers[] = { told, fast, plain };
	uint32_t note_cnt;

	lab_message(&world->lab, told, EXTENDED, TEXT("\0d1:md11:lt_donthavei5eee"));
	lab_pull(&world->lab, told, LAB_ROOM);
	expect_nothing(told);
	store_double_ready(world->store, false);
	for (int i = 0; i < 3; i++) {
		lab_block(&world->lab, peers[i], REQUEST, block);
		lab_block(&world->lab, peers[i], REQUEST, other);
		lab_pull(&world->lab, peers[i], BLOCK); /* block is being read */
	}
	store_double_withdraw(world->store, PLAIN, 9);
	store_double_withdraw(world->store, PLAIN, 20);
	store_double_finish(world->store, 9, false);
	store_double_ready(world->store, true);
	lab_reap(&world->lab);
	assert_true(plain->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_withdrawn), 1);
	note_cnt = told->note_cnt;
	lab_tick(&world->lab, 1000 * 1000);
	assert_true(told->note_cnt > note_cnt);
	lab_pull(&world->lab, told, LAB_ROOM);
	expect_text(expect_id(told, EXTENDED), TEXT("\5\0\0\0\x09"));
	expect_text(expect_id(told, EXTENDED), TEXT("\5\0\0\0\x14"));
	expect_block(told, PIECE, PLAIN, other); /* block was dropped in silence */
	assert_int_equal(lab_block(&world->lab, told, REQUEST, block), WIRE_OK);
	lab_pull(&world->lab, told, LAB_ROOM);
	expect_nothing(told);
	lab_pull(&world->lab, fast, LAB_ROOM);
	expect_block(fast, REJECT, PLAIN, block);
	expect_block(fast, PIECE, PLAIN, other);
	lab_block(&world->lab, fast, REQUEST, block);
	lab_pull(&world->lab, fast, LAB_ROOM);
	expect_block(fast, REJECT, PLAIN, block);
	assert_int_equal(lab_block(&world->lab, silent, REQUEST, other), WIRE_OK);
	assert_int_equal(lab_block(&world->lab, silent, REQUEST, block), WIRE_CLOSE);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_withdrawn), 2);
	assert_int_equal(lab_counter(&world->lab, CTR_requests_not_had), 6);
	note_cnt = told->note_cnt;
	lab_tick(&world->lab, 1000 * 1000);
	assert_int_equal(told->note_cnt, note_cnt); /* told once */
}

/* the piece goes while its request still waits */
static void
withdrawn_before_it_is_read(void **state)
{
	struct world *world = *state;
	struct lab_peer *fast = world_peer(world, PLAIN, LAB_FAST);
	struct lab_peer *plain = world_peer(world, PLAIN, 0);
	const uint32_t block[3] = { 9, 0, BLOCK }, other[3] = { 8, 0, BLOCK };

	lab_block(&world->lab, fast, REQUEST, block);
	lab_block(&world->lab, fast, REQUEST, other);
	lab_block(&world->lab, plain, REQUEST, block);
	store_double_withdraw(world->store, PLAIN, 9);
	lab_pull(&world->lab, fast, LAB_ROOM);
	expect_block(fast, PIECE, PLAIN, other);
	expect_block(fast, REJECT, PLAIN, block);
	assert_false(wire_pending(fast->peer));
	lab_pull(&world->lab, plain, LAB_ROOM);
	expect_nothing(plain);
	lab_reap(&world->lab);
	assert_true(plain->closed);
	assert_int_equal(lab_counter(&world->lab, CTR_wire_withdrawn), 1);
}

static void
many_pieces_are_taken_back_within_room(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = world_peer(world, MANY, LAB_FAST | LAB_EXTENDED);
	uint32_t piece = 0;

	for (uint32_t i = 0; i < WORLD_MANY_CNT; i += 3)
		store_double_withdraw(world->store, MANY, i);
	lab_message(&world->lab, peer, EXTENDED, TEXT("\0d1:md11:lt_donthavei5eee"));
	while (lab_pull(&world->lab, peer, 1000) > 0)
		;
	for (; piece < WORLD_MANY_CNT; piece += 3)
		assert_int_equal(lab_be32(expect_id(peer, EXTENDED).body + 1), piece);
	expect_nothing(peer);
	assert_false(wire_pending(peer->peer));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(our_handshake_says_what_we_offer),
		WORLD_TEST(metadata_comes_whole),
		WORLD_TEST(private_metadata_is_refused),
		WORLD_TEST(metadata_queue_is_bounded),
		WORLD_TEST(want_of_buffers_refuses_metadata),
		WORLD_TEST(malformed_messages_are_ignored),
		WORLD_TEST(handshake_of_any_content_is_read),
		WORLD_TEST(long_messages_come_in_parts_or_are_skipped),
		WORLD_TEST(withdrawn_pieces_are_taken_back),
		WORLD_TEST(withdrawn_before_it_is_read),
		WORLD_TEST(many_pieces_are_taken_back_within_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
