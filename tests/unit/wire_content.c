/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Peers over the real store: they get what the files hold, across files, pads and faults. */
#include "tests/unit/store_lab.h"
#include "tests/unit/wire_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	BUFS = 64,
	PIECE_LEN = 50000, /* no power of two */
	BLOCK = 16384,
	TURNS_MAX = 20000,
	REQUEST = 6,
	PIECE = 7,
	REJECT = 16,
};

static const struct lab_file files[] = {
	{ 100001, false }, { 1, false }, { 0, false }, { 30000, true }, { 3, false },
	{ 500000, false }, { 777, true }, { 65536, false }, { 17, false }, { 40000, false },
};

struct seed {
	struct shop shop;
	struct lab content;
	struct torrent *torrent;
	struct wire_lab wire;
};

static int
seed_setup(void **state)
{
	struct seed *seed = calloc(1, sizeof(*seed));
	const struct lab_config config = { .files = files, .file_cnt = ARRAY_CNT(files),
		                           .piece_len = PIECE_LEN, .unit_len = ABI_UNIT_MIN,
		                           .metadata = "d4:infoe", .metadata_len = 8, .seed = 5 };

	assert_non_null(seed);
	shop_open(&seed->shop, BUFS, 2);
	lab_create(&seed->content, &config);
	lab_open_wire(&seed->wire, seed->shop.store, 64);
	*state = seed;
	return 0;
}

static int
seed_teardown(void **state)
{
	struct seed *seed = *state;

	lab_close_wire(&seed->wire);
	lab_destroy(&seed->content);
	shop_close(&seed->shop);
	free(seed);
	return 0;
}

static void
activate(struct seed *seed)
{
	seed->torrent = lab_activate(&seed->content, seed->shop.store);
}

static struct lab_peer *
join(struct seed *seed, unsigned int flags)
{
	struct lab_peer *peer = lab_connect(&seed->wire);

	assert_int_equal(lab_greet(&seed->wire, peer, seed->content.info_hash, flags), WIRE_OK);
	assert_int_equal(lab_message(&seed->wire, peer, 2, NULL, 0), WIRE_OK);
	return peer;
}

/* serve takes turns until every peer has read all it asked for. */
static void
serve(struct seed *seed, uint32_t room_bytes)
{
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		for (uint32_t i = 0; i < seed->wire.peer_cnt; i++)
			if (seed->wire.peer[i].peer != NULL)
				lab_pull(&seed->wire, &seed->wire.peer[i], room_bytes);
		store_submit(seed->shop.store);
		lab_reap(&seed->wire);
		if (lab_counter(&seed->wire, CTR_requests_waiting) == 0)
			return;
		usleep(50);
	}
	fail_msg("requests still wait");
}

/* ask_all requests the whole torrent in blocks; returns how many. */
static uint32_t
ask_all(struct seed *seed, struct lab_peer *peer, uint32_t block_len)
{
	uint32_t cnt = 0;

	for (uint32_t piece = 0; piece < seed->content.layout->piece_cnt; piece++) {
		uint32_t piece_len = active_piece_len(seed->torrent->active, piece);

		for (uint32_t begin = 0; begin < piece_len; begin += block_len, cnt++)
			lab_block(&seed->wire, peer, REQUEST,
			          (uint32_t[3]){ piece, begin,
			                         MIN(block_len, piece_len - begin) });
	}
	return cnt;
}

/* got_all checks that a peer's piece messages hold the whole torrent, each byte once. */
static void
got_all(struct seed *seed, struct lab_peer *peer)
{
	uint64_t total_len = seed->content.total_len, sum = 0;
	uint8_t *seen = calloc(1, total_len);
	struct lab_message message;

	assert_non_null(lab_hello(peer));
	while (lab_next(peer, &message)) {
		uint64_t at;

		if (message.id != PIECE)
			continue;
		at = (uint64_t)lab_be32(message.body) * PIECE_LEN + lab_be32(message.body + 4);
		assert_true(at + message.len - 8 <= total_len);
		assert_memory_equal(message.body + 8, seed->content.content + at, message.len - 8);
		memset(seen + at, 1, message.len - 8);
		sum += message.len - 8;
	}
	assert_int_equal(sum, total_len);
	for (uint64_t i = 0; i < total_len; i++)
		assert_int_equal(seen[i], 1);
	free(seen);
}

static void
whole_torrent_in_blocks_of_any_length(void **state)
{
	struct seed *seed = *state;
	static const uint32_t lens[] = { BLOCK, 4321, PIECE_LEN, 16383, 1 << 15 };
	uint32_t cnt = 0;

	activate(seed);
	for (size_t i = 0; i < ARRAY_CNT(lens); i++) {
		struct lab_peer *peer = join(seed, i & 1 ? LAB_FAST : 0);

		cnt += ask_all(seed, peer, lens[i]);
		serve(seed, 60000);
		got_all(seed, peer);
	}
	assert_int_equal(lab_counter(&seed->wire, CTR_requests_served), cnt);
	assert_int_equal(seed->torrent->active->stat->uploaded_bytes,
	                 ARRAY_CNT(lens) * seed->content.total_len);
}

