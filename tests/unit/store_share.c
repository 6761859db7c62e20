/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A torrent whose reads do not come back keeps none of the others from reading. Time stands still
 * while nothing is submitted: what was asked for is in flight, as on a disk that hangs. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	KIB = 1024,
	UNIT = 64 * KIB,
	UNITS = 80,
	BUFFERS = 64,
	TORRENTS = 3,
};

static const struct lab_file files[] = {{UNITS * UNIT, false}};

struct share {
	struct lab lab[TORRENTS];
	struct shop shop;
	struct torrent *torrent[TORRENTS];
	struct store_req req[TORRENTS][UNITS];
};

/* share_open makes a store that serves cnt torrents. */
static struct share *
share_open(uint32_t cnt)
{
	struct share *share = calloc(1, sizeof(*share));

	assert_non_null(share);
	shop_open(&share->shop, BUFFERS, TORRENTS);
	for (uint32_t i = 0; i < cnt; i++) {
		struct lab_config config = {files, 1, UNIT, UNIT, NULL, 0, false, 21 + i, NULL};

		lab_create(&share->lab[i], &config);
		share->torrent[i] = lab_activate(&share->lab[i], share->shop.store);
	}
	return share;
}

static void
share_close(struct share *share, uint32_t cnt)
{
	shop_close(&share->shop);
	for (uint32_t i = 0; i < cnt; i++)
		lab_destroy(&share->lab[i]);
	free(share);
}

/* ask asks for a torrent's units [first, UNITS) until the store is busy. Returns how many
 * it took. */
static uint32_t
ask(struct share *share, uint32_t torrent, uint32_t first)
{
	for (uint32_t i = first; i < UNITS; i++) {
		struct store_req *req = &share->req[torrent][i];
		enum store_status status;

		*req = block_of(share->torrent[torrent], i, 0, 16 * KIB);
		status = store_read(share->shop.store, req);
		if (status == STORE_BUSY || status == STORE_SHARE)
			return i - first;
		assert_int_equal(status, STORE_PENDING);
	}
	return UNITS - first;
}

/* end takes what was asked for. */
static void
end(struct share *share, uint32_t cnt)
{
	struct store_req *over[BUFFERS];

	shop_reap(&share->shop, over, cnt);
	for (uint32_t i = 0; i < cnt; i++) {
		assert_int_equal(over[i]->status, STORE_READY);
		spans_drop(over[i]);
	}
}

static void
one_alone_has_all(void **state)
{
	struct share *share = share_open(1);

	(void)state;
	assert_int_equal(ask(share, 0, 0), BUFFERS);
	assert_int_equal(shop_count(&share->shop, CTR_disk_share_full), 0);
	assert_int_equal(shop_count(&share->shop, CTR_arena_empty), 1);
	end(share, BUFFERS);
	share_close(share, 1);
}

static void
each_leaves_as_much_as_it_has(void **state)
{
	struct share *share = share_open(TORRENTS);

	(void)state;
	assert_int_equal(ask(share, 0, 0), BUFFERS / 2);
	assert_int_equal(ask(share, 1, 0), BUFFERS / 4);
	assert_int_equal(ask(share, 2, 0), BUFFERS / 8);
	assert_int_equal(shop_count(&share->shop, CTR_disk_share_full), 3);
	assert_int_equal(shop_count(&share->shop, CTR_arena_empty), 0);
	end(share, BUFFERS / 2 + BUFFERS / 4 + BUFFERS / 8);
	assert_int_equal(ask(share, 0, BUFFERS / 2), BUFFERS / 2);
	end(share, BUFFERS / 2);
	share_close(share, TORRENTS);
}

/* What is in memory is no read. */
static void
a_share_is_of_reads_only(void **state)
{
	struct share *share = share_open(2);

	(void)state;
	assert_int_equal(ask(share, 0, UNITS - 4), 4);
	end(share, 4);
	assert_int_equal(ask(share, 0, 0), BUFFERS / 2);
	for (uint32_t i = UNITS - 4; i < UNITS; i++) {
		struct store_req req = block_of(share->torrent[0], i, 16 * KIB, 16 * KIB);

		assert_int_equal(store_read(share->shop.store, &req), STORE_READY);
		spans_drop(&req);
	}
	end(share, BUFFERS / 2);
	share_close(share, 2);
}

/* Reads of a torrent that is gone count for none. */
static void
a_share_ends_with_the_torrent(void **state)
{
	struct share *share = share_open(2);
	struct store_req *over[BUFFERS];

	(void)state;
	assert_int_equal(ask(share, 0, 0), BUFFERS / 2);
	assert_int_equal(store_remove(share->shop.store, share->lab[0].id), ABI_OK);
	shop_reap(&share->shop, over, BUFFERS / 2);
	assert_int_equal(over[0]->status, STORE_ABSENT);
	shop_settle(&share->shop);
	assert_int_equal(ask(share, 1, 0), BUFFERS); /* it is the only one now */
	end(share, BUFFERS);
	share_close(share, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_alone_has_all),
		cmocka_unit_test(each_leaves_as_much_as_it_has),
		cmocka_unit_test(a_share_is_of_reads_only),
		cmocka_unit_test(a_share_ends_with_the_torrent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
