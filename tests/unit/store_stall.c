/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Blocks of many small files are gathered in bounded memory: one that finds none in the middle
 * stalls, goes first when there is some again, and can be taken back or ended meanwhile. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, FILE_LEN = 1024, WINDOW = STORE_SPANS_MAX, BUFS = 8 };

static struct lab_file files[64];
static const struct lab_config config = {files, ARRAY_CNT(files), BLOCK, 64 * KIB, NULL,
                                         0,     false,            25,    NULL};

struct bench {
	struct lab lab;
	struct shop shop;
	struct torrent *torrent;
	struct store_req gathered;  /* piece 0: files 0-15 */
	struct store_req held[BUFS];
	uint32_t held_cnt;
};

static void
bench_open(struct bench *bench, uint32_t buf_cnt)
{
	memset(bench, 0, sizeof(*bench));
	for (uint32_t i = 0; i < ARRAY_CNT(files); i++)
		files[i].len = FILE_LEN;
	lab_create(&bench->lab, &config);
	shop_open(&bench->shop, buf_cnt, 1);
	bench->torrent = lab_activate(&bench->lab, bench->shop.store);
	bench->gathered = block_of(bench->torrent, 0, 0, BLOCK);
}

static void
bench_close(struct bench *bench)
{
	for (uint32_t i = 0; i < bench->held_cnt; i++)
		spans_drop(&bench->held[i]);
	shop_close(&bench->shop);
	lab_destroy(&bench->lab);
}

/* hold asks for one whole file, by a span that stays. */
static void
hold(struct bench *bench, uint32_t file)
{
	struct store_req *req = &bench->held[bench->held_cnt++];

	*req = block_of(bench->torrent, file / 16, file % 16 * FILE_LEN, FILE_LEN);
	assert_int_equal(store_read(bench->shop.store, req), STORE_PENDING);
}

/* stall leaves the gathered request stalled: others hold its first window and all other memory. */
static void
stall(struct bench *bench)
{
	struct store_req *over[BUFS];

	assert_int_equal(store_read(bench->shop.store, &bench->gathered), STORE_PENDING);
	assert_int_equal(store_free_buffers(bench->shop.store), BUFS - 1 - WINDOW);
	for (uint32_t i = 0; i < WINDOW; i++)
		hold(bench, i);
	for (uint32_t i = 0; i < BUFS - 1 - WINDOW; i++)
		hold(bench, 40 + i);
	assert_int_equal(bench->held_cnt, BUFS - 1);
	shop_reap(&bench->shop, over, BUFS - 1);
	assert_int_equal(store_reading(bench->shop.store), 0);
	assert_int_equal(store_free_buffers(bench->shop.store), 0);
	assert_int_equal(shop_turn(&bench->shop, over, BUFS), 0);
	assert_int_equal(bench->gathered.status, STORE_PENDING);
}

static void
the_stalled_go_first(void **state)
{
	struct store_req *over[2], req;
	struct bench bench;

	(void)state;
	bench_open(&bench, BUFS);
	stall(&bench);
	spans_drop(&bench.held[--bench.held_cnt]);
	assert_int_equal(store_free_buffers(bench.shop.store), 1);
	req = block_of(bench.torrent, 3, 0, FILE_LEN);
	assert_int_equal(store_read(bench.shop.store, &req), STORE_BUSY);
	shop_reap(&bench.shop, over, 1); /* twelve files, one after the other */
	assert_ptr_equal(over[0], &bench.gathered);
	assert_int_equal(bench.gathered.status, STORE_READY);
	assert_true(spans_equal(&bench.gathered, bench.lab.content));
	assert_int_equal(bench.gathered.span_cnt, 1);
	assert_int_equal(shop_get(&bench.shop, &req), STORE_READY);
	spans_drop(&req);
	spans_drop(&bench.gathered);
	bench_close(&bench);
}

static void
the_stalled_may_leave(void **state)
{
	struct store_req *over;
	struct bench bench;

	(void)state;
	bench_open(&bench, BUFS);
	stall(&bench);
	store_cancel(bench.shop.store, &bench.gathered);
	memset(&bench.gathered, 0xa5, sizeof(bench.gathered));
	assert_int_equal(store_free_buffers(bench.shop.store), 1);
	assert_int_equal(shop_turn(&bench.shop, &over, 1), 0);
	bench_close(&bench);
}

static void
the_stalled_end_with_their_torrent(void **state)
{
	struct store_req *over[2];
	struct bench bench;

	(void)state;
	bench_open(&bench, BUFS);
	stall(&bench);
	assert_int_equal(store_remove(bench.shop.store, bench.lab.id), ABI_OK);
	assert_int_equal(shop_turn(&bench.shop, over, 2), 1);
	assert_ptr_equal(over[0], &bench.gathered);
	assert_int_equal(bench.gathered.status, STORE_ABSENT);
	assert_int_equal(bench.gathered.span_cnt, 0);
	assert_int_equal(store_free_buffers(bench.shop.store), 1);
	assert_true(spans_equal(&bench.held[1], bench.lab.content + FILE_LEN));
	bench_close(&bench);
}

static void
gathering_takes_half_of_memory_at_most(void **state)
{
	struct store_req reqs[9], *over[9];
	struct bench bench;

	(void)state;
	bench_open(&bench, 2 * BUFS);
	for (uint32_t i = 0; i < 8; i++) {
		reqs[i] = block_of(bench.torrent, 0, 0, BLOCK);
		assert_int_equal(store_read(bench.shop.store, &reqs[i]), STORE_PENDING);
	}
	assert_int_equal(store_free_buffers(bench.shop.store), 2 * BUFS - 8 - WINDOW);
	reqs[8] = block_of(bench.torrent, 0, 0, BLOCK);
	assert_int_equal(store_read(bench.shop.store, &reqs[8]), STORE_BUSY);
	assert_int_equal(store_free_buffers(bench.shop.store), 2 * BUFS - 8 - WINDOW);
	shop_reap(&bench.shop, over, 8);
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(spans_equal(&reqs[i], bench.lab.content));
		spans_drop(&reqs[i]);
	}
	assert_int_equal(shop_count(&bench.shop, CTR_disk_reads), 16);
	bench_close(&bench);
}

static void
a_block_of_small_files_pins_one_buffer(void **state)
{
	struct store_req req;
	struct bench bench;

	(void)state;
	bench_open(&bench, BUFS);
	req = block_of(bench.torrent, 0, 0, 3 * FILE_LEN); /* few spans, but three units */
	assert_int_equal(shop_get(&bench.shop, &req), STORE_READY);
	assert_true(spans_equal(&req, bench.lab.content));
	assert_int_equal(req.span_cnt, 1);
	assert_int_equal(store_free_buffers(bench.shop.store), BUFS - 1);
	spans_drop(&req);
	req = block_of(bench.torrent, 0, 0, 2 * FILE_LEN);
	assert_int_equal(shop_get(&bench.shop, &req), STORE_READY);
	assert_int_equal(req.span_cnt, 2);
	spans_drop(&req);
	bench_close(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stalled_go_first),
		cmocka_unit_test(the_stalled_may_leave),
		cmocka_unit_test(the_stalled_end_with_their_torrent),
		cmocka_unit_test(gathering_takes_half_of_memory_at_most),
		cmocka_unit_test(a_block_of_small_files_pins_one_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
