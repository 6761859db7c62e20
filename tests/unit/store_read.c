/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Blocks come out as the files' bytes, wherever their files and units begin and end, and cost no
 * more reading than they have to. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB };

/* walk_with makes a torrent of the configuration, reads it whole by way of buf_cnt buffers of a
 * length and returns the shop's counters. */
static struct counters
walk_with(uint32_t buffer_len, const struct lab_config *config, uint32_t buf_cnt,
          uint32_t block_len)
{
	struct store_config store = {
		.torrents_max = 1,
		.active_max = 1,
		.buffer_len = buffer_len,
	};
	struct shop shop;
	struct lab lab;

	lab_create(&lab, config);
	shop_open_as(&shop, buf_cnt, &store);
	shop_walk(&shop, &lab, lab_activate(&lab, shop.store), block_len);
	assert_int_equal(shop_count(&shop, CTR_pieces_withdrawn), 0);
	assert_int_equal(shop_count(&shop, CTR_integrity_checked),
	                 shop_count(&shop, CTR_cache_misses));
	shop_close(&shop);
	lab_destroy(&lab);
	return shop.ctr;
}

/* walk is walk_with with the shortest buffers, after the same with the longest. */
static struct counters
walk(const struct lab_config *config, uint32_t buf_cnt, uint32_t block_len)
{
	(void)walk_with(ABI_UNIT_MAX, config, buf_cnt, block_len);
	return walk_with(ABI_BUFFER_MIN, config, buf_cnt, block_len);
}

static void
one_file_is_read_once(void **state)
{
	const struct lab_file file = {.len = 4 << 20};
	const struct lab_config config = {&file, 1, 256 * KIB, 64 * KIB, NULL, 0, false, 1, NULL};
	struct counters ctr = walk(&config, 16, BLOCK);

	(void)state;
	assert_int_equal(ctr.value[CTR_disk_bytes], 4 << 20); /* read amplification 1.00 */
	assert_int_equal(ctr.value[CTR_disk_reads], 64);
	assert_int_equal(ctr.value[CTR_cache_misses], 64);
	assert_int_equal(ctr.value[CTR_cache_hits], 256 - 64);
}

static void
reads_are_timed(void **state)
{
	const struct lab_file file = {.len = 1 << 20};
	const struct lab_config config = {&file, 1, 256 * KIB, 64 * KIB, NULL, 0, false, 1, NULL};
	struct store_req req, *done;
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 16, 1);
	req = block_of(lab_activate(&lab, shop.store), 0, 60 * KIB, 8 * KIB); /* of two units */
	store_clock(shop.store, 1000000);
	assert_int_equal(store_read(shop.store, &req), STORE_PENDING);
	store_clock(shop.store, 1005000);
	store_clock(shop.store, 1000000); /* it does not go back */
	shop_reap(&shop, &done, 1);
	assert_int_equal(shop.ctr.histogram[HIST_disk_read].bucket[histogram_bucket(5000)], 2);
	assert_int_equal(shop.ctr.histogram[HIST_disk_read].sum, 10000);
	spans_drop(done);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
long_units_are_fewer_reads(void **state)
{
	const struct lab_file file = {.len = (4 << 20) + 5000};
	const struct lab_config config = {&file, 1, 256 * KIB, 256 * KIB, NULL, 0, false, 1, NULL};
	struct counters ctr = walk_with(256 * KIB, &config, 8, BLOCK);

	(void)state;
	assert_int_equal(ctr.value[CTR_disk_bytes], (4 << 20) + 8192);
	assert_int_equal(ctr.value[CTR_disk_reads], 17);
	(void)walk_with(256 * KIB, &config, 8, 128 * KIB);
	(void)walk_with(256 * KIB, &config, 8, 77777);
}

static void
an_odd_length_costs_one_sector(void **state)
{
	const struct lab_file file = {.len = 1000001};
	const struct lab_config config = {&file, 1, 32 * KIB, 16 * KIB, NULL, 0, false, 2, NULL};
	struct counters ctr = walk(&config, 64, BLOCK);

	(void)state;
	assert_true(ctr.value[CTR_disk_bytes] - 1000001 < STORE_ALIGN);
}

static void
pieces_of_any_length_are_served(void **state)
{
	const struct lab_file file = {.len = 777777};
	const struct lab_config config = {&file, 1, 12345, 64 * KIB, NULL, 0, false, 3, NULL};

	(void)state;
	walk(&config, 32, BLOCK);
	walk(&config, 32, 1111);
}

static void
long_blocks_are_served(void **state)
{
	const struct lab_file file = {.len = 3000007};
	const struct lab_config wide = {&file, 1, 1 << 20, 64 * KIB, NULL, 0, false, 4, NULL};
	const struct lab_config narrow = {&file, 1, 1 << 20, 16 * KIB, NULL, 0, false, 4, NULL};

	(void)state;
	walk(&wide, 16, 128 * KIB);
	walk(&wide, 16, 100001);
	walk(&narrow, 8, 128 * KIB);
	walk(&narrow, 8, 65537);
}

static void
blocks_span_files_and_pads(void **state)
{
	static const struct lab_file files[] = {
		{100000, false}, {31072, true}, {1, false},     {0, false},      {65536, false},
		{16383, true},   {4096, false}, {65537, false}, {200000, false}, {7, true},
		{16384, false},
	};
	const struct lab_config config = {files, ARRAY_CNT(files), 128 * KIB, 64 * KIB,
	                                  NULL,  0,                false,     5,
	                                  NULL};

	(void)state;
	walk(&config, 16, BLOCK);
	walk(&config, 8, 128 * KIB);
	walk(&config, 8, 999);
}

static void
many_tiny_files_are_gathered(void **state)
{
	static struct lab_file files[500];
	const struct lab_config config = {files, ARRAY_CNT(files), 64 * KIB, 64 * KIB,
	                                  NULL,  0,                false,    6,
	                                  NULL};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(files); i++)
		files[i].len = 1 + i * 7919 % 900;
	walk(&config, 8, BLOCK);
	walk(&config, 600, BLOCK);
}

static void
pads_alone_need_no_file(void **state)
{
	static const struct lab_file files[] = {{300000, true}, {5, true}};
	const struct lab_config config = {files, 2, 64 * KIB, 64 * KIB, NULL, 0, false, 7, NULL};
	struct counters ctr = walk(&config, 8, BLOCK);

	(void)state;
	assert_int_equal(ctr.value[CTR_disk_reads], 0);
}

static void
files_without_o_direct_are_served(void **state)
{
	const struct lab_file file = {.len = 500001};
	const struct lab_config config = {&file, 1,     32 * KIB, 64 * KIB,  NULL,
	                                  0,     false, 8,        "/dev/shm"};

	(void)state;
	walk(&config, 16, BLOCK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file_is_read_once),
		cmocka_unit_test(reads_are_timed),
		cmocka_unit_test(long_units_are_fewer_reads),
		cmocka_unit_test(an_odd_length_costs_one_sector),
		cmocka_unit_test(pieces_of_any_length_are_served),
		cmocka_unit_test(long_blocks_are_served),
		cmocka_unit_test(blocks_span_files_and_pads),
		cmocka_unit_test(many_tiny_files_are_gathered),
		cmocka_unit_test(pads_alone_need_no_file),
		cmocka_unit_test(files_without_o_direct_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
