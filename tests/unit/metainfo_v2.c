/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metainfo, v2 and hybrid (BEP 52): a hybrid made here has the info hashes that libtorrent 2.0.8
 * gives the same content, the v2 half stands alone, and a half that does not fit is refused. */
#include "control/content/bencode.h"
#include "tests/unit/metainfo_lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* What libtorrent computes from torrents of content_write: hybrid as we make it, v2 alone, v1. */
static const char hybrid_v1[] = "5d1c00612c1f07d179d2de02b862221aa7fb1b82";
static const char hybrid_v2[] = "ecd9931734fcbe08b59c4a01304325daf59604fe5a9b68e8584a938d12f98dd8";
static const char only_v2[] = "63debd259d946a67454776bda81e4a249dcb865fb68d78fc08462ff9e4a32289";
static const char single_v1[] = "313190d77a504a3f4f6294b09d61c389ce34b5c8";

static void
hash_is(const uint8_t *hash, const char *hex)
{
	char text[65];
	size_t i;

	for (i = 0; i < strlen(hex) / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(text, hex);
}

static void
content_write(void)
{
	FILE *file;
	int i;

	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("d/sub", 0700), 0);
	lab_write("d/sub/e", 0, 0);
	file = fopen("d/sub/b", "w");
	assert_non_null(file);
	fputs("hello", file);
	assert_int_equal(fclose(file), 0);
	file = fopen("d/a", "w");
	assert_non_null(file);
	for (i = 0; i < 40000; i++)
		fputc(i * 7 & 255, file);
	assert_int_equal(fclose(file), 0);
}

static struct metainfo *
hybrid_create(void)
{
	content_write();
	return lab_create((struct create_options){ .path = "d", .hybrid = true });
}

/* A copy of meta's bytes with the first occurrence of from replaced. */
static struct bencode_out
edited(const struct metainfo *meta, const char *from, const char *to)
{
	const uint8_t *at = memmem(meta->bytes, meta->len, from, strlen(from));
	struct bencode_out out = { 0 };

	assert_non_null(at);
	bencode_put_raw(&out, meta->bytes, (size_t)(at - meta->bytes));
	bencode_put_raw(&out, to, strlen(to));
	at += strlen(from);
	bencode_put_raw(&out, at, (size_t)(meta->bytes + meta->len - at));
	return out;
}

/* Appends a dictionary without the keys that skip names. */
static void
dict_without(struct bencode_out *out, const struct bencode *doc, uint32_t dict, const char *skip[2])
{
	uint32_t i, key = dict + 1, len;
	const uint8_t *raw;

	bencode_put_dict(out);
	for (i = 0; i < doc->node[dict].cnt; i++, key = doc->node[key + 1].next) {
		if (bencode_str_is(doc, key, skip[0]) || bencode_str_is(doc, key, skip[1]))
			continue;
		raw = bencode_raw(doc, key, &len);
		bencode_put_raw(out, raw, len);
		raw = bencode_raw(doc, key + 1, &len);
		bencode_put_raw(out, raw, len);
	}
	bencode_put_end(out);
}

static struct bencode_out
v2_only(const struct metainfo *meta)
{
	const char *skip[] = { "files", "pieces" };
	struct bencode_out out = { 0 };
	const uint8_t *raw;
	struct bencode doc;
	uint32_t len;

	assert_int_equal(bencode_decode(&doc, meta->bytes, meta->len, NULL, NULL), 0);
	bencode_put_raw(&out, "d4:info", 7);
	dict_without(&out, &doc, bencode_get(&doc, 0, "info"), skip);
	bencode_put_text(&out, "piece layers");
	raw = bencode_raw(&doc, bencode_get(&doc, 0, "piece layers"), &len);
	bencode_put_raw(&out, raw, len);
	bencode_put_end(&out);
	bencode_free(&doc);
	return out;
}

static void
hybrid_has_the_known_hashes(void **state)
{
	struct metainfo *meta = hybrid_create();

	(void)state;
	assert_true(meta->has_v1 && meta->has_v2 && meta->multi_file);
	hash_is(meta->info_hash, hybrid_v1);
	hash_is(meta->info_hash_v2, hybrid_v2);
	assert_int_equal(meta->file_cnt, 5);
	assert_int_equal(meta->data_file_cnt, 2);
	assert_int_equal(meta->piece_cnt, 4);
	assert_string_equal(meta->file[0].path, "d/a");
	assert_non_null(meta->file[0].pieces_root);
	assert_int_equal(meta->file[1].flags, METAINFO_FILE_PAD);
	assert_int_equal(meta->file[1].len, 9152);
	assert_string_equal(meta->file[2].path, "d/sub/b");
	assert_int_equal(meta->file[2].off, 49152);
	assert_string_equal(meta->file[4].path, "d/sub/e");
	assert_null(meta->file[4].pieces_root);
	metainfo_free(meta);
}

