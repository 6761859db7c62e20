/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify of v2 (BEP 52): trees in the same pass as SHA-1, a piece of a hybrid that only one half
 * agrees with, torrents without a v1 half, and the leaves hashed many at once. */
#include "control/content/bencode.h"
#include "control/content/leaves.h"
#include "tests/unit/verify_lab.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	PIECE_LEN = 64 << 10,
	FILE_LEN = 5 * PIECE_LEN + 40000,
};

static struct metainfo *
hybrid_create(uint32_t seed, size_t len)
{
	lab_write("f", seed, len);
	return lab_create((struct create_options){
		.path = "f", .hybrid = true, .piece_len = PIECE_LEN });
}

/* Takes the torrent of one content and puts the v1 hashes of another into it. */
static struct metainfo *
halves_join(struct metainfo *v2, struct metainfo *v1)
{
	uint8_t *bytes = malloc(v2->len);
	struct metainfo *joined;

	assert_non_null(bytes);
	memcpy(bytes, v2->bytes, v2->len);
	memcpy(bytes + (v2->pieces - v2->bytes), v1->pieces, 20 * (size_t)v1->piece_cnt);
	joined = lab_parse(bytes, v2->len);
	free(bytes);
	metainfo_free(v1);
	metainfo_free(v2);
	return joined;
}

static void
both_must_agree(void **state)
{
	struct metainfo *one, *other;
	struct lab lab;

	(void)state;
	one = hybrid_create(1, FILE_LEN);
	other = hybrid_create(1, FILE_LEN);
	lab_open(&lab, halves_join(one, other), O_RDONLY);
	lab_verify(&lab);
	have_is(&lab, "111111");
	lab_close(&lab);
	one = hybrid_create(1, FILE_LEN);
	byte_flip("f", 3 * PIECE_LEN + 5);
	other = lab_create((struct create_options){
		.path = "f", .hybrid = true, .piece_len = PIECE_LEN });
	/* The file is what v1 says; v2 says otherwise of one piece. */
	lab_open(&lab, halves_join(one, other), O_RDONLY);
	lab_verify(&lab);
	have_is(&lab, "111011");
	/* And the other way round. */
	byte_flip("f", 3 * PIECE_LEN + 5);
	lab_verify(&lab);
	have_is(&lab, "111011");
	byte_flip("f", 0);
	byte_flip("f", FILE_LEN - 1);
	lab_verify(&lab);
	have_is(&lab, "011010");
	lab_close(&lab);
}

/* Files shorter than a piece, of a piece, of a leaf, with short leaves at the end. */
static const struct {
	const char *name;
	size_t len;
} tree_files[] = {
	{ "a", 5 }, { "b", 16384 }, { "c", PIECE_LEN }, { "e", PIECE_LEN + 1 }, { "g", 49153 },
	{ "h", FILE_LEN },
};

enum {
	TREE_FILES = sizeof(tree_files) / sizeof(tree_files[0]),
};

static struct metainfo *
tree_create(void)
{
	char path[16];

	assert_int_equal(mkdir("d", 0700), 0);
	for (uint32_t i = 0; i < TREE_FILES; i++) {
		snprintf(path, sizeof(path), "d/%s", tree_files[i].name);
		lab_write(path, i, tree_files[i].len);
	}
	return lab_create((struct create_options){
		.path = "d", .hybrid = true, .piece_len = PIECE_LEN });
}

static void
raw(struct bencode_out *out, const char *text)
{
	bencode_put_raw(out, text, strlen(text));
}

