/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's HTTP: what it asks, what it takes, and that it leaves a hostile server. */
#include "perf/leech_http.h"

#include "tests/unit/leech_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PIECE_LEN = 65536, PIECE_CNT = 20, BLOCK = 16384, OUTSTANDING = 8 };

static const struct leech_torrent torrent = {
	.total_len = (uint64_t)PIECE_CNT * PIECE_LEN, .piece_len = PIECE_LEN,
	.piece_cnt = PIECE_CNT,
};

static int
setup(void **state)
{
	struct leech_lab *lab = leech_lab_new(&torrent, &leech_http_language);

	*state = lab;
	leech_conn_connected(&lab->context, &lab->conn);
	return 0;
}

static int
teardown(void **state)
{
	leech_lab_free(*state);
	return 0;
}

/* respond feeds a response for block nth of the order, with more header fields. */
static int
respond(struct leech_lab *lab, uint32_t nth, const char *fields, uint32_t step)
{
	char *text = calloc(1, 1000 + BLOCK);
	uint32_t from = nth * BLOCK;
	int len = sprintf(text,
			  "HTTP/1.1 206 Partial Content\r\nServer: test/1\r\n%s"
			  "Content-Length: %d\r\nContent-Range: bytes %u-%u/%u\r\n\r\n",
			  fields, BLOCK, from, from + BLOCK - 1, PIECE_CNT * PIECE_LEN);
	int result = leech_lab_feed(lab, text, (uint32_t)len + BLOCK, step);

	free(text);
	return result;
}

static void
asks_for_ranges_at_once(void **state)
{
	struct leech_lab *lab = *state;
	const char *first = "GET /path HTTP/1.1\r\nHost: host\r\nRange: bytes=0-16383\r\n\r\n"
			    "GET /path HTTP/1.1\r\nHost: host\r\nRange: bytes=16384-32767\r\n\r\n";

	assert_int_equal(lab->conn.state, LEECH_CONN_OPEN);
	assert_int_equal(lab->conn.request_cnt, OUTSTANDING);
	assert_memory_equal(lab->conn.out, first, strlen(first));
}

static void
blocks_are_counted_whatever_the_segments(void **state)
{
	struct leech_lab *lab = *state;
	const uint32_t steps[] = {1, 7, 200, 1000, 4096, 1 << 20};

	for (uint32_t i = 0; i < 6; i++) {
		lab->conn.out_len = 0;
		assert_int_equal(respond(lab, i, "", steps[i]), 0);
	}
	assert_int_equal(lab->tally.block_cnt, 6);
	assert_int_equal(lab->tally.payload_bytes, 6 * BLOCK);
	assert_int_equal(lab->conn.request_cnt, OUTSTANDING);
	assert_int_equal(lab->tally.last.cnt, 6);
	assert_int_equal(lab->tally.first.cnt, 6);
	assert_string_equal(lab->tally.client, "test/1");
	assert_false(lab->conn.again);
}

static void
a_server_that_says_it_closes_is_asked_no_more_and_met_again(void **state)
{
	struct leech_lab *lab = *state;

	lab->conn.out_len = 0;
	assert_int_equal(respond(lab, 0, "Connection: close\r\n", 4096), 0);
	assert_int_equal(lab->tally.block_cnt, 1);
	assert_int_equal(lab->conn.out_len, 0);
	leech_conn_lost(&lab->context, &lab->conn);
	leech_conn_end(&lab->context, &lab->conn);
	assert_int_equal(lab->tally.renewed_cnt, 1);
	assert_int_equal(lab->tally.closed_cnt, 0);
	assert_int_equal(leech_due_next_us(&lab->due), 0);
}

/* hostile feeds a text to a new connection, which must be closed at that. */
static void
hostile(const char *text, const char *phrase)
{
	void *lab = NULL;

	setup(&lab);
	assert_int_equal(leech_lab_feed(lab, text, (uint32_t)strlen(text), 50), -1);
	assert_int_equal(((struct leech_lab *)lab)->tally.protocol_error_cnt, 1);
	assert_string_equal(((struct leech_lab *)lab)->tally.protocol_error, phrase);
	teardown(&lab);
}

static void
hostile_responses_end_the_connection(void **state)
{
	char *endless = calloc(1, LEECH_HTTP_HEAD_BYTES_MAX + 2);

	(void)state;
	hostile("SSH-2.0-OpenSSH\r\n\r\n", "a response is not HTTP/1.1");
	hostile("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "the server does not serve ranges");
	hostile("HTTP/1.1 416 No\r\n\r\n", "the server refuses");
	hostile("HTTP/1.1 206 P\r\nContent-Length: 16384\r\n\r\n",
		"a range came that was not asked for");
	hostile("HTTP/1.1 206 P\r\nContent-Length: 16384\r\n"
		"Content-Range: bytes 16384-32767/99999\r\n\r\n",
		"a range came that was not asked for");
	hostile("HTTP/1.1 206 P\r\nContent-Length: 16385\r\nContent-Range: bytes 0-16383/9\r\n\r\n",
		"a range came that was not asked for");
	hostile("HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n\r\n",
		"a response is not HTTP/1.1");
	memset(endless, 'x', LEECH_HTTP_HEAD_BYTES_MAX + 1);
	hostile(endless, "a response's head is too long");
	free(endless);
}

static void
numbers_have_bounds(void **state)
{
	const char *good = "HTTP/1.1 206 P\r\ncontent-length:  7\r\n"
			   "Content-Range: bytes 1-7/922337203685477579\r\n\r\nrest";
	const char *const bad[] = {
		"HTTP/1.1 206 P\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Range: bytes 5-4/10\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Range: bytes 5\r\n\r\n",
		"HTTP/1.1 99 P\r\n\r\n", "HTTP/1.1 \r\n\r\n", "\r\n\r\n",
	};
	struct leech_http_head head;

	(void)state;
	assert_int_equal(leech_http_head_parse(good, strlen(good), &head), 1);
	assert_int_equal(head.head_len, strlen(good) - 4);
	assert_int_equal(head.len, 7);
	assert_int_equal(head.from, 1);
	assert_int_equal(head.to, 7);
	assert_int_equal(head.total, 922337203685477579);
	for (size_t len = 0; len < strlen(good) - 4; len++)
		assert_int_equal(leech_http_head_parse(good, len, &head), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(leech_http_head_parse(bad[i], strlen(bad[i]), &head), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_for_ranges_at_once),
		TEST(blocks_are_counted_whatever_the_segments),
		TEST(a_server_that_says_it_closes_is_asked_no_more_and_met_again),
		cmocka_unit_test(hostile_responses_end_the_connection),
		cmocka_unit_test(numbers_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
