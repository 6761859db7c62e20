/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reads that are polled for: the same bytes, and nothing lost where they turn out impossible. */
#include "tests/unit/store_lab.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KIB = 1024, UNIT = 64 * KIB, UNITS = 32, BUFFERS = 16 };

static const struct lab_file files[] = {{UNITS * UNIT - 5, false}};

struct polled {
	struct lab lab;
	struct shop shop;
	struct torrent *torrent;
};

/* polled_open makes a store that polls or does not, and a torrent told with these flags. The
 * parent's file system decides what can be. */
static void
polled_open(struct polled *p, bool polled, uint32_t flags, const char *parent)
{
	struct lab_config config = {files, 1, UNIT, UNIT, NULL, 0, false, 31, parent};
	struct store_config store = {.torrents_max = 1, .active_max = 1, .polled = polled};
	struct abi_files told = {.file_cnt = 1, .flags = flags};
	int fd;

	lab_create(&p->lab, &config);
	shop_open_as(&p->shop, BUFFERS, &store);
	assert_int_equal(store_add(p->shop.store, p->lab.id, p->lab.info_hash), ABI_OK);
	assert_int_equal(store_layout(p->shop.store, p->lab.id, lab_layout_fd(&p->lab)), ABI_OK);
	told.id = p->lab.id;
	fd = lab_file_fd(&p->lab, 0);
	assert_int_equal(store_files(p->shop.store, &told, &fd, 1), ABI_OK);
	p->torrent = store_by_id(p->shop.store, p->lab.id);
}

static void
polled_close(struct polled *p)
{
	shop_close(&p->shop);
	lab_destroy(&p->lab);
}

static uint64_t
got(const struct polled *p, enum counter which)
{
	return shop_count(&p->shop, which);
}

/* The disk of this machine may have no poll queue: the file system takes such reads still. */
static void
the_bytes_are_the_same(void **state)
{
	struct polled p;

	(void)state;
	polled_open(&p, true, ABI_FILES_POLLED, NULL);
	shop_walk(&p.shop, &p.lab, p.torrent, 16 * KIB);
	if (got(&p, CTR_disk_poll_refused) == 0)
		assert_int_equal(got(&p, CTR_disk_polled), got(&p, CTR_disk_reads));
	assert_int_equal(got(&p, CTR_pieces_withdrawn), 0);
	polled_close(&p);
}

static void
only_what_both_want_is_polled(void **state)
{
	struct polled p;

	(void)state;
	polled_open(&p, true, 0, NULL);
	shop_walk(&p.shop, &p.lab, p.torrent, 16 * KIB);
	assert_int_equal(got(&p, CTR_disk_polled), 0);
	polled_close(&p);
	polled_open(&p, false, ABI_FILES_POLLED, NULL);
	shop_walk(&p.shop, &p.lab, p.torrent, 16 * KIB);
	assert_int_equal(got(&p, CTR_disk_polled), 0);
	polled_close(&p);
}

/* A file system in memory knows no polling. All that is in flight when the first comes back refused
 * is refused too, and read in the ordinary way. */
static void
what_cannot_be_polled_is_read(void **state)
{
	struct store_req reqs[BUFFERS], *over[BUFFERS];
	struct polled p;

	(void)state;
	polled_open(&p, true, ABI_FILES_POLLED, "/dev/shm");
	for (uint32_t i = 0; i < BUFFERS; i++) {
		reqs[i] = block_of(p.torrent, i, 0, 16 * KIB);
		assert_int_equal(store_read(p.shop.store, &reqs[i]), STORE_PENDING);
	}
	shop_reap(&p.shop, over, BUFFERS);
	for (uint32_t i = 0; i < BUFFERS; i++) {
		assert_int_equal(reqs[i].status, STORE_READY);
		assert_true(spans_equal(&reqs[i], p.lab.content + i * UNIT));
		spans_drop(&reqs[i]);
	}
	assert_int_equal(got(&p, CTR_disk_poll_refused), 1);
	assert_int_equal(got(&p, CTR_disk_polled), BUFFERS);
	shop_walk(&p.shop, &p.lab, p.torrent, 16 * KIB);
	assert_int_equal(got(&p, CTR_disk_polled), BUFFERS);
	assert_int_equal(got(&p, CTR_disk_errors), 0);
	polled_close(&p);
}

/* Nobody is told of the end of a polled read: whoever would sleep is woken at once. */
static void
nobody_sleeps_over_a_polled_read(void **state)
{
	struct store_req req, *over;
	struct pollfd wait;
	struct polled p;

	(void)state;
	polled_open(&p, true, ABI_FILES_POLLED, NULL);
	req = block_of(p.torrent, 0, 0, 16 * KIB);
	assert_int_equal(store_read(p.shop.store, &req), STORE_PENDING);
	wait = (struct pollfd){.fd = store_wait_fd(p.shop.store), .events = POLLIN};
	assert_int_equal(poll(&wait, 1, 0), 1);
	shop_reap(&p.shop, &over, 1);
	spans_drop(&req);
	wait.fd = store_wait_fd(p.shop.store);
	assert_int_equal(poll(&wait, 1, 0), 0);
	polled_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_the_same),
		cmocka_unit_test(only_what_both_want_is_polled),
		cmocka_unit_test(what_cannot_be_polled_is_read),
		cmocka_unit_test(nobody_sleeps_over_a_polled_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