/* Makes the v2 half of a hybrid of a folder a torrent of its own; ends the hybrid. */
static struct metainfo *
v1_drop(struct metainfo *hybrid)
{
	struct bencode_out out = { 0 };
	struct metainfo *meta;
	char text[64];

	raw(&out, "d4:infod9:file treed");
	for (uint32_t i = 0; i < hybrid->file_cnt; i++) {
		const struct metainfo_file *file = &hybrid->file[i];

		if (!metainfo_file_has_data(file))
			continue;
		snprintf(text, sizeof(text), "1:%.1sd0:d6:lengthi%llue11:pieces root32:",
			 file->path + 2, (unsigned long long)file->len);
		raw(&out, text);
		bencode_put_raw(&out, file->pieces_root, 32);
		raw(&out, "ee");
	}
	raw(&out, "e12:meta versioni2e4:name1:d12:piece lengthi65536ee12:piece layersd");
	for (uint32_t i = 0; i < hybrid->file_cnt; i++) {
		const struct metainfo_file *file = &hybrid->file[i];
		uint32_t cnt = (uint32_t)((file->len + PIECE_LEN - 1) / PIECE_LEN);

		if (file->piece_layer == NULL)
			continue;
		raw(&out, "32:");
		bencode_put_raw(&out, file->pieces_root, 32);
		snprintf(text, sizeof(text), "%u:", 32 * cnt);
		raw(&out, text);
		bencode_put_raw(&out, file->piece_layer, 32 * (size_t)cnt);
	}
	raw(&out, "ee");
	meta = lab_parse(out.bytes, out.len);
	bencode_out_free(&out);
	metainfo_free(hybrid);
	return meta;
}

static void
trees_check(struct metainfo *meta)
{
	struct lab lab;

	lab_open(&lab, meta, O_RDONLY);
	assert_int_equal(lab.job.fd_cnt, TREE_FILES);
	lab_verify(&lab);
	/*             a  b  c  e   g  h */
	have_is(&lab, "1" "1" "1" "11" "1" "111111");
	fingerprints_check(&lab);
	byte_flip("d/a", 4);
	byte_flip("d/e", PIECE_LEN);
	byte_flip("d/g", 49152);
	byte_flip("d/h", 2 * PIECE_LEN);
	lab_verify(&lab);
	have_is(&lab, "0" "1" "1" "10" "0" "110111");
	assert_int_equal(truncate("d/h", 5 * PIECE_LEN + 39999), 0);
	assert_int_equal(truncate("d/b", 0), 0);
	lab_verify(&lab);
	have_is(&lab, "0" "0" "1" "10" "0" "110110");
	file_is(&lab, 1, VERIFY_FILE_SHORT, 1);
	file_is(&lab, 5, VERIFY_FILE_SHORT, 2);
	lab_close(&lab);
}

static void
trees_of_a_hybrid(void **state)
{
	(void)state;
	trees_check(tree_create());
}

static void
trees_without_v1(void **state)
{
	struct metainfo *meta = v1_drop(tree_create());

	(void)state;
	assert_false(meta->has_v1);
	trees_check(meta);
}

static void
long_hybrid(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, long_create(true), O_RDONLY);
	lab.thread_cnt = 2;
	lab_verify(&lab);
	have_is(&lab, "11111111111111111111111111");
	byte_flip("f", 66 << 20);
	lab_verify(&lab);
	have_is(&lab, "11111111011111111111111111");
	lab_close(&lab);
}

/* Each number of leaves, and a last one of each kind of length, as one digest says. */
static void
leaves_are_right(void **state)
{
	static const size_t rest[] = { 0, 1, 55, 56, 64, 16383 };
	uint8_t *bytes = lab_bytes(9, 34 * MERKLE_BLOCK_LEN);
	struct digest *sha256 = digest_create(DIGEST_SHA256);
	struct leaves *leaves = leaves_create();
	uint8_t got[34 * MERKLE_HASH_LEN], want[MERKLE_HASH_LEN];

	(void)state;
	assert_non_null(leaves);
	for (size_t i = 0; i < 33 * sizeof(rest) / sizeof(rest[0]); i++) {
		size_t len = i / 6 * MERKLE_BLOCK_LEN + rest[i % 6], cnt = 0;

		if (len == 0)
			continue;
		assert_int_equal(leaves_hash(leaves, bytes, len, got), 0);
		for (size_t at = 0; at < len; at += MERKLE_BLOCK_LEN, cnt++) {
			size_t part = len - at < MERKLE_BLOCK_LEN ? len - at : MERKLE_BLOCK_LEN;

			assert_int_equal(digest_of(sha256, bytes + at, part, want), 0);
			assert_memory_equal(got + cnt * MERKLE_HASH_LEN, want, sizeof(want));
		}
	}
	printf("leaves are hashed %s\n", leaves_are_parallel(leaves) ? "many at once" : "one by one");
	leaves_destroy(leaves);
	digest_free(sha256);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_must_agree, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(trees_of_a_hybrid, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(trees_without_v1, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(long_hybrid, lab_enter, lab_leave),
		cmocka_unit_test(leaves_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
