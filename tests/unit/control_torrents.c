/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The set of torrents: finding, walking while it changes, and the queue. */
#include "control/catalogue/torrents.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 3 };

static struct torrent *
insert(struct torrents *set, uint32_t id, const char *hex, const char *name)
{
	struct catalogue_row row = {
		.id = id,
		.state = TORRENT_SEEDING,
		.name = name,
		.reason = "",
		.class_name = "",
		.labels = "",
	};

	for (int i = 0; i < 20; i++) {
		unsigned byte = 0;
		sscanf(hex + (size_t)(2 * i) % strlen(hex), "%2x", &byte);
		row.info_hash[i] = (uint8_t)byte;
	}
	return torrents_insert(set, &row);
}

static struct torrents *
three(void)
{
	struct torrents *set;

	assert_int_equal(torrents_create(&set, WORKERS), 0);
	insert(set, 1, "cccccccc11", "debian");
	insert(set, 2, "aaaaaaaa", "debian-live");
	insert(set, 9, "cccccccc22", "aaaaaaaab");
	return set;
}

static void
found_by_id_and_hash(void **state)
{
	struct torrents *set = three();
	uint8_t hash[20];

	(void)state;
	assert_int_equal(torrents_cnt(set), 3);
	assert_string_equal(torrents_by_id(set, 9)->name, "aaaaaaaab");
	assert_null(torrents_by_id(set, 3));
	assert_null(torrents_by_id(set, 0));
	memset(hash, 0xaa, sizeof(hash));
	assert_int_equal(torrents_by_hash(set, hash)->id, 2);
	hash[19]++;
	assert_null(torrents_by_hash(set, hash));
	torrents_destroy(set);
}

static void
found_by_what_people_type(void **state)
{
	static const struct {
		const char *text;
		enum torrents_find how;
		uint32_t id;
	} cases[] = {
		{"debian", FIND_ONE, 1},         /* exact name before a prefix of another */
		{"debian-", FIND_ONE, 2},
		{"debia", FIND_SEVERAL, 0},
		{"", FIND_NONE, 0},
		{"ubuntu", FIND_NONE, 0},
		{"aaaaaaaa", FIND_ONE, 2},       /* info_hash before name */
		{"AAAAAAAA", FIND_ONE, 2},
		{"aaaaaaaab", FIND_ONE, 9},      /* no such info_hash: the name */
		{"aaaaaaa", FIND_ONE, 9},        /* 7 digits are no info_hash */
		{"cccccccc", FIND_SEVERAL, 0},
		{"cccccccc1", FIND_ONE, 1},
		{"cccccccc22", FIND_ONE, 9},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", FIND_ONE, 2},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", FIND_NONE, 0},
	};
	struct torrents *set = three();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct torrent *found = NULL;
		enum torrents_find how = torrents_find(set, cases[i].text, &found);
		if (how != cases[i].how || (how == FIND_ONE && found->id != cases[i].id))
			fail_msg("\"%s\": %d", cases[i].text, how);
	}
	torrents_destroy(set);
}

static void
hidden_ones_are_not_found(void **state)
{
	struct torrents *set = three();
	struct torrent *found, *hidden = torrents_by_id(set, 2);

	(void)state;
	torrents_hide(set, hidden);
	assert_int_equal(torrents_find(set, "debian-live", &found), FIND_NONE);
	assert_null(torrents_by_hash(set, hidden->info_hash));
	assert_ptr_equal(torrents_by_id(set, 2), hidden);
	/* Added again at once, under a new id. */
	insert(set, 10, "aaaaaaaa", "debian-live");
	assert_int_equal(torrents_find(set, "debian-live", &found), FIND_ONE);
	assert_int_equal(found->id, 10);
	torrents_free_one(set, hidden);
	assert_null(torrents_by_id(set, 2));
	assert_int_equal(torrents_by_hash(set, found->info_hash)->id, 10);
	torrents_destroy(set);
}

static void
walk_bears_changes(void **state)
{
	struct torrents *set = three();
	uint32_t seen = 0, last = 0;

	(void)state;
	for (struct torrent *t = torrents_after(set, 0); t != NULL; t = torrents_after(set, last)) {
		char hex[9];
		last = t->id;
		seen++;
		snprintf(hex, sizeof(hex), "%08x", seen);
		if (seen < 20)
			insert(set, 10 + seen, hex, "new");
		torrents_free_one(set, t);
	}
	assert_int_equal(seen, 22);
	assert_int_equal(torrents_cnt(set), 0);
	assert_null(torrents_after(set, UINT32_MAX));
	torrents_destroy(set);
}

