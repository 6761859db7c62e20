/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's pieces: the order in which connections ask, and which pieces are checked. */
#include "perf/leech_assembly.h"
#include "perf/leech_torrent.h"

#include <openssl/evp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PIECE_LEN = 40000, PIECE_CNT = 10, LAST_LEN = 12345 };

static uint8_t hashes[PIECE_CNT * 20];
static const struct leech_torrent torrent = {
	.total_len = (PIECE_CNT - 1) * PIECE_LEN + LAST_LEN,
	.piece_len = PIECE_LEN,
	.piece_cnt = PIECE_CNT,
	.piece_hashes = hashes,
};

static struct leech_options
options_of(enum leech_order order, uint32_t connection_cnt)
{
	struct leech_options options = {.connection_cnt = connection_cnt, .block_bytes = 16384,
					.outstanding_cnt = 8, .seed = 7, .order = order};

	return options;
}

static void
pieces_hold_a_pattern(void)
{
	uint8_t bytes[PIECE_LEN];
	uint32_t piece;

	for (piece = 0; piece < PIECE_CNT; piece++) {
		memset(bytes, (int)piece, sizeof(bytes));
		EVP_Digest(bytes, leech_torrent_piece_len(&torrent, piece), hashes + 20 * piece,
			   NULL, EVP_sha1(), NULL);
	}
}

static void
cursor_begin(struct leech_cursor *cursor, const struct leech_options *options, uint32_t index)
{
	struct leech_place place = {.index = index, .nth = index, .cnt = options->connection_cnt};

	leech_cursor_init(cursor, &torrent, options, &place);
}

static void
sequential_covers_the_torrent_once_a_round(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_SEQUENTIAL, 3);
	uint64_t seen[PIECE_CNT] = {0};
	struct leech_cursor cursor;
	struct leech_block block;
	uint64_t total = 0;

	(void)state;
	cursor_begin(&cursor, &options, 1);
	assert_int_equal(cursor.piece, 3);
	while (total < torrent.total_len) {
		assert_true(leech_cursor_next(&cursor, &torrent, &options, NULL, &block));
		assert_true(block.len > 0 && block.len <= options.block_bytes);
		assert_int_equal(block.begin, seen[block.piece]);
		seen[block.piece] += block.len;
		total += block.len;
	}
	assert_int_equal(total, torrent.total_len);
	assert_int_equal(seen[PIECE_CNT - 1], LAST_LEN);
	assert_int_equal(cursor.piece, 3);
}

static void
same_starts_every_connection_at_piece_zero(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_SAME, 3);
	struct leech_cursor cursor;
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		cursor_begin(&cursor, &options, i);
		assert_int_equal(cursor.piece, 0);
	}
}

static void
random_differs_between_connections_and_repeats_with_the_seed(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_RANDOM, 2);
	struct leech_cursor cursor[3];
	struct leech_block block[3];
	uint32_t i, differ = 0;

	(void)state;
	cursor_begin(&cursor[0], &options, 0);
	cursor_begin(&cursor[1], &options, 1);
	cursor_begin(&cursor[2], &options, 0);
	for (i = 0; i < 100; i++) {
		leech_cursor_next(&cursor[0], &torrent, &options, NULL, &block[0]);
		leech_cursor_next(&cursor[1], &torrent, &options, NULL, &block[1]);
		leech_cursor_next(&cursor[2], &torrent, &options, NULL, &block[2]);
		differ += block[0].piece != block[1].piece;
		assert_memory_equal(&block[0], &block[2], sizeof(block[0]));
	}
	assert_true(differ > 50);
}

/* round_walk notes the order of the pieces in one round over the torrent. */
static void
round_walk(struct leech_cursor *cursor, const struct leech_options *options, uint32_t *order)
{
	struct leech_block block;
	uint32_t cnt = 0;

	while (cnt < PIECE_CNT) {
		assert_true(leech_cursor_next(cursor, &torrent, options, NULL, &block));
		if (block.begin == 0)
			order[cnt++] = block.piece;
	}
	while (cursor->begin != 0)
		leech_cursor_next(cursor, &torrent, options, NULL, &block);
}

static void
rarest_takes_each_piece_once_a_round(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_RAREST, 2);
	uint32_t order[2][PIECE_CNT], again[PIECE_CNT];
	struct leech_cursor cursor;
	uint32_t i, seen;

	(void)state;
	for (i = 0; i < 2; i++) {
		cursor_begin(&cursor, &options, i);
		round_walk(&cursor, &options, order[i]);
		for (uint32_t k = seen = 0; k < PIECE_CNT; k++)
			seen |= 1u << order[i][k];
		assert_int_equal(seen, (1u << PIECE_CNT) - 1);
		round_walk(&cursor, &options, again);
		assert_memory_equal(order[i], again, sizeof(again));
	}
}

static void
rarest_passes_over_what_the_peer_lacks(void **state)
{
	const uint8_t have[2] = {0x10, 0x40}; /* pieces 3 and 9 */
	struct leech_options options = options_of(LEECH_ORDER_RAREST, 1);
	uint32_t bytes[PIECE_CNT] = {0};
	struct leech_cursor cursor;
	struct leech_block block;
	uint32_t i;

	(void)state;
	cursor_begin(&cursor, &options, 0);
	for (i = 0; i < 4; i++) {
		assert_true(leech_cursor_next(&cursor, &torrent, &options, have, &block));
		bytes[block.piece] += block.len;
	}
	assert_int_equal(bytes[3], PIECE_LEN);
	assert_int_equal(bytes[9], LAST_LEN);
}

