/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One read serves all who ask; what was read stays until its buffer is needed, the popular longest;
 * when memory is short requests are refused whole, and go on when it is back. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, UNIT = 64 * KIB, UNITS = 40, BUFS = 8 };

static const struct lab_file file = {.len = UNITS * UNIT};

/* A piece a unit, so that block (piece, begin) is at begin of unit piece. */
static const struct lab_config config = {&file, 1, UNIT, UNIT, NULL, 0, false, 77, NULL};

struct bench {
	struct lab lab;
	struct shop shop;
	struct torrent *torrent;
};

static int
bench_open(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	lab_create(&bench->lab, &config);
	shop_open(&bench->shop, BUFS, 1);
	bench->torrent = lab_activate(&bench->lab, bench->shop.store);
	*state = bench;
	return 0;
}

static int
bench_close(void **state)
{
	struct bench *bench = *state;

	shop_close(&bench->shop);
	lab_destroy(&bench->lab);
	free(bench);
	return 0;
}

static uint64_t
counted(const struct bench *bench, enum counter which)
{
	return shop_count(&bench->shop, which);
}

/* ask asks for a block and expects a status. */
static void
ask(struct bench *bench, struct store_req *req, uint32_t unit, uint32_t begin,
    enum store_status expect)
{
	*req = block_of(bench->torrent, unit, begin, BLOCK);
	assert_int_equal(store_read(bench->shop.store, req), expect);
}

/* touch reads a block at the begin of a unit and lets it go. */
static void
touch(struct bench *bench, uint32_t unit)
{
	struct store_req req = block_of(bench->torrent, unit, 0, BLOCK);

	assert_int_equal(shop_get(&bench->shop, &req), STORE_READY);
	spans_drop(&req);
}

static void
one_read_serves_all(void **state)
{
	struct bench *bench = *state;
	struct store_req reqs[12], *over[12];
	const struct buf *buf;

	for (uint32_t i = 0; i < 12; i++)
		ask(bench, &reqs[i], 5, i % 4 * BLOCK, STORE_PENDING);
	assert_int_equal(store_reading(bench->shop.store), 1);
	shop_reap(&bench->shop, over, 12);
	buf = reqs[0].spans[0].buf;
	for (uint32_t i = 0; i < 12; i++) {
		assert_ptr_equal(over[i], &reqs[i]); /* in the order asked */
		assert_true(spans_equal(&reqs[i], bench->lab.content + 5 * UNIT + i % 4 * BLOCK));
		assert_ptr_equal(reqs[i].spans[0].buf, buf); /* not copied */
		spans_drop(&reqs[i]);
	}
	assert_int_equal(counted(bench, CTR_disk_reads), 1);
	assert_int_equal(counted(bench, CTR_disk_bytes), UNIT);
	assert_int_equal(counted(bench, CTR_cache_misses), 1);
	assert_int_equal(counted(bench, CTR_cache_shared), 11);
}

static void
what_was_read_stays(void **state)
{
	struct bench *bench = *state;
	struct store_req req;

	for (uint32_t i = 0; i < BUFS; i++)
		touch(bench, i);
	for (uint32_t i = 0; i < BUFS; i++) {
		ask(bench, &req, i, 3 * BLOCK, STORE_READY);
		spans_drop(&req);
	}
	assert_int_equal(counted(bench, CTR_disk_reads), BUFS);
	assert_int_equal(counted(bench, CTR_cache_hits), BUFS);
	assert_int_equal(counted(bench, CTR_cache_evictions), 0);
	assert_int_equal(store_free_buffers(bench->shop.store), BUFS);
}

static void
a_walk_is_not_use(void **state)
{
	struct bench *bench = *state;
	struct store_req req;

	/* Unit 0 is asked for again twice, the others once, block by block: those give way. */
	touch(bench, 0);
	touch(bench, 0);
	touch(bench, 0);
	for (uint32_t unit = 1; unit < 2 * BUFS; unit++)
		for (uint32_t at = 0; at < UNIT; at += BLOCK) {
			req = block_of(bench->torrent, unit, at, BLOCK);
			assert_int_equal(shop_get(&bench->shop, &req), STORE_READY);
			spans_drop(&req);
		}
	assert_int_equal(counted(bench, CTR_cache_evictions), 2 * BUFS - BUFS);
	ask(bench, &req, 0, 0, STORE_READY);
	spans_drop(&req);
	assert_int_equal(counted(bench, CTR_disk_reads), 2 * BUFS);
}

