/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's peer wire: what it says, what it takes, and that it leaves a hostile
 * seeder. */
#include "perf/leech_wire.h"

#include "tests/unit/leech_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUTSTANDING = 8, PIECE_CNT = 20, PIECE_LEN = 65536, BLOCK = 16384 };

static const struct leech_torrent torrent = {
	.total_len = (uint64_t)PIECE_CNT * PIECE_LEN,
	.piece_len = PIECE_LEN,
	.piece_cnt = PIECE_CNT,
	.info_hash = "abcdefghijklmnopqrs",
};

static int
setup(void **state)
{
	*state = leech_lab_new(&torrent, &leech_wire_language);
	return 0;
}

static int
teardown(void **state)
{
	leech_lab_free(*state);
	return 0;
}

static void
greeting_exchange(struct leech_lab *f, uint32_t step)
{
	uint8_t handshake[68] = "\x13" "BitTorrent protocol";

	handshake[25] = 0x10;
	handshake[27] = 0x04;
	memcpy(handshake + 28, torrent.info_hash, 20);
	leech_conn_connected(&f->context, &f->conn);
	f->conn.out_len = 0;
	assert_int_equal(leech_lab_feed(f, handshake, sizeof(handshake), step), 0);
}

static void
serving_begin(struct leech_lab *f, uint32_t step)
{
	greeting_exchange(f, step);
	f->conn.out_len = 0;
	assert_int_equal(leech_lab_feed(f, "\0\0\0\1\x0e" "\0\0\0\1\1", 10, step), 0);
}

static int
block_feed(struct leech_lab *f, uint32_t piece, uint32_t begin, uint32_t len)
{
	uint8_t *message = calloc(1, 13 + len);
	int result;

	message[0] = (uint8_t)((len + 9) >> 24);
	message[1] = (uint8_t)((len + 9) >> 16);
	message[2] = (uint8_t)((len + 9) >> 8);
	message[3] = (uint8_t)(len + 9);
	message[4] = 7;
	message[8] = (uint8_t)piece;
	message[10] = (uint8_t)(begin >> 16);
	message[11] = (uint8_t)(begin >> 8);
	message[12] = (uint8_t)begin;
	result = leech_lab_feed(f, message, 13 + len, 4096);
	free(message);
	return result;
}

static void
greets_with_fast_and_extended_bits(void **state)
{
	struct leech_lab *f = *state;

	leech_conn_connected(&f->context, &f->conn);
	assert_int_equal(f->conn.out_len, 68);
	assert_memory_equal(f->conn.out, "\x13" "BitTorrent protocol", 20);
	assert_int_equal(f->conn.out[25] & 0x10, 0x10);
	assert_int_equal(f->conn.out[27] & 0x04, 0x04);
	assert_memory_equal(f->conn.out + 28, torrent.info_hash, 20);
}

static void
answers_the_handshake_with_have_none_and_interested(void **state)
{
	struct leech_lab *f = *state;

	greeting_exchange(f, 68);
	assert_int_equal(f->conn.state, LEECH_CONN_CHOKED);
	assert_int_equal(f->conn.out[4], 20);
	assert_memory_equal(f->conn.out + f->conn.out_len - 10, "\0\0\0\1\x0f" "\0\0\0\1\2", 10);
}

static void
asks_as_soon_as_it_is_unchoked(void **state)
{
	struct leech_lab *f = *state;

	serving_begin(f, 3);
	assert_int_equal(f->conn.state, LEECH_CONN_OPEN);
	assert_null(f->conn.have);
	assert_int_equal(f->conn.request_cnt, OUTSTANDING);
	assert_int_equal(f->conn.out_len, OUTSTANDING * LEECH_REQUEST_BYTES);
	assert_memory_equal(f->conn.out + 17, "\0\0\0\x0d\6\0\0\0\0\0\0\x40\0\0\0\x40\0", 17);
}

static void
keeps_its_requests_outstanding(void **state)
{
	struct leech_lab *f = *state;
	uint32_t i;

	serving_begin(f, 100);
	f->conn.out_len = 0;
	for (i = 0; i < 100; i++) {
		assert_int_equal(block_feed(f, i / 4 % PIECE_CNT, i % 4 * BLOCK, BLOCK), 0);
		assert_int_equal(f->conn.request_cnt, OUTSTANDING);
		assert_int_equal(f->conn.out_len, LEECH_REQUEST_BYTES);
		f->conn.out_len = 0;
	}
	assert_int_equal(f->tally.block_cnt, 100);
	assert_int_equal(f->tally.last.cnt, 100);
}