static void
a_torrent_without_hashes_is_not_verified(void **state)
{
	const struct leech_torrent bare = {.total_len = PIECE_LEN, .piece_len = PIECE_LEN,
					   .piece_cnt = 1};
	struct leech_options options = options_of(LEECH_ORDER_SAME, 1);
	struct leech_assembly_pool pool;
	struct leech_assembly *list = NULL;

	(void)state;
	options.verify = LEECH_VERIFY_ALL;
	leech_assembly_pool_init(&pool, &options);
	assert_null(leech_assembly_begin(&pool, &list, &bare, 0));
	assert_int_equal(pool.unverified_cnt, 0);
	leech_assembly_pool_fini(&pool);
}

static void
pieces_that_the_peer_lacks_are_passed_over(void **state)
{
	const uint8_t have[2] = {0x10, 0x40}; /* pieces 3 and 9 */
	const uint8_t nothing[2] = {0, 0};
	struct leech_options options = options_of(LEECH_ORDER_SAME, 1);
	struct leech_cursor cursor;
	struct leech_block block;
	uint32_t i;

	(void)state;
	cursor_begin(&cursor, &options, 0);
	for (i = 0; i < 8; i++) {
		assert_true(leech_cursor_next(&cursor, &torrent, &options, have, &block));
		assert_true(block.piece == 3 || block.piece == 9);
	}
	assert_false(leech_cursor_next(&cursor, &torrent, &options, nothing, &block));
}

static void
piece_receive(struct leech_assembly_pool *pool, uint32_t piece, uint8_t wrong)
{
	struct leech_assembly *list = NULL;
	struct leech_assembly *assembly = leech_assembly_begin(pool, &list, &torrent, piece);
	uint32_t len = leech_torrent_piece_len(&torrent, piece);

	assert_non_null(assembly);
	memset(assembly->bytes, (int)piece, len);
	assembly->bytes[len - 1] ^= wrong;
	leech_assembly_settle(pool, &list, assembly, len - 100, true);
	assert_non_null(list);
	leech_assembly_settle(pool, &list, assembly, 100, true);
	assert_null(list);
}

static void
a_whole_piece_is_checked(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_SAME, 1);
	struct leech_assembly_pool pool;

	(void)state;
	pieces_hold_a_pattern();
	options.verify = LEECH_VERIFY_ALL;
	leech_assembly_pool_init(&pool, &options);
	piece_receive(&pool, 4, 0);
	piece_receive(&pool, PIECE_CNT - 1, 0);
	assert_int_equal(pool.ok_cnt, 2);
	piece_receive(&pool, 5, 1);
	assert_int_equal(pool.failed_cnt, 1);
	assert_int_equal(pool.failed_piece, 5);
	assert_int_equal(pool.allocated_bytes, 65536);
	leech_assembly_pool_fini(&pool);
}

static void
a_piece_with_a_lost_block_is_not_checked(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_SAME, 1);
	struct leech_assembly *list = NULL;
	struct leech_assembly *assembly;
	struct leech_assembly_pool pool;

	(void)state;
	options.verify = LEECH_VERIFY_ALL;
	leech_assembly_pool_init(&pool, &options);
	assembly = leech_assembly_begin(&pool, &list, &torrent, 0);
	leech_assembly_settle(&pool, &list, assembly, 16384, false);
	leech_assembly_settle(&pool, &list, assembly, PIECE_LEN - 16384, true);
	assert_null(list);
	assert_int_equal(pool.ok_cnt + pool.failed_cnt, 0);
	leech_assembly_pool_fini(&pool);
}

static void
a_sample_is_a_part_and_never_nothing(void **state)
{
	struct leech_options options = options_of(LEECH_ORDER_SAME, 1);
	struct leech_assembly_pool pool;
	struct leech_assembly *list = NULL;
	uint32_t piece, chosen = 0;

	(void)state;
	options.verify = LEECH_VERIFY_SAMPLE;
	leech_assembly_pool_init(&pool, &options);
	for (piece = 0; piece < PIECE_CNT; piece++)
		chosen += leech_assembly_begin(&pool, &list, &torrent, piece) != NULL;
	assert_true(chosen > 0 && chosen < PIECE_CNT);
	leech_assembly_drop_all(&pool, &list);
	leech_assembly_pool_fini(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequential_covers_the_torrent_once_a_round),
		cmocka_unit_test(same_starts_every_connection_at_piece_zero),
		cmocka_unit_test(random_differs_between_connections_and_repeats_with_the_seed),
		cmocka_unit_test(rarest_takes_each_piece_once_a_round),
		cmocka_unit_test(rarest_passes_over_what_the_peer_lacks),
		cmocka_unit_test(a_torrent_without_hashes_is_not_verified),
		cmocka_unit_test(pieces_that_the_peer_lacks_are_passed_over),
		cmocka_unit_test(a_whole_piece_is_checked),
		cmocka_unit_test(a_piece_with_a_lost_block_is_not_checked),
		cmocka_unit_test(a_sample_is_a_part_and_never_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