static void
full_memory_refuses_and_recovers(void **state)
{
	struct bench *bench = *state;
	struct store_req held[BUFS], *over[BUFS], req;

	for (uint32_t i = 0; i < BUFS; i++)
		ask(bench, &held[i], i, 0, STORE_PENDING);
	assert_int_equal(store_free_buffers(bench->shop.store), 0);
	ask(bench, &req, 20, 0, STORE_BUSY);
	shop_reap(&bench->shop, over, BUFS);
	assert_int_equal(store_free_buffers(bench->shop.store), 0);
	ask(bench, &req, 20, 0, STORE_BUSY);
	assert_int_equal(counted(bench, CTR_arena_empty), 2);
	ask(bench, &req, 3, BLOCK, STORE_READY); /* what is there needs no memory */
	spans_drop(&held[3]);
	assert_int_equal(store_free_buffers(bench->shop.store), 0);
	spans_drop(&req);
	assert_int_equal(store_free_buffers(bench->shop.store), 1);
	ask(bench, &req, 20, 0, STORE_PENDING);
	assert_int_equal(store_free_buffers(bench->shop.store), 0);
	shop_reap(&bench->shop, over, 1);
	assert_true(spans_equal(&req, bench->lab.content + 20 * UNIT));
	for (uint32_t i = 0; i < BUFS; i++) {
		if (i != 3)
			assert_true(spans_equal(&held[i], bench->lab.content + i * UNIT));
		if (i != 3)
			spans_drop(&held[i]);
	}
	spans_drop(&req);
}

static void
a_request_is_taken_whole_or_not(void **state)
{
	static const struct lab_config wide = {&file, 1, 4 * UNIT, UNIT, NULL, 0, false, 78, NULL};
	struct store_req held[BUFS], *over[BUFS], req;
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &wide);
	shop_open(&shop, BUFS, 1);
	torrent = lab_activate(&lab, shop.store);
	for (uint32_t i = 0; i < BUFS - 1; i++) {
		held[i] = block_of(torrent, i, UNIT, BLOCK);
		assert_int_equal(store_read(shop.store, &held[i]), STORE_PENDING);
	}
	req = block_of(torrent, 9, UNIT - 5, BLOCK); /* two units, one buffer */
	assert_int_equal(store_read(shop.store, &req), STORE_BUSY);
	assert_int_equal(req.span_cnt, 0);
	assert_int_equal(store_free_buffers(shop.store), 1);
	assert_int_equal(store_reading(shop.store), BUFS - 1);
	shop_reap(&shop, over, BUFS - 1);
	/* The one unit is there, idle; the other takes the free buffer. */
	spans_drop(&held[0]);
	req = block_of(torrent, 0, 2 * UNIT - 5, BLOCK);
	assert_int_equal(shop_get(&shop, &req), STORE_READY);
	assert_true(spans_equal(&req, lab.content + 2 * UNIT - 5));
	assert_int_equal(req.span_cnt, 2);
	assert_int_equal(shop_count(&shop, CTR_cache_hits), 1);
	assert_int_equal(store_free_buffers(shop.store), 0);
	spans_drop(&req);
	/* One idle buffer, that holds the block's first unit: none is left for the second. */
	held[0] = block_of(torrent, 0, UNIT, BLOCK);
	assert_int_equal(shop_get(&shop, &held[0]), STORE_READY);
	assert_int_equal(store_free_buffers(shop.store), 1);
	req = block_of(torrent, 0, 3 * UNIT - 5, BLOCK);
	assert_int_equal(store_read(shop.store, &req), STORE_BUSY);
	assert_int_equal(store_free_buffers(shop.store), 1);
	for (uint32_t i = 0; i < BUFS - 1; i++)
		spans_drop(&held[i]);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
the_ring_is_bounded(void **state)
{
	static const struct lab_file long_file = {.len = (STORE_RING_ENTRIES + 1) * 16 * KIB};
	static const struct lab_config narrow = {&long_file, 1,     BLOCK, BLOCK, NULL,
	                                         0,          false, 79,    NULL};
	static struct store_req reqs[STORE_RING_ENTRIES], *over[STORE_RING_ENTRIES];
	struct torrent *torrent;
	struct store_req req;
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &narrow);
	shop_open(&shop, STORE_RING_ENTRIES + STORE_RING_ENTRIES / 8, 1);
	torrent = lab_activate(&lab, shop.store);
	for (uint32_t i = 0; i < STORE_RING_ENTRIES; i++) {
		reqs[i] = block_of(torrent, i, 0, BLOCK);
		assert_int_equal(store_read(shop.store, &reqs[i]), STORE_PENDING);
	}
	req = block_of(torrent, STORE_RING_ENTRIES, 0, BLOCK);
	assert_int_equal(store_read(shop.store, &req), STORE_BUSY);
	assert_int_equal(shop_count(&shop, CTR_disk_ring_full), 1);
	shop_reap(&shop, over, STORE_RING_ENTRIES);
	assert_int_equal(shop_get(&shop, &req), STORE_READY);
	spans_drop(&req);
	for (uint32_t i = 0; i < STORE_RING_ENTRIES; i++) {
		assert_true(spans_equal(&reqs[i], lab.content + i * BLOCK));
		spans_drop(&reqs[i]);
	}
	shop_close(&shop);
	lab_destroy(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_read_serves_all, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(what_was_read_stays, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(a_walk_is_not_use, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(full_memory_refuses_and_recovers, bench_open,
		                                bench_close),
		cmocka_unit_test(a_request_is_taken_whole_or_not),
		cmocka_unit_test(the_ring_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
