/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Which reads are checked: all, some, none, and what changes once one differed. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	KIB = 1024,
	UNIT = 16 * KIB,
	UNITS = 128,
	BUFFERS = 8,  /* so few that a walk finds nothing of the last one in memory */
	WALKS = 16,
	READS = UNITS * WALKS,
};

static const struct lab_file files[] = {{UNITS * UNIT, false}};

struct check {
	struct lab lab;
	struct shop shop;
	struct torrent *torrent;
};

static void
check_open(struct check *check, enum store_integrity integrity)
{
	struct lab_config lab = {files, 1, UNIT, UNIT, NULL, 0, false, 11, NULL};
	struct store_config store = {.torrents_max = 4, .active_max = 1, .integrity = integrity};

	lab_create(&check->lab, &lab);
	shop_open_as(&check->shop, BUFFERS, &store);
	check->torrent = lab_activate(&check->lab, check->shop.store);
	store_join(check->shop.store, check->torrent);
}

static void
check_close(struct check *check)
{
	store_leave(check->shop.store, check->torrent, 1);
	shop_close(&check->shop);
	lab_destroy(&check->lab);
}

/* walk reads the units [first, end) one by one. Returns how many were had. */
static uint32_t
walk(struct check *check, uint32_t first, uint32_t end)
{
	uint32_t had = 0;

	for (uint32_t piece = first; piece < end; piece++) {
		struct store_req req = block_of(check->torrent, piece, 0, UNIT);

		had += shop_get(&check->shop, &req) == STORE_READY;
		spans_drop(&req);
	}
	return had;
}

static uint64_t
checked(const struct check *check)
{
	return shop_count(&check->shop, CTR_integrity_checked);
}

static uint64_t
unchecked(const struct check *check)
{
	return shop_count(&check->shop, CTR_integrity_unchecked);
}

static void
always_is_every_read(void **state)
{
	struct check check;

	(void)state;
	check_open(&check, STORE_INTEGRITY_ALWAYS);
	assert_int_equal(walk(&check, 0, UNITS), UNITS);
	assert_int_equal(checked(&check), UNITS);
	assert_int_equal(unchecked(&check), 0);
	check_close(&check);
}

static void
off_is_no_read(void **state)
{
	struct check check;

	(void)state;
	check_open(&check, STORE_INTEGRITY_OFF);
	lab_spoil(&check.lab, 0, 5 * UNIT);
	assert_int_equal(walk(&check, 0, UNITS), UNITS);
	assert_int_equal(checked(&check), 0);
	assert_int_equal(unchecked(&check), UNITS);
	check_close(&check);
}

/* 2048 reads, one in 16: 128, give or take 11. Of 10^9 runs none is out of these bounds. */
static void
sampled_is_about_one_in_sixteen(void **state)
{
	struct check check;

	(void)state;
	check_open(&check, STORE_INTEGRITY_SAMPLED);
	for (uint32_t i = 0; i < WALKS; i++)
		assert_int_equal(walk(&check, 0, UNITS), UNITS);
	assert_in_range(checked(&check), 56, 220);
	assert_int_equal(checked(&check) + unchecked(&check), READS);
	check_close(&check);
}

static void
spoil_all(struct check *check)
{
	for (uint32_t unit = 0; unit < UNITS; unit++)
		lab_spoil(&check->lab, 0, unit * UNIT + 1);
}

/* until_found reads units that all differ until the lot has fallen on one: within READS, or the
 * lot is none. */
static void
until_found(struct check *check)
{
	uint32_t had = 0, tries = 0;

	for (; tries < READS && had == tries; tries++)
		had += walk(check, tries % UNITS, tries % UNITS + 1);
	assert_int_equal(had, tries - 1);
	assert_int_equal(checked(check), 1);
	assert_int_equal(unchecked(check), had);
}

/* Each unit of the file differs. Some are given out until the lot falls on one; then none is. */
static void
sampled_checks_all_once_one_differed(void **state)
{
	struct check check;
	uint64_t before;

	(void)state;
	check_open(&check, STORE_INTEGRITY_SAMPLED);
	spoil_all(&check);
	until_found(&check);
	before = unchecked(&check);
	assert_in_range(walk(&check, 0, UNITS), 0, BUFFERS); /* those that are in memory */
	assert_in_range(checked(&check), UNITS - BUFFERS, UNITS);
	assert_int_equal(unchecked(&check), before);
	check_close(&check);
}

/* A torrent that is activated anew starts with no suspicion: its files were compared again. */
static void
activation_clears_suspicion(void **state)
{
	struct check check;

	(void)state;
	check_open(&check, STORE_INTEGRITY_SAMPLED);
	spoil_all(&check);
	until_found(&check);
	spoil_all(&check); /* each byte is flipped back */
	store_leave(check.shop.store, check.torrent, 1);
	assert_int_equal(store_remove(check.shop.store, check.lab.id), ABI_OK);
	check.torrent = lab_activate(&check.lab, check.shop.store);
	store_join(check.shop.store, check.torrent);
	for (uint32_t i = 0; i < WALKS; i++)
		assert_int_equal(walk(&check, 0, UNITS), UNITS);
	assert_in_range(unchecked(&check), READS - 220, READS);
	check_close(&check);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(always_is_every_read),
		cmocka_unit_test(off_is_no_read),
		cmocka_unit_test(sampled_is_about_one_in_sixteen),
		cmocka_unit_test(sampled_checks_all_once_one_differed),
		cmocka_unit_test(activation_clears_suspicion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
