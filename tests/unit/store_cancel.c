/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Requests taken back, torrents removed or let go in the middle of reading: nothing is reaped that
 * should not be, nothing that peers hold changes, and every buffer comes back. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, UNIT = 64 * KIB, BUFS = 8 };

static const struct lab_file file = {.len = 32 * UNIT};
static const struct lab_config configs[] = {
	{&file, 1, 4 * UNIT, UNIT, NULL, 0, false, 81, NULL},
	{&file, 1, 4 * UNIT, UNIT, NULL, 0, false, 82, NULL},
};

struct bench {
	struct lab labs[2];
	struct shop shop;
	struct torrent *torrent; /* the first lab's, active */
};

static int
bench_open(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	lab_create(&bench->labs[0], &configs[0]);
	lab_create(&bench->labs[1], &configs[1]);
	shop_open(&bench->shop, BUFS, 1);
	bench->torrent = lab_activate(&bench->labs[0], bench->shop.store);
	*state = bench;
	return 0;
}

static int
bench_close(void **state)
{
	struct bench *bench = *state;

	shop_close(&bench->shop);
	lab_destroy(&bench->labs[0]);
	lab_destroy(&bench->labs[1]);
	free(bench);
	return 0;
}

/* ask asks for the block at a torrent offset, and expects it to be PENDING. */
static void
ask(struct bench *bench, struct store_req *req, uint32_t off)
{
	*req = block_of(bench->torrent, off / (4 * UNIT), off % (4 * UNIT), BLOCK);
	assert_int_equal(store_read(bench->shop.store, req), STORE_PENDING);
}

/* forget cancels a request and spoils its memory: the store must not know it any more. */
static void
forget(struct bench *bench, struct store_req *req)
{
	store_cancel(bench->shop.store, req);
	memset(req, 0xa5, sizeof(*req));
}

static void
a_cancelled_read_fills_the_cache(void **state)
{
	struct bench *bench = *state;
	struct store_req req;

	ask(bench, &req, UNIT - 5);
	assert_int_equal(store_reading(bench->shop.store), 2);
	forget(bench, &req);
	shop_settle(&bench->shop);
	assert_int_equal(store_free_buffers(bench->shop.store), BUFS);
	req = block_of(bench->torrent, 0, UNIT - 5, BLOCK);
	assert_int_equal(store_read(bench->shop.store, &req), STORE_READY);
	assert_true(spans_equal(&req, bench->labs[0].content + UNIT - 5));
	spans_drop(&req);
	assert_int_equal(shop_count(&bench->shop, CTR_disk_reads), 2);
}

static void
any_one_of_those_who_wait_may_leave(void **state)
{
	struct bench *bench = *state;
	struct store_req reqs[4], *over[4];

	for (uint32_t gone = 0; gone < 4; gone++) {
		uint32_t off = (4 + 2 * gone) * UNIT;

		for (uint32_t i = 0; i < 4; i++)
			ask(bench, &reqs[i], off + i * BLOCK);
		store_submit(bench->shop.store);
		forget(bench, &reqs[gone]);
		shop_reap(&bench->shop, over, 3);
		for (uint32_t i = 0; i < 4; i++) {
			if (i == gone)
				continue;
			assert_ptr_equal(over[i - (i > gone)], &reqs[i]);
			assert_true(
			    spans_equal(&reqs[i], bench->labs[0].content + off + i * BLOCK));
			spans_drop(&reqs[i]);
		}
	}
}

static void
what_is_over_but_not_reaped_may_leave(void **state)
{
	struct bench *bench = *state;
	struct store_req reqs[4], *over[4];

	for (uint32_t i = 0; i < 4; i++)
		ask(bench, &reqs[i], i * BLOCK);
	shop_reap(&bench->shop, over, 1); /* one read: the three others are over with it */
	assert_ptr_equal(over[0], &reqs[0]);
	assert_int_equal(store_reading(bench->shop.store), 0);
	assert_int_equal(reqs[2].status, STORE_PENDING);
	forget(bench, &reqs[2]);
	assert_int_equal(store_reap(bench->shop.store, over, 4), 2);
	assert_ptr_equal(over[0], &reqs[1]);
	assert_ptr_equal(over[1], &reqs[3]);
	for (uint32_t i = 0; i < 4; i++)
		if (i != 2)
			spans_drop(&reqs[i]);
}

