/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The life of a torrent: known, asked for, filled batch by batch, active, idle, cold again, gone;
 * and that every message out of turn is refused without harm. */
#include "tests/unit/store_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1024, IDS = 96, HASHES = 96 };

static const struct lab_file one_file = {.len = 100000};

static struct lab_config
config_of(const struct lab_file *files, uint32_t file_cnt, uint64_t seed)
{
	return (struct lab_config){files, file_cnt, 16 * KIB, 16 * KIB, NULL, 0, false, seed, NULL};
}

static void
make_one(struct lab *lab, uint64_t seed)
{
	struct lab_config config = config_of(&one_file, 1, seed);

	lab_create(lab, &config);
}

/* next_event asserts that there is exactly one event and returns it. */
static struct store_event
next_event(struct shop *shop, enum store_event_type type, uint32_t id)
{
	struct store_event events[2];

	assert_int_equal(store_events(shop->store, events, 2), 1);
	assert_int_equal(events[0].type, type);
	assert_int_equal(events[0].id, id);
	return events[0];
}

static void
no_event(struct shop *shop)
{
	struct store_event event;

	assert_int_equal(store_events(shop->store, &event, 1), 0);
}

static void
hash_of(uint32_t number, uint8_t info_hash[20])
{
	memset(info_hash, 0, 20);
	memcpy(info_hash + 7, &number, sizeof(number));
}

/* check_held asserts that ABI_HELD's walk gives what the model has. */
static void
check_held(struct shop *shop, const uint32_t *hash_by_id, uint32_t cnt)
{
	struct abi_entry entries[5];
	uint32_t cursor = 0, seen = 0, n;

	while ((n = store_held(shop->store, &cursor, entries, 5)) > 0) {
		for (uint32_t i = 0; i < n; i++) {
			uint8_t info_hash[20];

			assert_in_range(entries[i].id, 1, IDS - 1);
			hash_of(hash_by_id[entries[i].id], info_hash);
			assert_memory_equal(entries[i].info_hash, info_hash, 20);
			assert_int_equal(entries[i].active, 0);
		}
		seen += n;
	}
	assert_int_equal(seen, cnt);
}

/* The catalogue against a model: 64 places, more ids and hashes than that. */
static void
ids_and_hashes_pair_one_to_one(void **state)
{
	uint32_t hash_by_id[IDS] = {0}, id_by_hash[HASHES] = {0}, cnt = 0, full_cnt = 0;
	uint8_t info_hash[20];
	struct shop shop;

	(void)state;
	shop_open(&shop, 8, 1);
	srandom(5);
	for (int round = 0; round < 30000; round++) {
		uint32_t id = 1 + (uint32_t)random() % (IDS - 1);
		uint32_t hash = 1 + (uint32_t)random() % (HASHES - 1);
		bool same = hash_by_id[id] == hash && id_by_hash[hash] == id;
		enum abi_status expect = ABI_OK;
		struct torrent *torrent;

		hash_of(hash, info_hash);
		torrent = store_find(shop.store, info_hash);
		assert_int_equal(torrent == NULL ? 0 : torrent->id, id_by_hash[hash]);
		torrent = store_by_id(shop.store, id);
		assert_int_equal(torrent != NULL, hash_by_id[id] != 0);
		if (random() % 20 == 0) {
			expect = hash_by_id[id] != 0 ? ABI_OK : ABI_ERR_UNKNOWN;
			assert_int_equal(store_remove(shop.store, id), expect);
			cnt -= hash_by_id[id] != 0;
			id_by_hash[hash_by_id[id]] = 0;
			hash_by_id[id] = 0;
			continue;
		}
		if (!same && (hash_by_id[id] != 0 || id_by_hash[hash] != 0))
			expect = ABI_ERR_EXISTS;
		else if (!same && cnt == 64)
			expect = ABI_ERR_FULL;
		full_cnt += expect == ABI_ERR_FULL;
		assert_int_equal(store_add(shop.store, id, info_hash), expect);
		if (expect == ABI_OK) {
			cnt += !same;
			hash_by_id[id] = hash;
			id_by_hash[hash] = id;
		}
		assert_int_equal(shop_count(&shop, CTR_torrents), cnt);
	}
	assert_true(full_cnt > 0);
	for (uint32_t id = 1; id < IDS; id += 7) {
		cnt -= hash_by_id[id] != 0;
		store_remove(shop.store, id);
	}
	check_held(&shop, hash_by_id, cnt);
	assert_int_equal(store_add(shop.store, 0, info_hash), ABI_ERR_MESSAGE);
	shop_close(&shop);
}

