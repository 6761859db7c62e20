/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Which buffers are used, and what gives way: content that nobody asks for twice comes to pass
 * through few; what is asked for again gets as many as there are; what is not asked for to its end
 * yet stays in front of what is. */
#include "tests/unit/store_lab.h"

#include "dataplane/store/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, UNIT = 64 * KIB, BUFS = 512, HOT = STORE_HOT_LEN / UNIT };

struct bench {
	struct lab lab;
	struct shop shop;
	struct torrent *torrent;
	uint32_t buf_cnt;
	uint32_t used_cnt;       /* different buffers that content came in */
	bool used[BUFS];
};

/* bench_open has a store with so many buffers and a torrent of so many units. */
static void
bench_open(struct bench *bench, uint32_t buf_cnt, uint32_t unit_cnt)
{
	static struct lab_file file;
	static struct lab_config config = {&file, 1, UNIT, UNIT, NULL, 0, false, 81, NULL};

	memset(bench, 0, sizeof(*bench));
	bench->buf_cnt = buf_cnt;
	file.len = (uint64_t)unit_cnt * UNIT;
	lab_create(&bench->lab, &config);
	shop_open(&bench->shop, buf_cnt, 1);
	bench->torrent = lab_activate(&bench->lab, bench->shop.store);
}

static void
bench_close(struct bench *bench)
{
	shop_close(&bench->shop);
	lab_destroy(&bench->lab);
}

/* get asks for one block, and notes its buffer. */
static void
get(struct bench *bench, uint32_t unit, uint32_t begin)
{
	struct store_req req = block_of(bench->torrent, unit, begin, BLOCK);
	uint32_t index;

	assert_int_equal(shop_get(&bench->shop, &req), STORE_READY);
	index = req.spans[0].buf->index;
	bench->used_cnt += !bench->used[index];
	bench->used[index] = true;
	spans_drop(&req);
}

/* walk asks for the blocks of units [from, to), in order. */
static void
walk(struct bench *bench, uint32_t from, uint32_t to)
{
	for (uint32_t unit = from; unit < to; unit++)
		for (uint32_t at = 0; at < UNIT; at += BLOCK)
			get(bench, unit, at);
}

static uint64_t
reads(const struct bench *bench)
{
	return shop_count(&bench->shop, CTR_disk_reads);
}

/* taken returns the buffers that are not free: in use, or cached. */
static uint32_t
taken(const struct bench *bench)
{
	const struct buf_pool *pool = bench->shop.store->cache.pool;

	return pool->cnt - pool->free_cnt;
}

/* stream walks so long through what nobody asks for twice that the cache knows it is of no use. */
static uint32_t
stream(struct bench *bench, uint32_t from)
{
	uint32_t to = from + 9 * HOT;

	walk(bench, from, to);
	return to;
}

static void
a_stream_comes_to_pass_through_few_buffers(void **state)
{
	static struct bench bench;
	uint32_t at;

	(void)state;
	bench_open(&bench, 2 * HOT, 12 * HOT);
	walk(&bench, 0, 2 * HOT);
	assert_int_equal(bench.used_cnt, 2 * HOT);     /* it might all be asked for again */
	at = stream(&bench, 2 * HOT);
	memset(bench.used, 0, sizeof(bench.used));
	bench.used_cnt = 0;
	walk(&bench, at, 12 * HOT);
	assert_in_range(bench.used_cnt, 1, HOT + 8);
	assert_in_range(taken(&bench), 1, HOT + 8);
	assert_int_equal(reads(&bench), 12 * HOT);
	bench_close(&bench);
}

/* content larger than the hot set, again and again after a stream: in the end it is all there */
static void
what_is_asked_for_again_gets_room(void **state)
{
	static struct bench bench;
	uint64_t before = 0;

	(void)state;
	bench_open(&bench, 2 * HOT, 10 * HOT);
	stream(&bench, 0);
	for (int i = 0; i < 4; i++) {
		before = reads(&bench);
		walk(&bench, 0, 3 * HOT / 2);
	}
	assert_int_equal(reads(&bench), before);
	assert_true(shop_count(&bench.shop, CTR_cache_ghosts) > 0);
	bench_close(&bench);
}

/* what is asked for again keeps its room, whatever else streams by */
static void
what_is_of_use_keeps_its_room(void **state)
{
	static struct bench bench;
	uint64_t before;

	(void)state;
	bench_open(&bench, 2 * HOT, 12 * HOT);
	walk(&bench, 0, HOT / 2);
	for (uint32_t at = HOT; at < 12 * HOT; at += HOT / 2) {
		walk(&bench, 0, HOT / 2);
		walk(&bench, at, at + HOT / 2);
	}
	before = reads(&bench);
	walk(&bench, 0, HOT / 2);
	assert_int_equal(reads(&bench), before);
	assert_int_equal(taken(&bench), 2 * HOT);
	bench_close(&bench);
}

/* slow streams, in the middle of their units, beside a fast one that would take all memory */
static void
what_is_not_spent_stays(void **state)
{
	enum { SLOW = 8, FEW = 20, FAST = 200 };
	static struct bench bench;

	(void)state;
	bench_open(&bench, FEW, SLOW + FAST);
	for (uint32_t at = 0; at < UNIT; at += BLOCK) {
		for (uint32_t i = 0; i < SLOW; i++)
			get(&bench, i, at);
		walk(&bench, SLOW + at / BLOCK * (FAST / 4), SLOW + (at / BLOCK + 1) * (FAST / 4));
	}
	assert_int_equal(reads(&bench), SLOW + FAST);
	bench_close(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_comes_to_pass_through_few_buffers),
		cmocka_unit_test(what_is_asked_for_again_gets_room),
		cmocka_unit_test(what_is_of_use_keeps_its_room),
		cmocka_unit_test(what_is_not_spent_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