static void
single_hybrid_has_the_known_hash(void **state)
{
	struct metainfo *meta;

	(void)state;
	content_write();
	meta = lab_create((struct create_options){ .path = "d/a", .hybrid = true });
	assert_false(meta->multi_file);
	hash_is(meta->info_hash, single_v1);
	assert_int_equal(meta->file_cnt, 1);
	assert_string_equal(meta->file[0].path, "a");
	metainfo_free(meta);
}

static void
v2_stands_alone(void **state)
{
	struct metainfo *hybrid = hybrid_create(), *meta;
	struct bencode_out out = v2_only(hybrid);

	(void)state;
	meta = lab_parse(out.bytes, out.len);
	assert_true(!meta->has_v1 && meta->has_v2 && meta->multi_file);
	assert_null(meta->pieces);
	hash_is(meta->info_hash_v2, only_v2);
	assert_int_equal(meta->file_cnt, 3);
	assert_string_equal(meta->file[1].path, "d/sub/b");
	assert_int_equal(meta->file[1].off, 49152);
	assert_int_equal(meta->total_len, 49157);
	assert_int_equal(meta->content_len, 40005);
	assert_int_equal(meta->piece_cnt, 4);
	metainfo_free(meta);
	metainfo_free(hybrid);
	bencode_out_free(&out);
}

static void
halves_that_differ(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *text;
	} row[] = {
		{ "12:meta versioni2e", "12:meta versioni3e", "meta version" },
		{ "12:meta versioni2e", "12:meta version1:2", "meta version" },
		{ "9:file tree", "9:file treE", "file tree" },
		{ "d1:ad0:", "d1:Ad0:", "differ at \"d/a\"" },
		{ "4:pathl1:ae", "4:pathl1:Ae", "differ at \"d/A\"" },
		{ "lengthi5e4:path", "lengthi6e4:path", "differ at \"d/sub/b\"" },
		{ "lengthi9152e", "lengthi9151e", "begins within a piece" },
		{ "1:ed0:d6:lengthi0eee", "", "differ at \"d/sub/e\"" },
		{ "d6:lengthi0e4:pathl3:sub1:eee", "", "the v1 files do not" },
		{ "12:piece layers", "12:piece layerz", "\"piece layers\" lacks \"d/a\"" },
		{ "32:", "31:", "not a .torrent" },
		{ "11:pieces root", "11:pieces rood", "pieces root" },
		{ "d0:d6:lengthi40000e", "d0:d6:lengthi16384e", "differ" },
		{ "d0:d6:lengthi40000e", "d0:d6:lengthi90000e", "wrong length" },
		{ "d0:d6:length", "d0:d4:attr1:p6:length", "pad file" },
		{ "d0:d6:lengthi0eee", "d0:d6:lengthi0ee1:xdee", "as file and folder" },
		{ "piece lengthi16384e", "piece lengthi32767e", "piece length" },
		{ "piece lengthi16384e", "piece lengthi8192e", "piece length" },
		{ "3:subd", "2:..d", "file tree" },
		{ "3:subd1:b", "3:subd1:f", "unsorted" },
	};
	struct metainfo *meta = hybrid_create();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bencode_out out = edited(meta, row[i].from, row[i].to);

		lab_refuse(out.bytes, out.len, -EINVAL, row[i].text);
		bencode_out_free(&out);
	}
	metainfo_free(meta);
}

static void
layer_must_hash_to_its_root(void **state)
{
	struct metainfo *meta = hybrid_create();

	(void)state;
	assert_memory_equal(meta->bytes + meta->len - 2, "ee", 2);
	meta->bytes[meta->len - 3] ^= 1;
	lab_refuse(meta->bytes, meta->len, -EINVAL, "does not match its root");
	metainfo_free(meta);
}

static void
equal_files_share_a_layer(void **state)
{
	struct metainfo *meta;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	lab_write("d/one", 5, 100000);
	lab_write("d/two", 5, 100000);
	lab_write("d/three", 6, 70000);
	meta = lab_create((struct create_options){
		.path = "d", .hybrid = true, .piece_len = 32768 });
	assert_int_equal(meta->file_cnt, 5);
	assert_memory_equal(meta->file[0].pieces_root, meta->file[4].pieces_root, 32);
	assert_memory_not_equal(meta->file[0].pieces_root, meta->file[2].pieces_root, 32);
	metainfo_free(meta);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hybrid_has_the_known_hashes, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(single_hybrid_has_the_known_hash, lab_enter,
						lab_leave),
		cmocka_unit_test_setup_teardown(v2_stands_alone, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(halves_that_differ, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(layer_must_hash_to_its_root, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(equal_files_share_a_layer, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
