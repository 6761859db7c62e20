/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A layout is refused unless every seal, number, place, sum and order in it is right; whatever is
 * wrong, nothing crashes and nothing is kept. */
#include "tests/unit/store_lab.h"

#include "dataplane/store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1024, ALL_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

/* The base of a patch: the header, or one of the three extents (file, pad, file). */
enum base { HEADER, FIRST, PAD, LAST };

struct patch {
	const char *what;
	enum base base;
	size_t off;
	size_t size;
	uint64_t value;
};

#define H(field) HEADER, offsetof(struct abi_layout, field), sizeof(((struct abi_layout *)0)->field)
#define E(which, field)                                                                            \
	which, offsetof(struct abi_extent, field), sizeof(((struct abi_extent *)0)->field)

/* 100000 bytes of file, 31072 of pad, 70001 of file: 201073 bytes, 13 pieces, 7 + 5 units */
static const struct lab_file files[] = {{100000, false}, {31072, true}, {70001, false}};
static const struct lab_config config = {files, 3, 16 * KIB, 16 * KIB, NULL, 0, false, 11, NULL};

static const struct patch patches[] = {
	{"magic", H(magic), ABI_MAGIC + 1},
	{"version", H(version), ABI_VERSION + 1},
	{"no bytes", H(total_len), 0},
	{"total beyond the extents", H(total_len), 201074},
	{"total within the extents", H(total_len), 201072},
	{"total wraps", H(total_len), UINT64_MAX},
	{"no piece length", H(piece_len), 0},
	{"piece length too small", H(piece_len), 1023},
	{"piece length too large", H(piece_len), (1u << 30) + 1},
	{"piece length of another count", H(piece_len), 8 * KIB},
	{"no pieces", H(piece_cnt), 0},
	{"one piece too few", H(piece_cnt), 12},
	{"one piece too many", H(piece_cnt), 14},
	{"pieces beyond the file", H(piece_cnt), UINT32_MAX},
	{"no unit length", H(unit_len), 0},
	{"unit length too small", H(unit_len), 8 * KIB},
	{"unit length too large", H(unit_len), 512 * KIB},
	{"unit length no power of two", H(unit_len), 48 * KIB},
	{"unit length of another count", H(unit_len), 32 * KIB},
	{"no files", H(file_cnt), 0},
	{"a file too few", H(file_cnt), 1},
	{"a file too many", H(file_cnt), 3},
	{"more files than extents", H(file_cnt), 4},
	{"no extents", H(extent_cnt), 0},
	{"an extent too few", H(extent_cnt), 2},
	{"an extent too many", H(extent_cnt), 4},
	{"extents beyond the file", H(extent_cnt), UINT32_MAX},
	{"no units", H(unit_cnt), 0},
	{"a unit too few", H(unit_cnt), 11},
	{"a unit too many", H(unit_cnt), 13},
	{"units beyond the file", H(unit_cnt), UINT32_MAX},
	{"no metadata", H(metadata_len), 0},
	{"metadata beyond the file", H(metadata_len), 4096},
	{"metadata too long", H(metadata_len), UINT32_MAX},
	{"private is a flag", H(private_flag), 2},
	{"reserved", H(reserved), 1},
	{"info_hash", H(info_hash), 0},
	{"extents over the header", H(extent_off), 96},
	{"extents not aligned", H(extent_off), 108},
	{"extents outside", H(extent_off), (uint64_t)1 << 40},
	{"extents wrap", H(extent_off), UINT64_MAX - 7},
	{"fingerprints over the extents", H(fingerprint_off), 104},
	{"fingerprints not aligned", H(fingerprint_off), 177},
	{"fingerprints wrap", H(fingerprint_off), UINT64_MAX - 7},
	{"have over the fingerprints", H(have_off), 176},
	{"have outside", H(have_off), (uint64_t)1 << 32},
	{"have wraps", H(have_off), UINT64_MAX - 7},
	{"metadata over the bitfield", H(metadata_off), 272},
	{"metadata outside", H(metadata_off), (uint64_t)1 << 62},
	{"metadata wraps", H(metadata_off), UINT64_MAX - 7},
	{"begins after 0", E(FIRST, torrent_off), 8},
	{"a gap", E(PAD, torrent_off), 100001},
	{"an overlap", E(LAST, torrent_off), 131071},
	{"an empty extent", E(FIRST, len), 0},
	{"an extent too short", E(FIRST, len), 99999},
	{"an extent too long", E(FIRST, len), 100001},
	{"an extent of everything", E(LAST, len), UINT64_MAX},
	{"an extent that wraps", E(PAD, len), UINT64_MAX - 100000},
	{"files from 1 on", E(FIRST, file), 1},
	{"a file twice", E(LAST, file), 0},
	{"a file left out", E(LAST, file), 2},
	{"a file that became pad", E(LAST, file), ABI_FILE_PAD},
	{"a pad that became file", E(PAD, file), 1},
	{"units from 1 on", E(FIRST, unit_first), 1},
	{"a pad with units", E(PAD, unit_first), 7},
	{"units shared", E(LAST, unit_first), 6},
	{"units skipped", E(LAST, unit_first), 8},
};