static void
the_first_peer_asks_and_batches_fill(void **state)
{
	static struct lab_file files[150];
	struct lab_config config = config_of(files, ARRAY_CNT(files), 21);
	struct abi_files message = {.id = 21};
	struct abi_entry held;
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;
	uint32_t cursor = 0;
	int fds[60];

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(files); i++)
		files[i].len = 100 + i;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 2);
	assert_int_equal(store_add(shop.store, 21, lab.info_hash), ABI_OK);
	torrent = store_find(shop.store, lab.info_hash);
	no_event(&shop);
	store_join(shop.store, torrent);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 21);
	assert_int_equal(torrent->state, TORRENT_ASKED);
	assert_int_equal(store_layout(shop.store, 21, lab_layout_fd(&lab)), ABI_OK);
	while (message.file_first < 150) {
		assert_int_equal(torrent->state, TORRENT_FILLING);
		assert_null(torrent->active);
		message.file_cnt = MIN(60, 150 - message.file_first);
		for (uint32_t i = 0; i < message.file_cnt; i++)
			fds[i] = lab_file_fd(&lab, message.file_first + i);
		assert_int_equal(store_files(shop.store, &message, fds, message.file_cnt), ABI_OK);
		assert_int_equal(fcntl(fds[0], F_GETFD), -1);
		message.file_first += message.file_cnt;
	}
	assert_int_equal(torrent->state, TORRENT_ACTIVE);
	assert_int_equal(torrent->active->have_cnt, lab.layout->piece_cnt);
	assert_ptr_equal(torrent->active->stat, &shop.stats[torrent->active->stat - shop.stats]);
	assert_int_equal(torrent->active->stat->id, 21);
	assert_int_equal(torrent->active->stat->peer_cnt, 2);
	assert_int_equal(shop_count(&shop, CTR_torrents_active), 1);
	assert_int_equal(store_held(shop.store, &cursor, &held, 1), 1);
	assert_int_equal(held.active, 1);
	shop_walk(&shop, &lab, torrent, 16 * KIB);
	no_event(&shop);
	store_leave(shop.store, torrent, 1);
	assert_int_equal(torrent->active->stat->peer_cnt, 1);
	store_leave(shop.store, torrent, 2);
	shop_close(&shop);
	lab_destroy(&lab);
}

