/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reads that end early or for now are gone on with, a bounded number of times; those that fail are
 * told with the device's own error. The ring beneath is a double that does what is asked. */
#include "tests/unit/ring_double.h"
#include "tests/unit/store_lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, UNIT = 64 * KIB };

static const struct lab_file files[] = {{3 * UNIT, false}, {100, false}};
static const struct lab_config config = {files, 2, UNIT, UNIT, NULL, 0, false, 7, "/dev/shm"};

struct outcome {
	enum store_status status;
	uint64_t reads;
	struct abi_withdrawn withdrawn; /* when ABSENT */
};

/* script_read reads a block of piece 1 while reads end as scripted. */
static struct outcome
script_read(const int32_t *script, uint32_t cnt)
{
	struct outcome outcome = {0};
	struct store_event event;
	struct store_req req;
	struct shop shop;
	struct lab lab;

	memset(&ring_double, 0, sizeof(ring_double));
	memcpy(ring_double.script, script, cnt * sizeof(*script));
	ring_double.script_cnt = cnt;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	req = block_of(lab_activate(&lab, shop.store), 1, BLOCK, BLOCK);
	outcome.status = shop_get(&shop, &req);
	outcome.reads = shop_count(&shop, CTR_disk_reads);
	if (outcome.status == STORE_READY)
		assert_true(spans_equal(&req, lab.content + UNIT + BLOCK));
	spans_drop(&req);
	while (store_events(shop.store, &event, 1) > 0)
		outcome.withdrawn = event.withdrawn;
	assert_int_equal(shop_count(&shop, CTR_pieces_withdrawn), outcome.status == STORE_ABSENT);
	shop_close(&shop);
	lab_destroy(&lab);
	return outcome;
}

static void
a_read_that_ends_early_is_gone_on_with(void **state)
{
	static const int32_t script[] = {4096, 8192, 4096, DOUBLE_WHOLE};
	struct outcome outcome = script_read(script, ARRAY_CNT(script));

	(void)state;
	assert_int_equal(outcome.status, STORE_READY);
	assert_int_equal(outcome.reads, 4);
}

static void
an_odd_end_is_the_files_end(void **state)
{
	static const int32_t script[] = {4096, 1000};
	struct outcome outcome = script_read(script, ARRAY_CNT(script));

	(void)state;
	assert_int_equal(outcome.status, STORE_ABSENT);
	assert_int_equal(outcome.reads, 2);
	assert_int_equal(outcome.withdrawn.reason, ABI_REASON_SHORT);
}

static void
nothing_is_the_files_end(void **state)
{
	static const int32_t script[] = {UNIT - 4096, 0};
	struct outcome outcome = script_read(script, ARRAY_CNT(script));

	(void)state;
	assert_int_equal(outcome.status, STORE_ABSENT);
	assert_int_equal(outcome.withdrawn.reason, ABI_REASON_SHORT);
	assert_int_equal(outcome.withdrawn.file_off, UNIT);
}

static void
what_fails_for_now_is_tried_again(void **state)
{
	static const int32_t script[] = {-EAGAIN, -EINTR, 4096, -EAGAIN, -ENOMEM, -EINTR, -EAGAIN,
	                                 -EAGAIN, -EAGAIN};
	struct outcome outcome = script_read(script, ARRAY_CNT(script));

	(void)state;
	assert_int_equal(outcome.status, STORE_READY);
	assert_int_equal(outcome.reads, 1 + 8 + 1);
}

static void
but_not_for_ever(void **state)
{
	int32_t script[STORE_RETRIES_MAX + 1];
	struct outcome outcome;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(script); i++)
		script[i] = -EAGAIN;
	outcome = script_read(script, ARRAY_CNT(script));
	assert_int_equal(outcome.status, STORE_ABSENT);
	assert_int_equal(outcome.reads, STORE_RETRIES_MAX + 1);
	assert_int_equal(outcome.withdrawn.reason, ABI_REASON_IO);
	assert_int_equal(outcome.withdrawn.sys_errno, EAGAIN);
}

static void
the_devices_error_is_told(void **state)
{
	static const int32_t script[] = {4096, -EIO};
	struct outcome outcome = script_read(script, ARRAY_CNT(script));

	(void)state;
	assert_int_equal(outcome.status, STORE_ABSENT);
	assert_int_equal(outcome.withdrawn.reason, ABI_REASON_IO);
	assert_int_equal(outcome.withdrawn.sys_errno, EIO);
	assert_int_equal(outcome.withdrawn.piece_first, 1);
	assert_int_equal(outcome.withdrawn.piece_cnt, 1);
}

/* A good unit that comes after a bad one of the same piece: the piece is withdrawn by then. */
static void
a_piece_withdrawn_meanwhile_is_not_sent(void **state)
{
	static const struct lab_config wide = {files, 1, 3 * UNIT, UNIT, NULL, 0, false, 8, NULL};
	struct store_req bad, good, *over[2];
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;

	(void)state;
	memset(&ring_double, 0, sizeof(ring_double));
	lab_create(&lab, &wide);
	shop_open(&shop, 8, 1);
	torrent = lab_activate(&lab, shop.store);
	lab_spoil(&lab, 0, UNIT + 1);
	bad = block_of(torrent, 0, UNIT, BLOCK);
	good = block_of(torrent, 0, 2 * UNIT, BLOCK);
	assert_int_equal(store_read(shop.store, &bad), STORE_PENDING);
	assert_int_equal(store_read(shop.store, &good), STORE_PENDING);
	shop_reap(&shop, over, 2);
	assert_int_equal(bad.status, STORE_ABSENT);
	assert_int_equal(good.status, STORE_ABSENT);
	assert_int_equal(good.span_cnt, 0);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
descriptors_that_cannot_be_registered_are_given_back(void **state)
{
	struct shop shop;
	struct lab lab;

	(void)state;
	memset(&ring_double, 0, sizeof(ring_double));
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, 7, lab.info_hash), ABI_OK);
	ring_double.files_error = -ENFILE;
	assert_int_equal(lab_fill(&lab, shop.store), ABI_ERR_SYSTEM);
	assert_int_equal(errno, ENFILE);
	assert_int_equal(store_by_id(shop.store, 7)->state, TORRENT_COLD);
	ring_double.files_error = 0;
	assert_int_equal(lab_fill(&lab, shop.store), ABI_OK);
	shop_walk(&shop, &lab, store_by_id(shop.store, 7), BLOCK);
	shop_close(&shop);
	lab_destroy(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_that_ends_early_is_gone_on_with),
		cmocka_unit_test(an_odd_end_is_the_files_end),
		cmocka_unit_test(nothing_is_the_files_end),
		cmocka_unit_test(what_fails_for_now_is_tried_again),
		cmocka_unit_test(but_not_for_ever),
		cmocka_unit_test(the_devices_error_is_told),
		cmocka_unit_test(a_piece_withdrawn_meanwhile_is_not_sent),
		cmocka_unit_test(descriptors_that_cannot_be_registered_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