static void
apply(struct lab *lab, const struct patch *patch)
{
	uint8_t *base = (uint8_t *)lab->layout;

	if (patch->base != HEADER)
		base = (uint8_t *)&lab->extents[patch->base - FIRST];
	if (patch->size > sizeof(patch->value))
		base[patch->off] ^= 1;
	else
		memcpy(base + patch->off, &patch->value, patch->size);
}

/* check_cold asserts that a refused activation left nothing behind. */
static void
check_cold(struct shop *shop, uint32_t id)
{
	struct torrent *torrent = store_by_id(shop->store, id);

	assert_int_equal(torrent->state, TORRENT_COLD);
	assert_null(torrent->active);
	assert_int_equal(shop->stats[0].id, 0);
	assert_int_equal(shop_count(shop, CTR_torrents_active), 0);
}

static void
each_field_is_checked(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, 8, 1);
	for (uint32_t i = 0; i < ARRAY_CNT(patches); i++) {
		enum abi_status status;
		struct lab lab;

		lab_create(&lab, &config);
		assert_int_equal(store_add(shop.store, lab.id, lab.info_hash), ABI_OK);
		apply(&lab, &patches[i]);
		status = store_layout(shop.store, lab.id, lab_layout_fd(&lab));
		if (status != ABI_ERR_LAYOUT)
			fail_msg("%s: status %d", patches[i].what, status);
		check_cold(&shop, lab.id);
		assert_int_equal(store_remove(shop.store, lab.id), ABI_OK);
		lab_destroy(&lab);
	}
	shop_close(&shop);
}

static void
spare_bits_are_checked(void **state)
{
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, lab.id, lab.info_hash), ABI_OK);
	for (int bit = 0; bit < 3; bit++) {
		lab.have[1] ^= (uint8_t)(1 << bit);
		assert_int_equal(store_layout(shop.store, lab.id, lab_layout_fd(&lab)),
		                 ABI_ERR_LAYOUT);
		lab.have[1] ^= (uint8_t)(1 << bit);
	}
	assert_int_equal(lab_fill(&lab, shop.store), ABI_OK);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
each_seal_is_asked_for(void **state)
{
	static const int seals[] = {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW};
	struct shop shop;
	struct lab lab;
	int fd;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, lab.id, lab.info_hash), ABI_OK);
	for (uint32_t i = 0; i < ARRAY_CNT(seals); i++) {
		fd = lab_image_fd(&lab, lab.image_len, ALL_SEALS & ~seals[i]);
		assert_int_equal(store_layout(shop.store, lab.id, fd), ABI_ERR_LAYOUT);
		assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken over */
	}
	fd = lab_image_fd(&lab, lab.image_len, 0);
	assert_int_equal(store_layout(shop.store, lab.id, fd), ABI_ERR_LAYOUT);
	fd = lab_file_fd(&lab, 0);
	assert_int_equal(store_layout(shop.store, lab.id, fd), ABI_ERR_LAYOUT);
	assert_int_equal(store_layout(shop.store, lab.id, -1), ABI_ERR_LAYOUT);
	check_cold(&shop, lab.id);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