/* send_files sends cnt times the first file's descriptor under that header. */
static enum abi_status
send_files(struct shop *shop, const struct lab *lab, struct abi_files message, uint32_t cnt)
{
	enum abi_status status;
	int fds[ABI_FDS_MAX] = {0};

	for (uint32_t i = 0; i < cnt; i++)
		fds[i] = lab_file_fd(lab, 0);
	status = store_files(shop->store, &message, fds, cnt);
	for (uint32_t i = 0; i < cnt; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	return status;
}

static void
messages_out_of_turn_are_refused(void **state)
{
	static const struct lab_file files[] = {{20000, false}, {30000, false}, {10, false}};
	static const struct {
		struct abi_files message;
		uint32_t cnt;
	} wrong[] = {
		{{31, 1, 1, 0}, 1}, /* not the first */
		{{31, 0, 0, 0}, 0}, /* none */
		{{31, 0, 2, 0}, 1}, /* fewer than said */
		{{31, 0, 1, 0}, 2}, /* more than said */
		{{31, 0, 4, 0}, 4}, /* more than the layout's */
	};
	struct lab_config config = config_of(files, 3, 31);
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_layout(shop.store, 31, lab_layout_fd(&lab)), ABI_ERR_UNKNOWN);
	assert_int_equal(send_files(&shop, &lab, wrong[0].message, 1), ABI_ERR_UNKNOWN);
	assert_int_equal(store_refuse(shop.store, 31), ABI_ERR_UNKNOWN);
	assert_int_equal(store_add(shop.store, 31, lab.info_hash), ABI_OK);
	torrent = store_by_id(shop.store, 31);
	assert_int_equal(send_files(&shop, &lab, wrong[0].message, 1), ABI_ERR_STATE);
	for (uint32_t i = 0; i < ARRAY_CNT(wrong); i++) {
		assert_int_equal(store_layout(shop.store, 31, lab_layout_fd(&lab)), ABI_OK);
		assert_int_equal(send_files(&shop, &lab, wrong[i].message, wrong[i].cnt),
		                 ABI_ERR_MESSAGE);
		assert_int_equal(torrent->state, TORRENT_COLD);
	}
	assert_int_equal(lab_fill(&lab, shop.store), ABI_OK);
	assert_int_equal(store_layout(shop.store, 31, lab_layout_fd(&lab)), ABI_ERR_STATE);
	assert_int_equal(send_files(&shop, &lab, wrong[0].message, 1), ABI_ERR_STATE);
	assert_int_equal(store_refuse(shop.store, 31), ABI_ERR_STATE);
	assert_int_equal(torrent->state, TORRENT_ACTIVE);
	shop_walk(&shop, &lab, torrent, 16 * KIB);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
only_regular_files_are_taken(void **state)
{
	struct abi_files message = {.id = 32, .file_cnt = 1};
	struct shop shop;
	struct lab lab;
	int fds[2];

	(void)state;
	make_one(&lab, 32);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, 32, lab.info_hash), ABI_OK);
	assert_int_equal(store_layout(shop.store, 32, lab_layout_fd(&lab)), ABI_OK);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(store_files(shop.store, &message, fds, 1), ABI_ERR_SYSTEM);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(store_by_id(shop.store, 32)->state, TORRENT_COLD);
	close(fds[1]);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
a_filling_torrent_starts_over(void **state)
{
	static const struct lab_file files[] = {{20000, false}, {30000, false}};
	struct lab_config config = config_of(files, 2, 33);
	struct abi_files message = {.id = 33, .file_cnt = 1};
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, 33, lab.info_hash), ABI_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_layout(shop.store, 33, lab_layout_fd(&lab)), ABI_OK);
		assert_int_equal(send_files(&shop, &lab, message, 1), ABI_OK);
	}
	assert_int_equal(lab_fill(&lab, shop.store), ABI_OK);
	shop_walk(&shop, &lab, store_by_id(shop.store, 33), 16 * KIB);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
control_is_asked_again(void **state)
{
	uint8_t info_hash[20] = {4};
	struct torrent *torrent;
	struct shop shop;

	(void)state;
	shop_open(&shop, 8, 1);
	store_add(shop.store, 4, info_hash);
	torrent = store_by_id(shop.store, 4);
	store_tick(shop.store, 1000);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 4);
	store_tick(shop.store, 1000 + STORE_ASK_AGAIN_US - 1);
	store_join(shop.store, torrent);
	no_event(&shop);
	store_tick(shop.store, 1000 + STORE_ASK_AGAIN_US);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 4);
	assert_int_equal(store_refuse(shop.store, 4), ABI_OK);
	assert_int_equal(torrent->state, TORRENT_COLD);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 4);
	for (int i = 0; i < 4; i++)
		store_leave(shop.store, torrent, 2);
	assert_int_equal(torrent->state, TORRENT_COLD);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 4);
	store_leave(shop.store, torrent, 3);
	shop_close(&shop);
}