static void
removal_leaves_what_peers_hold(void **state)
{
	struct bench *bench = *state;
	struct store_req held = block_of(bench->torrent, 0, UNIT - 7, BLOCK);
	struct torrent *other;

	assert_int_equal(shop_get(&bench->shop, &held), STORE_READY);
	assert_int_equal(store_remove(bench->shop.store, 81), ABI_OK);
	assert_null(store_find(bench->shop.store, bench->labs[0].info_hash));
	assert_int_equal(store_free_buffers(bench->shop.store), BUFS - 2);
	/* Another torrent takes the place, the descriptors and, over and over, all other memory. */
	other = lab_activate(&bench->labs[1], bench->shop.store);
	shop_walk(&bench->shop, &bench->labs[1], other, BLOCK);
	assert_true(spans_equal(&held, bench->labs[0].content + UNIT - 7));
	spans_drop(&held);
	assert_int_equal(store_free_buffers(bench->shop.store), BUFS);
}

static void
removal_ends_what_is_pending(void **state)
{
	struct bench *bench = *state;
	struct store_req reqs[3], *over[4];
	struct torrent *other;

	for (uint32_t started = 0; started < 2; started++) {
		for (uint32_t i = 0; i < 3; i++)
			ask(bench, &reqs[i], i * UNIT);
		if (started)
			store_submit(bench->shop.store);
		assert_int_equal(store_remove(bench->shop.store, bench->torrent->id), ABI_OK);
		other = lab_activate(&bench->labs[!started], bench->shop.store);
		/* The old reads may not answer for the new torrent's units of the same index. */
		shop_reap(&bench->shop, over, 3);
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(reqs[i].status, STORE_ABSENT);
			assert_int_equal(reqs[i].span_cnt, 0);
		}
		shop_walk(&bench->shop, &bench->labs[!started], other, BLOCK);
		bench->torrent = other;
	}
	assert_int_equal(shop_count(&bench->shop, CTR_pieces_withdrawn), 0);
}

static void
the_cold_have_no_blocks(void **state)
{
	struct bench *bench = *state;
	struct store_req req;

	store_tick(bench->shop.store, STORE_IDLE_US);
	assert_int_equal(bench->torrent->state, TORRENT_COLD);
	req = block_of(bench->torrent, 0, 0, BLOCK);
	assert_int_equal(store_read(bench->shop.store, &req), STORE_ABSENT);
}

static void
destroy_waits_for_reads(void **state)
{
	struct bench *bench = *state;
	struct store_req req;

	for (uint32_t i = 0; i < BUFS; i++) {
		ask(bench, &req, i * UNIT);
		forget(bench, &req);
	}
	/* bench_close settles first: this one ends in the middle. */
	store_destroy(bench->shop.store);
	free(bench->shop.arena);
	shop_open(&bench->shop, BUFS, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_cancelled_read_fills_the_cache, bench_open,
		                                bench_close),
		cmocka_unit_test_setup_teardown(any_one_of_those_who_wait_may_leave, bench_open,
		                                bench_close),
		cmocka_unit_test_setup_teardown(what_is_over_but_not_reaped_may_leave, bench_open,
		                                bench_close),
		cmocka_unit_test_setup_teardown(removal_leaves_what_peers_hold, bench_open,
		                                bench_close),
		cmocka_unit_test_setup_teardown(removal_ends_what_is_pending, bench_open,
		                                bench_close),
		cmocka_unit_test_setup_teardown(the_cold_have_no_blocks, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(destroy_waits_for_reads, bench_open, bench_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