each_length_is_checked(void **state)
{
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 8, 1);
	assert_int_equal(store_add(shop.store, lab.id, lab.info_hash), ABI_OK);
	for (size_t len = 0; len < lab.image_len; len++)
		assert_int_equal(
		    store_layout(shop.store, lab.id, lab_image_fd(&lab, len, ALL_SEALS)),
		    ABI_ERR_LAYOUT);
	assert_int_equal(store_layout(shop.store, lab.id,
	                              lab_image_fd(&lab, lab.image_len + 5000, ALL_SEALS)),
	                 ABI_OK);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
a_unit_fits_a_buffer(void **state)
{
	const struct lab_file file = {.len = 300 * KIB};
	struct lab_config long_units = {&file, 1, 128 * KIB, 128 * KIB, NULL, 0, false, 6, NULL};
	struct store_config store = {.torrents_max = 1, .active_max = 1};

	(void)state;
	for (uint32_t len = ABI_BUFFER_MIN; len <= ABI_UNIT_MAX; len *= 2) {
		struct shop shop;
		struct lab lab;

		store.buffer_len = len;
		lab_create(&lab, &long_units);
		shop_open_as(&shop, 8, &store);
		assert_int_equal(store_add(shop.store, lab.id, lab.info_hash), ABI_OK);
		assert_int_equal(lab_fill(&lab, shop.store),
		                 len < 128 * KIB ? ABI_ERR_LAYOUT : ABI_OK);
		shop_close(&shop);
		lab_destroy(&lab);
	}
}

static void
buffers_of_other_lengths_are_refused(void **state)
{
	static const uint32_t lens[] = {0, ABI_BUFFER_MIN / 2, 96 * KIB, ABI_UNIT_MAX * 2};
	struct counters ctr;
	struct abi_torrent_stat stat;
	void *arena = aligned_alloc(STORE_ALIGN, 8 * ABI_UNIT_MAX);

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(lens); i++) {
		struct store_config store = {
			.torrents_max = 1,
			.active_max = 1,
			.arena = arena,
			.arena_len = 8 * ABI_UNIT_MAX,
			.buffer_len = lens[i],
			.ctr = &ctr,
			.stats = &stat,
		};

		assert_null(store_create(&store));
		assert_int_equal(errno, EINVAL);
	}
	free(arena);
}

/* Words of the image are replaced at random, in memory of exactly its length: a sanitizer sees any
 * step outside, and what is accepted can be followed from end to end. */
static void
noise_is_survived(void **state)
{
	static const uint64_t values[] = {0, 1, 7, 8, 16384, UINT32_MAX, UINT64_MAX, 1u << 31};
	uint8_t *copy;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	copy = malloc(lab.image_len);
	srandom(7);
	for (int round = 0; round < 20000; round++) {
		struct abi_layout *layout = (struct abi_layout *)copy;
		size_t at = (size_t)random() % (lab.fingerprints - (uint64_t *)lab.image) * 8;
		uint64_t value = values[random() % 8] + (uint64_t)(random() % 3) - 1;

		memcpy(copy, lab.image, lab.image_len);
		memcpy(copy + at + random() % 2 * 4, &value, 4 + random() % 2 * 4);
		if (layout_check(layout, lab.image_len, lab.info_hash))
			assert_true(layout->total_len == 201073 && layout->extent_cnt == 3);
	}
	assert_true(layout_check(lab.layout, lab.image_len, lab.info_hash));
	free(copy);
	lab_destroy(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_is_checked),
		cmocka_unit_test(spare_bits_are_checked),
		cmocka_unit_test(each_seal_is_asked_for),
		cmocka_unit_test(each_length_is_checked),
		cmocka_unit_test(a_unit_fits_a_buffer),
		cmocka_unit_test(buffers_of_other_lengths_are_refused),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