static void
a_new_control_is_asked_what_the_old_left(void **state)
{
	static const struct lab_file files[] = {{20000, false}, {30000, false}};
	struct lab_config config = config_of(files, 2, 35);
	struct abi_files message = {.id = 35, .file_cnt = 1};
	uint8_t info_hash[20] = {5};
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, 35, lab.info_hash), ABI_OK);
	assert_int_equal(store_add(shop.store, 36, info_hash), ABI_OK);
	torrent = store_by_id(shop.store, 35);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 35);
	store_ask_again(shop.store);
	next_event(&shop, STORE_EV_ACTIVATE, 35);
	assert_int_equal(store_layout(shop.store, 35, lab_layout_fd(&lab)), ABI_OK);
	assert_int_equal(send_files(&shop, &lab, message, 1), ABI_OK);
	store_ask_again(shop.store);
	next_event(&shop, STORE_EV_ACTIVATE, 35);
	assert_int_equal(torrent->state, TORRENT_ASKED);
	assert_int_equal(lab_fill(&lab, shop.store), ABI_OK);
	store_ask_again(shop.store);
	no_event(&shop);
	shop_walk(&shop, &lab, torrent, 16 * KIB);
	store_leave(shop.store, torrent, 1);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
events_are_bounded(void **state)
{
	static struct store_event events[STORE_EVENTS_MAX + 1];
	uint8_t info_hash[20] = {6};
	struct torrent *torrent;
	struct shop shop;

	(void)state;
	shop_open(&shop, 8, 1);
	store_add(shop.store, 6, info_hash);
	torrent = store_by_id(shop.store, 6);
	for (int i = 0; i < STORE_EVENTS_MAX + 3; i++) {
		store_join(shop.store, torrent);
		store_leave(shop.store, torrent, 1);
	}
	assert_int_equal(shop_count(&shop, CTR_events_lost), 3);
	assert_int_equal(store_events(shop.store, events, STORE_EVENTS_MAX + 1), STORE_EVENTS_MAX);
	store_join(shop.store, torrent);
	next_event(&shop, STORE_EV_ACTIVATE, 6);
	store_leave(shop.store, torrent, 1);
	shop_close(&shop);
}