static void
takes_blocks_out_of_order(void **state)
{
	struct leech_lab *f = *state;

	serving_begin(f, 100);
	assert_int_equal(block_feed(f, 1, BLOCK, BLOCK), 0);
	assert_int_equal(block_feed(f, 0, 0, BLOCK), 0);
	assert_int_equal(block_feed(f, 1, BLOCK, BLOCK), -1);
	assert_int_equal(f->tally.block_cnt, 2);
	assert_int_equal(f->tally.protocol_error_cnt, 1);
}

static void
a_reject_frees_its_request(void **state)
{
	struct leech_lab *f = *state;

	serving_begin(f, 100);
	assert_int_equal(leech_lab_feed(f, "\0\0\0\x0d\x10\0\0\0\0\0\0\x40\0\0\0\x40\0", 17, 100), 0);
	assert_int_equal(f->tally.reject_cnt, 1);
	assert_int_equal(f->conn.request_cnt, OUTSTANDING);
	assert_int_equal(block_feed(f, 0, 0, BLOCK), 0);
	assert_int_equal(block_feed(f, 0, BLOCK, BLOCK), -1);
}

static void
the_peers_reqq_caps_the_requests(void **state)
{
	struct leech_lab *f = *state;

	greeting_exchange(f, 68);
	f->conn.out_len = 0;
	assert_int_equal(leech_lab_feed(f, "\0\0\0\x15\x14\0d4:reqqi3e1:v3:abce", 25, 7), 0);
	assert_int_equal(leech_lab_feed(f, "\0\0\0\1\x0e" "\0\0\0\1\1", 10, 1), 0);
	assert_int_equal(f->conn.request_cnt, 3);
	assert_string_equal(f->tally.client, "abc");
}

static void
a_message_without_meaning_is_skipped(void **state)
{
	struct leech_lab *f = *state;
	uint8_t *message = calloc(1, 4 + 100000);

	serving_begin(f, 100);
	message[1] = 100000 >> 16;
	message[2] = (100000 >> 8) & 0xff;
	message[3] = 100000 & 0xff;
	message[4] = 99;
	assert_int_equal(leech_lab_feed(f, message, 4 + 100000, 5000), 0);
	assert_int_equal(leech_lab_feed(f, "\0\0\0\0", 4, 100), 0);
	assert_int_equal(f->tally.block_cnt, 0);
	assert_int_equal(block_feed(f, 0, 0, BLOCK), 0);
	free(message);
}

static void
hostile_messages_end_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t len;
	} cases[] = {
		{"\xff\xff\xff\xff\x07", 5},                              /* 4 GiB */
		{"\0\0\0\x09\x07\0\0\0\0\0\0\0\0", 13},                   /* an empty block */
		{"\0\0\0\5\4\0\0\0\x14", 9},                              /* have 20 of 20 */
		{"\0\0\0\2\5\xff", 6},                                    /* a bitfield too short */
		{"\0\0\0\2\1\0", 6},                                      /* unchoke with a body */
		{"\0\0\0\x0d\x10\0\0\0\x13\0\0\0\0\0\0\x40\0", 17},       /* reject of nothing */
		{"\0\0\0\4\x14\0d1", 8},                                  /* bencode cut short */
		{"\0\0\x40\x0a\7\0\0\0\0\0\0\0\0", 13},                   /* a block too long by 1 */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *made;
		struct leech_lab *f;

		setup(&made);
		f = made;
		serving_begin(f, 100);
		assert_int_equal(leech_lab_feed(f, cases[i].bytes, cases[i].len, 100), -1);
		assert_int_equal(f->tally.protocol_error_cnt, 1);
		teardown(&made);
	}
}

static void
another_torrents_handshake_ends_the_connection(void **state)
{
	struct leech_lab *f = *state;
	uint8_t handshake[68] = "\x13" "BitTorrent protocol";

	leech_conn_connected(&f->context, &f->conn);
	assert_int_equal(leech_lab_feed(f, handshake, sizeof(handshake), 68), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(greets_with_fast_and_extended_bits),
		TEST(answers_the_handshake_with_have_none_and_interested),
		TEST(asks_as_soon_as_it_is_unchoked),
		TEST(keeps_its_requests_outstanding),
		TEST(takes_blocks_out_of_order),
		TEST(a_reject_frees_its_request),
		TEST(the_peers_reqq_caps_the_requests),
		TEST(a_message_without_meaning_is_skipped),
		cmocka_unit_test(hostile_messages_end_the_connection),
		TEST(another_torrents_handshake_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
