/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bytes that are not those verified, files that end early and devices that fail: the pieces are
 * withdrawn, control is told, nobody gets them, and all else goes on. */
#include "tests/unit/store_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, UNIT = 64 * KIB };

/* Two files: 5 units, then 3; 128 KiB a piece: 0-2 in the first, 2-3 in the second. */
static const struct lab_file files[] = {{5 * UNIT - 1000, false}, {2 * UNIT + 5000, false}};

struct fault {
	struct lab lab;
	struct shop shop;
	struct torrent *torrent;
};

static void
fault_open(struct fault *fault, uint32_t piece_len)
{
	struct lab_config config = {files, 2, piece_len, UNIT, NULL, 0, false, 9, NULL};

	lab_create(&fault->lab, &config);
	shop_open(&fault->shop, 16, 1);
	fault->torrent = lab_activate(&fault->lab, fault->shop.store);
	store_join(fault->shop.store, fault->torrent);
}

static void
fault_close(struct fault *fault)
{
	store_leave(fault->shop.store, fault->torrent, 1);
	shop_close(&fault->shop);
	lab_destroy(&fault->lab);
}

/* get reads one block and releases it. */
static enum store_status
get(struct fault *fault, uint32_t piece, uint32_t begin)
{
	const struct lab *lab = &fault->lab;
	uint32_t left = active_piece_len(fault->torrent->active, piece) - begin;
	struct store_req req = block_of(fault->torrent, piece, begin, MIN(left, BLOCK));
	enum store_status status = shop_get(&fault->shop, &req);

	if (status == STORE_READY)
		assert_true(spans_equal(
		    &req, lab->content + (uint64_t)piece * lab->layout->piece_len + begin));
	else
		assert_int_equal(req.span_cnt, 0);
	spans_drop(&req);
	return status;
}

static void
expect_event(struct fault *fault, const struct abi_withdrawn *expect)
{
	struct store_event events[2];

	assert_int_equal(store_events(fault->shop.store, events, 2), 1);
	assert_int_equal(events[0].type, STORE_EV_WITHDRAWN);
	assert_int_equal(events[0].id, fault->lab.id);
	assert_memory_equal(&events[0].withdrawn, expect, sizeof(*expect));
}

static void
expect_withdrawn(struct fault *fault, uint32_t cnt)
{
	const struct active *active = fault->torrent->active;

	assert_int_equal(active->withdrawn_cnt, cnt);
	assert_int_equal(active->have_cnt, active->layout->piece_cnt - cnt);
	assert_int_equal(active->stat->withdrawn_cnt, cnt);
	assert_int_equal(shop_count(&fault->shop, CTR_pieces_withdrawn), cnt);
}

static void
changed_bytes_are_never_sent(void **state)
{
	struct fault fault;
	uint64_t reads;

	(void)state;
	fault_open(&fault, 2 * UNIT);
	lab_spoil(&fault.lab, 0, 3 * UNIT + 77);
	assert_int_equal(get(&fault, 1, 0), STORE_READY); /* the piece's first unit is good */
	assert_int_equal(get(&fault, 1, UNIT + 2 * BLOCK), STORE_ABSENT);
	expect_event(&fault, &(struct abi_withdrawn){9, 0, 1, 1, 3 * UNIT, ABI_REASON_CHANGED, 0});
	expect_withdrawn(&fault, 1);
	assert_false(active_has(fault.torrent->active, 1));
	assert_int_equal(shop_count(&fault.shop, CTR_integrity_changed), 1);
	reads = shop_count(&fault.shop, CTR_disk_reads);
	assert_int_equal(get(&fault, 1, 0), STORE_ABSENT);
	assert_int_equal(get(&fault, 1, UNIT), STORE_ABSENT);
	assert_int_equal(shop_count(&fault.shop, CTR_disk_reads), reads);
	assert_int_equal(get(&fault, 0, 0), STORE_READY);
	assert_int_equal(get(&fault, 2, 0), STORE_READY);
	assert_int_equal(get(&fault, 3, 0), STORE_READY);
	fault_close(&fault);
}