static void
idle_torrents_are_let_go(void **state)
{
	struct store_event event;
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;

	(void)state;
	make_one(&lab, 41);
	shop_open(&shop, 8, 1);
	torrent = lab_activate(&lab, shop.store);
	store_join(shop.store, torrent);
	store_tick(shop.store, 2ull * STORE_IDLE_US);
	assert_int_equal(torrent->state, TORRENT_ACTIVE);
	torrent->active->stat->uploaded_bytes = 12345;
	torrent->active->stat->request_cnt = 67;
	store_leave(shop.store, torrent, 2ull * STORE_IDLE_US + 5);
	store_tick(shop.store, 3ull * STORE_IDLE_US + 4);
	assert_int_equal(torrent->state, TORRENT_ACTIVE);
	store_tick(shop.store, 3ull * STORE_IDLE_US + 5);
	assert_int_equal(torrent->state, TORRENT_COLD);
	assert_null(torrent->active);
	event = next_event(&shop, STORE_EV_DEACTIVATED, 41);
	assert_int_equal(event.deactivated.slot, 0);
	assert_int_equal(event.deactivated.uploaded_bytes, 12345);
	assert_int_equal(event.deactivated.request_cnt, 67);
	assert_int_equal(shop.stats[0].id, 0);
	assert_int_equal(shop_count(&shop, CTR_torrents_active), 0);
	assert_int_equal(shop_count(&shop, CTR_deactivations), 1);
	assert_int_equal(lab_fill(&lab, shop.store), ABI_OK);
	shop_walk(&shop, &lab, torrent, 16 * KIB);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
the_longest_idle_makes_room(void **state)
{
	struct torrent *torrents[3];
	struct shop shop;
	struct lab labs[4];

	(void)state;
	shop_open(&shop, 8, 3);
	for (uint32_t i = 0; i < 4; i++)
		make_one(&labs[i], 51 + i);
	for (uint32_t i = 0; i < 3; i++) {
		torrents[i] = lab_activate(&labs[i], shop.store);
		store_join(shop.store, torrents[i]);
	}
	assert_int_equal(store_add(shop.store, 54, labs[3].info_hash), ABI_OK);
	assert_int_equal(lab_fill(&labs[3], shop.store), ABI_ERR_FULL);
	store_leave(shop.store, torrents[1], 10);
	store_leave(shop.store, torrents[0], 20);
	store_leave(shop.store, torrents[2], 30);
	store_join(shop.store, torrents[1]);
	store_leave(shop.store, torrents[1], 40);
	assert_int_equal(lab_fill(&labs[3], shop.store), ABI_OK);
	next_event(&shop, STORE_EV_DEACTIVATED, 51);
	assert_int_equal(torrents[0]->state, TORRENT_COLD);
	assert_int_equal(torrents[1]->state, TORRENT_ACTIVE);
	assert_int_equal(torrents[2]->state, TORRENT_ACTIVE);
	assert_int_equal(shop_count(&shop, CTR_torrents_active), 3);
	shop_close(&shop);
	for (uint32_t i = 0; i < 4; i++)
		lab_destroy(&labs[i]);
}

/* Last of its program: the limit of open files, and with it the file table, is lowered for good. */
static void
the_file_table_is_bounded(void **state)
{
	static struct lab_file files[100];
	static struct lab_file more[129];
	struct lab_config configs[] = {config_of(files, 100, 61), config_of(files, 100, 62),
	                               config_of(more, 129, 63)};
	struct rlimit limit = {128, 128};
	struct torrent *torrent;
	struct lab labs[3];
	struct shop shop;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(more); i++)
		more[i].len = files[i % 100].len = 50 + i % 100;
	for (uint32_t i = 0; i < 3; i++)
		lab_create(&labs[i], &configs[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	shop_open(&shop, 8, 3);
	getrlimit(RLIMIT_NOFILE, &limit);
	torrent = lab_activate(&labs[0], shop.store);
	store_join(shop.store, torrent);
	assert_int_equal(store_add(shop.store, 62, labs[1].info_hash), ABI_OK);
	assert_int_equal(store_add(shop.store, 63, labs[2].info_hash), ABI_OK);
	if (limit.rlim_cur == 128) {
		assert_int_equal(lab_fill(&labs[2], shop.store), ABI_ERR_FULL);
		assert_int_equal(lab_fill(&labs[1], shop.store), ABI_ERR_FULL);
		store_leave(shop.store, torrent, 1);
		assert_int_equal(lab_fill(&labs[1], shop.store), ABI_OK);
		next_event(&shop, STORE_EV_DEACTIVATED, 61);
		shop_walk(&shop, &labs[1], store_by_id(shop.store, 62), 16 * KIB);
		assert_int_equal(lab_fill(&labs[0], shop.store), ABI_OK);
		shop_walk(&shop, &labs[0], torrent, 16 * KIB);
	}
	store_remove(shop.store, 62);
	shop_close(&shop);
	for (uint32_t i = 0; i < 3; i++)
		lab_destroy(&labs[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_hashes_pair_one_to_one),
		cmocka_unit_test(the_first_peer_asks_and_batches_fill),
		cmocka_unit_test(messages_out_of_turn_are_refused),
		cmocka_unit_test(only_regular_files_are_taken),
		cmocka_unit_test(a_filling_torrent_starts_over),
		cmocka_unit_test(control_is_asked_again),
		cmocka_unit_test(a_new_control_is_asked_what_the_old_left),
		cmocka_unit_test(events_are_bounded),
		cmocka_unit_test(idle_torrents_are_let_go),
		cmocka_unit_test(the_longest_idle_makes_room),
		cmocka_unit_test(the_file_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
