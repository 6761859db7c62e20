/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Who has seen all up to a serial is told what came after, and nothing else. */
#include "control/catalogue/torrents.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { FIRST = 1000 };

static struct torrent *
insert(struct torrents *set, uint32_t id)
{
	struct catalogue_row row = {
		.id = id,
		.state = TORRENT_SEEDING,
		.name = "n",
		.reason = "",
		.class_name = "",
		.labels = "",
		.settings.weight = TORRENT_WEIGHT_PRESET,
	};

	memcpy(row.info_hash, &id, sizeof(id));
	return torrents_insert(set, &row);
}

static struct torrents *
three(void)
{
	struct torrents *set;

	assert_int_equal(torrents_create(&set, 1), 0);
	torrents_serial_begin(set, FIRST);
	for (uint32_t id = 1; id <= 3; id++)
		assert_non_null(insert(set, id));
	return set;
}

/* expect asserts which torrents changed after serial, in that order. */
static void
expect(const struct torrents *set, uint64_t serial, const uint32_t *ids, uint32_t cnt)
{
	const struct torrent *t = torrents_changed_after(set, serial);

	for (uint32_t i = 0; i < cnt; i++, t = t->changed_next) {
		assert_non_null(t);
		assert_int_equal(t->id, ids[i]);
		assert_true(t->changed_serial > serial);
	}
	assert_null(t);
}

static void
changes_come_in_order(void **state)
{
	struct torrents *set = three();
	uint64_t serial = torrents_serial(set);

	(void)state;
	assert_int_equal(serial, FIRST + 3);
	expect(set, FIRST, (uint32_t[]){1, 2, 3}, 3);
	expect(set, serial, NULL, 0);
	torrents_touch(set, torrents_by_id(set, 2));
	torrents_touch(set, torrents_by_id(set, 1));
	torrents_touch(set, torrents_by_id(set, 2));
	expect(set, serial, (uint32_t[]){1, 2}, 2);
	expect(set, torrents_serial(set) - 1, (uint32_t[]){2}, 1);
	torrents_set_reason(set, torrents_by_id(set, 3), "why");
	assert_int_equal(torrents_set_labels(set, torrents_by_id(set, 1), "a"), 0);
	expect(set, FIRST, (uint32_t[]){2, 3, 1}, 3);
	torrents_destroy(set);
}

static void
removals_are_told(void **state)
{
	struct torrents *set = three();
	uint64_t serial = torrents_serial(set);

	(void)state;
	assert_null(torrents_removed_after(set, FIRST));
	torrents_hide(set, torrents_by_id(set, 2));
	torrents_touch(set, torrents_by_id(set, 2));
	expect(set, FIRST, (uint32_t[]){1, 3}, 2);
	const struct torrents_removed *removed = torrents_removed_after(set, serial);
	assert_int_equal(removed->id, 2);
	assert_int_equal(removed->info_hash[0], 2);
	assert_null(torrents_removed_after(set, removed->serial));
	torrents_free_one(set, torrents_by_id(set, 2));
	torrents_free_one(set, torrents_by_id(set, 1));
	removed = torrents_removed_after(set, removed->serial);
	assert_int_equal(removed->id, 1);
	assert_null(torrents_removed_after(set, removed->serial));
	expect(set, FIRST, (uint32_t[]){3}, 1);
	torrents_destroy(set);
}

static void
what_is_forgotten_is_known(void **state)
{
	struct torrents *set = three();
	uint64_t serial = torrents_serial(set);

	(void)state;
	assert_false(torrents_serial_known(set, FIRST - 1));
	assert_true(torrents_serial_known(set, FIRST));
	assert_true(torrents_serial_known(set, serial));
	assert_false(torrents_serial_known(set, serial + 1));
	for (uint32_t i = 0; i < TORRENTS_REMOVED_MAX; i++)
		torrents_free_one(set, insert(set, 10 + i));
	assert_true(torrents_serial_known(set, serial));
	assert_int_equal(torrents_removed_after(set, serial)->id, 10);
	torrents_free_one(set, torrents_by_id(set, 3));
	assert_false(torrents_serial_known(set, serial));
	/* The removal of 10 is lost: who has seen it can still be told the rest. */
	assert_true(torrents_serial_known(set, serial + 2));
	assert_int_equal(torrents_removed_after(set, serial + 2)->id, 11);
	assert_int_equal(torrents_removed_after(set, torrents_serial(set) - 1)->id, 3);
	torrents_destroy(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_come_in_order),
		cmocka_unit_test(removals_are_told),
		cmocka_unit_test(what_is_forgotten_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