/* What another worker found changed is gone here, too, and control is not told of it again. */
static void
others_withdrawals_are_taken(void **state)
{
	struct abi_withdraw withdraw = {.id = 9, .piece_first = 1, .piece_cnt = 2};
	struct store_event event;
	struct fault fault;

	(void)state;
	fault_open(&fault, 128 * KIB);
	assert_int_equal(store_withdraw(fault.shop.store, &withdraw), ABI_OK);
	assert_int_equal(store_withdraw(fault.shop.store, &withdraw), ABI_OK);
	expect_withdrawn(&fault, 2);
	assert_int_equal(store_events(fault.shop.store, &event, 1), 0);
	assert_int_equal(get(&fault, 0, 0), STORE_READY);
	assert_int_equal(get(&fault, 1, 0), STORE_ABSENT);
	assert_int_equal(get(&fault, 2, 0), STORE_ABSENT);
	withdraw.piece_cnt = 4;
	assert_int_equal(store_withdraw(fault.shop.store, &withdraw), ABI_ERR_MESSAGE);
	withdraw.piece_cnt = UINT32_MAX;
	assert_int_equal(store_withdraw(fault.shop.store, &withdraw), ABI_ERR_MESSAGE);
	withdraw.piece_cnt = 0;
	assert_int_equal(store_withdraw(fault.shop.store, &withdraw), ABI_ERR_MESSAGE);
	withdraw.id = 8;
	assert_int_equal(store_withdraw(fault.shop.store, &withdraw), ABI_ERR_UNKNOWN);
	expect_withdrawn(&fault, 2);
	fault_close(&fault);
}

static void
every_piece_of_the_unit_is_withdrawn(void **state)
{
	struct fault fault;

	(void)state;
	fault_open(&fault, BLOCK);
	lab_spoil(&fault.lab, 1, 2 * UNIT + 4999);
	/* The second file's last unit begins 1000 bytes before piece 28 and is 5000 long. */
	assert_int_equal(get(&fault, 28, 0), STORE_ABSENT);
	expect_event(&fault,
	             &(struct abi_withdrawn){9, 1, 27, 2, 2 * UNIT, ABI_REASON_CHANGED, 0});
	expect_withdrawn(&fault, 2);
	assert_int_equal(get(&fault, 27, 0), STORE_ABSENT);
	assert_int_equal(get(&fault, 26, 0), STORE_READY);
	fault_close(&fault);
}

static void
a_file_cut_short_is_told(void **state)
{
	static const uint64_t lens[] = {UNIT + 8192, UNIT + 8000, UNIT, 5};
	struct fault fault;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(lens); i++) {
		fault_open(&fault, 2 * UNIT);
		lab_truncate(&fault.lab, 0, lens[i]);
		assert_int_equal(get(&fault, 0, UNIT), STORE_ABSENT);
		expect_event(&fault,
		             &(struct abi_withdrawn){9, 0, 0, 1, UNIT, ABI_REASON_SHORT, 0});
		assert_int_equal(get(&fault, 1, UNIT), STORE_ABSENT);
		expect_withdrawn(&fault, 2);
		assert_int_equal(shop_count(&fault.shop, CTR_disk_short), 2);
		assert_int_equal(get(&fault, 3, 0), STORE_READY);
		fault_close(&fault);
	}
}

static void
a_file_that_grew_is_served(void **state)
{
	struct fault fault;

	(void)state;
	fault_open(&fault, 2 * UNIT);
	lab_truncate(&fault.lab, 0, 6 * UNIT);
	assert_int_equal(get(&fault, 2, 3 * BLOCK), STORE_READY);
	expect_withdrawn(&fault, 0);
	fault_close(&fault);
}

