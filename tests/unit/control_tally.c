/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What several workers have counted of one torrent: seen together, stored once. */
#include "control/link/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	WORKERS = 2,
	SLOTS = 3,
};

struct image {
	struct abi_counters hdr;
	uint64_t values[WORKERS][8];
	struct abi_torrent_stat slots[WORKERS][SLOTS];
};

struct lab {
	char dir[32];
	char path[64];
	struct registry registry;
	struct tally *tally;
	struct torrent *torrent;
	int fd; /* the memfd as the dataplane has it */
};

static struct torrent *
lab_add(struct lab *lab, uint8_t hash)
{
	static const char bytes[] = "d4:infode";
	struct metainfo meta = {.bytes = (uint8_t *)(uintptr_t)bytes, .len = sizeof(bytes) - 1,
	                        .name = (char *)(uintptr_t) "n", .info_hash = {hash}};
	struct registry_wish wish = {.data_dir = "/", .class_name = ""};
	struct torrent *torrent;
	struct fail fail;

	assert_int_equal(registry_add(&lab->registry, &meta, &wish, &torrent, &fail), 0);
	for (uint32_t w = 0; w < WORKERS; w++) {
		torrent->place[w].sync = SYNC_HELD;
		torrent->place[w].active = true;
	}
	return torrent;
}

static void
lab_open(struct lab *lab)
{
	struct registry_limits limits = {.torrents_max = 10, .worker_cnt = WORKERS};
	struct fail fail;

	strcpy(lab->dir, "/tmp/spillway-tally-XXXXXX");
	assert_non_null(mkdtemp(lab->dir));
	snprintf(lab->path, sizeof(lab->path), "%s/c.db", lab->dir);
	assert_int_equal(registry_open(&lab->registry, lab->path, &limits, &fail), 0);
	assert_int_equal(tally_create(&lab->tally, &lab->registry), 0);
	lab->torrent = lab_add(lab, 1);
	lab->fd = -1;
}

static void
lab_close(struct lab *lab)
{
	char path[80];

	tally_destroy(lab->tally);
	registry_close(&lab->registry);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", lab->path, (const char *[]){"", "-wal", "-shm"}[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(lab->dir), 0);
	close(lab->fd);
}

/* lab_welcome starts a dataplane that has counted nothing. */
static int
lab_welcome(struct lab *lab, uint64_t boot_id, uint32_t worker_cnt)
{
	struct image image = {
		.hdr = {
			.magic = ABI_MAGIC,
			.version = ABI_VERSION,
			.counter_cnt = 0,
			.worker_cnt = WORKERS,
			.slot_cnt = SLOTS,
			.worker_stride = 64,
			.desc_off = sizeof(struct abi_counters),
			.value_off = offsetof(struct image, values),
			.torrent_off = offsetof(struct image, slots),
			.torrent_stride = SLOTS * sizeof(struct abi_torrent_stat),
		},
	};
	struct abi_welcome welcome = {.boot_id = boot_id, .worker_cnt = worker_cnt,
	                              .counters_len = sizeof(image)};
	struct fail fail;

	close(lab->fd);
	lab->fd = memfd_create("image", 0);
	assert_int_equal(write(lab->fd, &image, sizeof(image)), sizeof(image));
	return tally_welcome(lab->tally, &welcome, dup(lab->fd), &fail);
}

static void
lab_slot(struct lab *lab, uint32_t worker, uint32_t slot, struct abi_torrent_stat stat)
{
	off_t off = (off_t)(offsetof(struct image, slots) + (worker * SLOTS + slot) * sizeof(stat));

	assert_int_equal(pwrite(lab->fd, &stat, sizeof(stat), off), sizeof(stat));
}

static struct abi_torrent_stat
stat_of(const struct lab *lab, uint32_t peer_cnt, uint64_t uploaded_bytes)
{
	return (struct abi_torrent_stat){.id = lab->torrent->id, .peer_cnt = peer_cnt,
	                                 .uploaded_bytes = uploaded_bytes};
}

static void
workers_are_seen_together(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	assert_null(tally_stats(lab.tally));
	assert_int_equal(lab_welcome(&lab, 7, WORKERS), 0);
	lab_slot(&lab, 0, 2, stat_of(&lab, 3, 100));
	lab_slot(&lab, 1, 0, stat_of(&lab, 4, 20));
	lab_slot(&lab, 1, 1, (struct abi_torrent_stat){.id = 999, .peer_cnt = 9});
	assert_non_null(tally_stats(lab.tally));
	assert_int_equal(torrents_whole(lab.torrent).peer_cnt, 7);
	assert_int_equal(torrents_whole(lab.torrent).uploaded_bytes, 120);
	/* Looked at again it is no more. */
	tally_stats(lab.tally);
	assert_int_equal(torrents_whole(lab.torrent).uploaded_bytes, 120);
	lab_close(&lab);
}

static void
one_worker_lets_go(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	assert_int_equal(lab_welcome(&lab, 7, WORKERS), 0);
	lab_slot(&lab, 0, 0, stat_of(&lab, 1, 100));
	lab_slot(&lab, 1, 0, stat_of(&lab, 1, 20));
	tally_stats(lab.tally);
	tally_fold(lab.tally, lab.torrent, 0);
	lab_slot(&lab, 0, 0, (struct abi_torrent_stat){0});
	assert_int_equal(lab.torrent->uploaded_bytes, 100);
	lab_slot(&lab, 1, 0, stat_of(&lab, 1, 50));
	tally_stats(lab.tally);
	assert_true(torrents_whole(lab.torrent).active);
	assert_int_equal(torrents_whole(lab.torrent).uploaded_bytes, 150);
	lab_close(&lab);
}

static void
death_stores_what_all_had(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	assert_int_equal(lab_welcome(&lab, 7, WORKERS), 0);
	lab_slot(&lab, 0, 0, stat_of(&lab, 1, 100));
	tally_stats(lab.tally);
	/* Worker 0 has cleared its slot on the way out; worker 1 had never been looked at. */
	lab_slot(&lab, 0, 0, (struct abi_torrent_stat){0});
	lab_slot(&lab, 1, 1, stat_of(&lab, 1, 20));
	tally_ended(lab.tally);
	assert_int_equal(lab.torrent->uploaded_bytes, 120);
	assert_false(torrents_whole(lab.torrent).active);
	assert_null(tally_stats(lab.tally));
	tally_ended(lab.tally);
	assert_int_equal(lab.torrent->uploaded_bytes, 120);
	lab_close(&lab);
}

static void
a_new_dataplane_ends_the_old(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	assert_int_equal(lab_welcome(&lab, 7, WORKERS), 0);
	lab_slot(&lab, 0, 0, stat_of(&lab, 1, 100));
	lab_slot(&lab, 1, 0, stat_of(&lab, 1, 20));
	/* The second worker's welcome is of the same one. */
	struct abi_welcome again = {.boot_id = 7, .worker_cnt = WORKERS, .worker = 1};
	struct fail fail;
	assert_int_equal(tally_welcome(lab.tally, &again, dup(lab.fd), &fail), 0);
	assert_int_equal(lab.torrent->uploaded_bytes, 0);
	tally_stats(lab.tally);
	assert_int_equal(lab_welcome(&lab, 8, WORKERS), 0);
	assert_int_equal(lab.torrent->uploaded_bytes, 120);
	assert_true(lab_welcome(&lab, 9, WORKERS + 1) < 0);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_are_seen_together),
		cmocka_unit_test(one_worker_lets_go),
		cmocka_unit_test(death_stores_what_all_had),
		cmocka_unit_test(a_new_dataplane_ends_the_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