static void
queue_keeps_order(void **state)
{
	struct torrents *set = three();

	(void)state;
	assert_null(torrents_peek(set, 0));
	for (int round = 0; round < 2; round++) {
		torrents_push(set, 0, torrents_by_id(set, 9));
		torrents_push(set, 0, torrents_by_id(set, 1));
		torrents_push(set, 0, torrents_by_id(set, 2));
		torrents_push(set, 0, torrents_by_id(set, 9));
		assert_int_equal(torrents_pop(set, 0)->id, 9);
		assert_int_equal(torrents_pop(set, 0)->id, 1);
		assert_int_equal(torrents_pop(set, 0)->id, 2);
		assert_null(torrents_peek(set, 0));
	}
	torrents_push(set, 0, torrents_by_id(set, 1));
	torrents_push(set, 0, torrents_by_id(set, 2));
	torrents_push(set, 0, torrents_by_id(set, 9));
	torrents_free_one(set, torrents_by_id(set, 9));
	torrents_free_one(set, torrents_by_id(set, 1));
	insert(set, 11, "bb", "late");
	torrents_push(set, 0, torrents_by_id(set, 11));
	assert_int_equal(torrents_pop(set, 0)->id, 2);
	assert_int_equal(torrents_pop(set, 0)->id, 11);
	assert_null(torrents_peek(set, 0));
	torrents_destroy(set);
}

static void
each_worker_has_its_queue(void **state)
{
	struct torrents *set = three();

	(void)state;
	torrents_push(set, 2, torrents_by_id(set, 9));
	torrents_push_all(set, torrents_by_id(set, 1));
	torrents_push_all(set, torrents_by_id(set, 2));
	assert_int_equal(torrents_pop(set, 0)->id, 1);
	assert_int_equal(torrents_pop(set, 2)->id, 9);
	assert_int_equal(torrents_pop(set, 2)->id, 1);
	/* One that is freed leaves the queues that it is still in. */
	torrents_free_one(set, torrents_by_id(set, 1));
	for (uint32_t worker = 0; worker < WORKERS; worker++) {
		assert_int_equal(torrents_pop(set, worker)->id, 2);
		assert_null(torrents_peek(set, worker));
	}
	torrents_destroy(set);
}

static void
places_are_summed_up(void **state)
{
	struct torrents *set = three();
	struct torrent *t = torrents_by_id(set, 2);

	(void)state;
	t->uploaded_bytes = 1000;
	assert_false(torrents_whole(t).held);
	for (uint32_t worker = 0; worker < WORKERS; worker++) {
		assert_false(torrents_whole(t).held);
		t->place[worker].sync = SYNC_HELD;
		t->place[worker].live_peer_cnt = worker + 1;
		t->place[worker].live_uploaded_bytes = 10 * worker;
	}
	assert_true(torrents_whole(t).held);
	assert_false(torrents_whole(t).active);
	assert_false(torrents_whole(t).refused);
	assert_int_equal(torrents_whole(t).peer_cnt, 6);
	assert_int_equal(torrents_whole(t).uploaded_bytes, 1030);
	t->place[1].active = true;
	assert_true(torrents_whole(t).active);
	t->place[2].stale = true;
	assert_false(torrents_whole(t).held);
	t->place[2].sync = SYNC_REFUSED;
	assert_true(torrents_whole(t).refused);
	torrents_destroy(set);
}

static void
appended_are_found_once_sorted(void **state)
{
	struct torrents *set;
	struct catalogue_row row = {.name = "n", .reason = "", .class_name = "", .labels = "",
	                            .state = TORRENT_SEEDING};
	uint64_t x = 1;

	(void)state;
	assert_int_equal(torrents_create(&set, WORKERS), 0);
	for (row.id = 1; row.id <= 5000; row.id++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		memcpy(row.info_hash, &x, sizeof(x));
		assert_non_null(torrents_append(set, &row));
	}
	torrents_sort(set);
	x = 1;
	for (uint32_t id = 1; id <= 5000; id++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		memcpy(row.info_hash, &x, sizeof(x));
		assert_int_equal(torrents_by_hash(set, row.info_hash)->id, id);
	}
	torrents_destroy(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_id_and_hash),
		cmocka_unit_test(found_by_what_people_type),
		cmocka_unit_test(hidden_ones_are_not_found),
		cmocka_unit_test(walk_bears_changes),
		cmocka_unit_test(queue_keeps_order),
		cmocka_unit_test(each_worker_has_its_queue),
		cmocka_unit_test(places_are_summed_up),
		cmocka_unit_test(appended_are_found_once_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