static void
a_device_that_fails_is_told(void **state)
{
	struct abi_files message = {.id = 9, .file_cnt = 2};
	struct fault fault;
	char path[160];
	int fds[2];

	(void)state;
	fault_open(&fault, 2 * UNIT);
	store_leave(fault.shop.store, fault.torrent, 1);
	store_tick(fault.shop.store, 1 + STORE_IDLE_US);
	assert_int_equal(store_events(fault.shop.store, &(struct store_event){0}, 1), 1);
	assert_int_equal(store_layout(fault.shop.store, 9, lab_layout_fd(&fault.lab)), ABI_OK);
	lab_file_path(&fault.lab, 0, path);
	fds[0] = open(path, O_WRONLY); /* what cannot be read: EBADF */
	fds[1] = lab_file_fd(&fault.lab, 1);
	assert_int_equal(store_files(fault.shop.store, &message, fds, 2), ABI_OK);
	store_join(fault.shop.store, fault.torrent);
	assert_int_equal(get(&fault, 0, 0), STORE_ABSENT);
	expect_event(&fault, &(struct abi_withdrawn){9, 0, 0, 1, 0, ABI_REASON_IO, EBADF});
	assert_int_equal(shop_count(&fault.shop, CTR_disk_errors), 1);
	assert_int_equal(get(&fault, 3, 0), STORE_READY);
	fault_close(&fault);
}

static void
all_who_wait_are_told(void **state)
{
	struct store_req reqs[8], *over[8];
	struct fault fault;

	(void)state;
	fault_open(&fault, 2 * UNIT);
	lab_spoil(&fault.lab, 0, 0);
	for (uint32_t i = 0; i < 8; i++) {
		reqs[i] = block_of(fault.torrent, 0, i * BLOCK, BLOCK);
		assert_int_equal(store_read(fault.shop.store, &reqs[i]), STORE_PENDING);
	}
	shop_reap(&fault.shop, over, 8);
	/* The first unit is bad, and with it the piece that also those in the second asked for,
	 * unless theirs was read before. */
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(reqs[i].status, STORE_ABSENT);
	for (uint32_t i = 4; i < 8; i++) {
		assert_true(reqs[i].status == STORE_ABSENT || reqs[i].status == STORE_READY);
		spans_drop(&reqs[i]);
	}
	expect_withdrawn(&fault, 1);
	fault_close(&fault);
}

/* Block 19 lies in the first file's end and the second's begin: one of its two units is bad. */
static void
one_bad_unit_spoils_the_block(void **state)
{
	struct fault fault;

	(void)state;
	for (uint32_t file = 0; file < 2; file++) {
		fault_open(&fault, BLOCK);
		lab_spoil(&fault.lab, file, file == 0 ? 5 * UNIT - 1001 : 0);
		assert_int_equal(get(&fault, 19, 0), STORE_ABSENT);
		assert_int_equal(get(&fault, 20, 0), file == 0 ? STORE_READY : STORE_ABSENT);
		assert_int_equal(get(&fault, 18, 0), file == 0 ? STORE_ABSENT : STORE_READY);
		fault_close(&fault);
	}
}

static void
a_gathered_block_with_one_bad_file_is_absent(void **state)
{
	static struct lab_file tiny[100];
	const struct lab_config config = {tiny, 100, 16 * KIB, UNIT, NULL, 0, false, 12, NULL};
	struct torrent *torrent;
	struct store_req req;
	struct shop shop;
	struct lab lab;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(tiny); i++)
		tiny[i].len = 1000;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	torrent = lab_activate(&lab, shop.store);
	lab_spoil(&lab, 15, 999);
	req = block_of(torrent, 0, 0, BLOCK);
	assert_int_equal(shop_get(&shop, &req), STORE_ABSENT);
	assert_int_equal(req.span_cnt, 0);
	assert_int_equal(torrent->active->withdrawn_cnt, 1);
	req = block_of(torrent, 1, 0, BLOCK);
	assert_int_equal(shop_get(&shop, &req), STORE_READY);
	assert_true(spans_equal(&req, lab.content + BLOCK));
	spans_drop(&req);
	shop_close(&shop);
	lab_destroy(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_bytes_are_never_sent),
		cmocka_unit_test(others_withdrawals_are_taken),
		cmocka_unit_test(every_piece_of_the_unit_is_withdrawn),
		cmocka_unit_test(a_file_cut_short_is_told),
		cmocka_unit_test(a_file_that_grew_is_served),
		cmocka_unit_test(a_device_that_fails_is_told),
		cmocka_unit_test(all_who_wait_are_told),
		cmocka_unit_test(one_bad_unit_spoils_the_block),
		cmocka_unit_test(a_gathered_block_with_one_bad_file_is_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