/* more peers than the arena has buffers for, none of which acknowledges at once */
static void
many_peers_share_a_small_arena(void **state)
{
	struct seed *seed = *state;
	enum { PEERS = 40 };

	activate(seed);
	seed->wire.hold = true;
	for (int i = 0; i < PEERS; i++)
		ask_all(seed, join(seed, LAB_FAST), BLOCK);
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		for (uint32_t i = 0; i < PEERS; i++)
			lab_pull(&seed->wire, &seed->wire.peer[i], 3 * BLOCK);
		store_submit(seed->shop.store);
		lab_reap(&seed->wire);
		lab_acknowledge(&seed->wire, 100);
		if (lab_counter(&seed->wire, CTR_requests_waiting) == 0)
			break;
	}
	for (uint32_t i = 0; i < PEERS; i++)
		got_all(seed, &seed->wire.peer[i]);
}

static void
cold_torrent_is_asked_for_and_served(void **state)
{
	struct seed *seed = *state;
	struct store_event event;
	struct lab_peer *peer;

	assert_int_equal(store_add(seed->shop.store, seed->content.id, seed->content.info_hash),
	                 ABI_OK);
	seed->torrent = store_by_id(seed->shop.store, seed->content.id);
	peer = join(seed, LAB_FAST);
	assert_int_equal(store_events(seed->shop.store, &event, 1), 1);
	assert_int_equal(event.type, STORE_EV_ACTIVATE);
	lab_pull(&seed->wire, peer, LAB_ROOM);
	assert_int_equal(peer->got_len, 0);
	assert_int_equal(lab_fill(&seed->content, seed->shop.store), ABI_OK);
	wire_torrent_changed(seed->wire.wire, seed->torrent, false);
	assert_int_equal(lab_reap(&seed->wire), 1);
	ask_all(seed, peer, BLOCK);
	serve(seed, LAB_ROOM);
	got_all(seed, peer);
}

static void
changed_content_is_rejected_not_sent(void **state)
{
	struct seed *seed = *state;
	struct lab_message message;
	struct lab_peer *fast, *plain;
	uint32_t reject_cnt = 0;

	activate(seed);
	lab_spoil(&seed->content, 3, 123456); /* the file of 500000 bytes */
	fast = join(seed, LAB_FAST);
	plain = join(seed, 0);
	ask_all(seed, fast, BLOCK);
	serve(seed, LAB_ROOM);
	lab_pull(&seed->wire, fast, LAB_ROOM); /* rejects that came with the last reads */
	assert_non_null(lab_hello(fast));
	while (lab_next(fast, &message)) {
		uint64_t at = (uint64_t)lab_be32(message.body) * PIECE_LEN +
		              lab_be32(message.body + 4);

		reject_cnt += message.id == REJECT;
		if (message.id == PIECE)
			assert_memory_equal(message.body + 8, seed->content.content + at,
			                    message.len - 8);
	}
	assert_true(reject_cnt > 0);
	assert_int_equal(lab_counter(&seed->wire, CTR_requests_not_had), reject_cnt);
	assert_true(seed->torrent->active->withdrawn_cnt > 0);
	lab_pull(&seed->wire, plain, 0); /* its bitfield is of now; its request is not for it */
	assert_int_equal(lab_block(&seed->wire, plain, REQUEST,
	                           (uint32_t[3]){ (130005 + 123456) / PIECE_LEN, 0, BLOCK }),
	                 WIRE_CLOSE);
	assert_int_equal(lab_counter(&seed->wire, CTR_wire_withdrawn), 1);
}

static void
leaving_midway_leaves_no_buffer(void **state)
{
	struct seed *seed = *state;

	activate(seed);
	for (int round = 0; round < 20; round++) {
		struct lab_peer *peer = join(seed, LAB_FAST);

		ask_all(seed, peer, BLOCK);
		for (int turn = 0; turn < round; turn++) {
			lab_pull(&seed->wire, peer, 200000);
			store_submit(seed->shop.store);
			if (turn & 1)
				lab_reap(&seed->wire);
		}
		lab_leave(&seed->wire, peer);
	}
	assert_int_equal(lab_counter(&seed->wire, CTR_requests_waiting), 0);
	assert_int_equal(seed->torrent->peer_cnt, 0);
}

static void
removed_torrent_can_be_removed(void **state)
{
	struct seed *seed = *state;
	struct lab_peer *peer;

	activate(seed);
	peer = join(seed, LAB_FAST);
	ask_all(seed, peer, BLOCK);
	lab_pull(&seed->wire, peer, LAB_ROOM);
	store_submit(seed->shop.store);
	wire_torrent_changed(seed->wire.wire, seed->torrent, true);
	assert_int_equal(store_remove(seed->shop.store, seed->content.id), ABI_OK);
	lab_reap(&seed->wire);
	assert_true(peer->closed);
	assert_int_equal(lab_greet(&seed->wire, lab_connect(&seed->wire), seed->content.info_hash,
	                           0),
	                 WIRE_CLOSE);
}

#define SEED_TEST(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SEED_TEST(whole_torrent_in_blocks_of_any_length),
		SEED_TEST(many_peers_share_a_small_arena),
		SEED_TEST(cold_torrent_is_asked_for_and_served),
		SEED_TEST(changed_content_is_rejected_not_sent),
		SEED_TEST(leaving_midway_leaves_no_buffer),
		SEED_TEST(removed_torrent_can_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
