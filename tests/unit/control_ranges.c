/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* catalogue_ranges: what is kept of verifications that are not done. */
#include "control/catalogue/catalogue_ranges.h"

#include "tests/unit/metainfo_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct catalogue *
opened(void)
{
	struct catalogue *c;
	struct fail fail;

	if (catalogue_open(&c, "catalogue.db", &fail) != 0)
		fail_msg("%s", fail.text);
	return c;
}

static void
put(struct catalogue *c, uint32_t id, uint32_t range, uint64_t key)
{
	uint8_t piece[3] = {1, 0, (uint8_t)range};
	uint64_t fingerprint[2] = {UINT64_MAX, range};
	struct verify_saved saved = {
		.range = range, .key = key, .piece_cnt = 3, .unit_cnt = 2,
		.piece = piece, .fingerprint = fingerprint,
	};
	struct fail fail;

	assert_int_equal(catalogue_range_put(c, id, &saved, &fail), 0);
}

static uint32_t
cnt_of(struct catalogue *c, uint32_t id)
{
	struct verify_saved *saved;
	struct fail fail;
	uint32_t cnt;

	assert_int_equal(catalogue_ranges(c, id, &saved, &cnt, &fail), 0);
	for (uint32_t i = 0; i < cnt; i++)
		verify_saved_free(&saved[i]);
	free(saved);
	return cnt;
}

static void
kept_over_restarts(void **state)
{
	struct catalogue *c = opened();
	struct verify_saved *saved;
	struct fail fail;
	uint32_t cnt;

	(void)state;
	for (uint32_t range = 0; range < 40; range++)
		put(c, 7, range, UINT64_MAX - range);
	put(c, 7, 5, 99); /* in the place of the older one */
	put(c, 9, 0, 1);
	catalogue_close(c);
	c = opened();
	assert_int_equal(catalogue_ranges(c, 7, &saved, &cnt, &fail), 0);
	assert_int_equal(cnt, 40);
	for (uint32_t i = 0; i < cnt; i++) {
		assert_int_equal(saved[i].range, i);
		assert_true(saved[i].key == (i == 5 ? 99 : UINT64_MAX - i));
		assert_int_equal(saved[i].piece_cnt, 3);
		assert_int_equal(saved[i].piece[2], i);
		assert_int_equal(saved[i].unit_cnt, 2);
		assert_true(saved[i].fingerprint[0] == UINT64_MAX && saved[i].fingerprint[1] == i);
		verify_saved_free(&saved[i]);
	}
	free(saved);
	assert_int_equal(catalogue_ranges_clear(c, 7, &fail), 0);
	assert_int_equal(cnt_of(c, 7), 0);
	assert_int_equal(cnt_of(c, 9), 1);
	catalogue_close(c);
}

static void
asked_for(void **state)
{
	struct catalogue *c = opened();
	const uint32_t ids[] = {3, 8, 4000000000u};
	struct fail fail;

	(void)state;
	assert_int_equal(catalogue_ranges_after(c, 0), 0);
	put(c, 8, 0, 1);
	put(c, 5, 2, 1);
	assert_int_equal(catalogue_ranges_ask(c, ids, 3, &fail), 0);
	assert_int_equal(catalogue_ranges_after(c, 0), 3);
	assert_int_equal(catalogue_ranges_after(c, 3), 5);
	assert_int_equal(catalogue_ranges_after(c, 5), 8);
	assert_int_equal(catalogue_ranges_after(c, 8), 4000000000u);
	assert_int_equal(catalogue_ranges_after(c, 4000000000u), 0);
	/* That it was asked for is no range, and what there was is forgotten. */
	assert_int_equal(cnt_of(c, 8), 0);
	assert_int_equal(cnt_of(c, 5), 1);
	assert_int_equal(catalogue_ranges_clear(c, 8, &fail), 0);
	assert_int_equal(catalogue_ranges_after(c, 5), 4000000000u);
	catalogue_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_over_restarts, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(asked_for, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
