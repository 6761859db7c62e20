/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metainfo, v1: what a torrent is read as, and that each hostile or broken one is refused with a
 * line that names the key. */
#include "control/content/bencode.h"
#include "tests/unit/metainfo_lab.h"

#include <openssl/sha.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HASH "AAAAAAAAAAAAAAAAAAAA"
#define LEN  "6:lengthi5e"
#define NAME "4:name1:n"
#define PLEN "12:piece lengthi16384e"
#define PCS  "6:pieces20:" HASH
#define TAIL NAME PLEN PCS "e"
#define PATH(path) "d" LEN "4:path" path "e"

static void
single_file(void **state)
{
	static const char info[] = "d" LEN NAME PLEN PCS "7:privatei1ee";
	static const char text[] = "d8:announce8:http://t4:info" "d" LEN NAME PLEN PCS
				   "7:privatei1ee" "e";
	struct metainfo *meta = lab_parse(text, strlen(text));
	uint8_t hash[20];

	(void)state;
	assert_true(meta->has_v1 && !meta->has_v2 && meta->private_flag && !meta->multi_file);
	assert_string_equal(meta->name, "n");
	assert_int_equal(meta->file_cnt, 1);
	assert_int_equal(meta->data_file_cnt, 1);
	assert_string_equal(meta->file[0].path, "n");
	assert_int_equal(meta->file[0].len, 5);
	assert_int_equal(meta->total_len, 5);
	assert_int_equal(meta->piece_len, 16384);
	assert_int_equal(meta->piece_cnt, 1);
	assert_memory_equal(meta->pieces, HASH, 20);
	SHA1((const uint8_t *)info, strlen(info), hash);
	assert_memory_equal(meta->info_hash, hash, 20);
	assert_int_equal(meta->info_len, strlen(info));
	assert_memory_equal(meta->info, info, strlen(info));
	assert_int_equal(meta->tracker_cnt, 1);
	assert_string_equal(meta->tracker[0].url, "http://t");
	metainfo_free(meta);
}

static void
many_files(void **state)
{
	static const char text[] =
		"d4:infod5:filesl"
		"d4:attr1:x6:lengthi3e4:pathl1:aee"
		"d4:attr1:p6:lengthi16381ee"
		"d6:lengthi0e4:pathl5:emptyee"
		"d4:attr1:l4:pathl4:linke12:symlink pathl1:aee"
		"d4:attr1:h6:lengthi16385e4:pathl3:dir1:b3:\xc3\xa9ze"
		"e"
		"e" NAME PLEN "6:pieces60:" HASH HASH HASH "ee";
	struct metainfo *meta = lab_parse(text, strlen(text));

	(void)state;
	assert_true(meta->multi_file);
	assert_int_equal(meta->file_cnt, 4);
	assert_int_equal(meta->data_file_cnt, 2);
	assert_int_equal(meta->symlink_cnt, 1);
	assert_string_equal(meta->file[0].path, "n/a");
	assert_int_equal(meta->file[0].flags, METAINFO_FILE_EXEC);
	assert_null(meta->file[1].path);
	assert_int_equal(meta->file[1].flags, METAINFO_FILE_PAD);
	assert_false(metainfo_file_has_data(&meta->file[1]));
	assert_int_equal(meta->file[1].off, 3);
	assert_string_equal(meta->file[2].path, "n/empty");
	assert_false(metainfo_file_has_data(&meta->file[2]));
	assert_string_equal(meta->file[3].path, "n/dir/b/\xc3\xa9z");
	assert_int_equal(meta->file[3].off, 16384);
	assert_int_equal(meta->file[3].flags, METAINFO_FILE_HIDDEN);
	assert_int_equal(meta->total_len, 32769);
	assert_int_equal(meta->content_len, 16388);
	assert_int_equal(meta->piece_cnt, 3);
	metainfo_free(meta);
}

static void
unsorted_info_is_hashed_as_it_stands(void **state)
{
	static const char info[] = "d" NAME LEN PCS PLEN "e";
	static const char text[] = "d4:info" "d" NAME LEN PCS PLEN "e" "e";
	struct metainfo *meta = lab_parse(text, strlen(text));
	uint8_t hash[20];

	(void)state;
	SHA1((const uint8_t *)info, strlen(info), hash);
	assert_memory_equal(meta->info_hash, hash, 20);
	metainfo_free(meta);
}

static void
trackers(void **state)
{
	static const char text[] =
		"d8:announce8:http://x13:announce-listll8:http://a0:el3:a be3:odd"
		"l8:http://b8:http://cee4:infod" LEN TAIL "e";
	struct metainfo *meta = lab_parse(text, strlen(text));

	(void)state;
	assert_int_equal(meta->tracker_cnt, 4);
	assert_int_equal(meta->tracker_skipped_cnt, 2);
	assert_string_equal(meta->tracker[0].url, "http://a");
	assert_int_equal(meta->tracker[0].tier, 0);
	assert_string_equal(meta->tracker[1].url, "odd");
	assert_string_equal(meta->tracker[2].url, "http://b");
	assert_int_equal(meta->tracker[2].tier, 3);
	assert_int_equal(meta->tracker[3].tier, 3);
	metainfo_free(meta);
}

struct refusal {
	const char *info; /* the info dictionary */
	const char *text; /* must be in the error line */
	int code;
};

static void
refuse_all(const struct refusal *row, size_t cnt)
{
	char text[4096];
	size_t i;
	int len;

	for (i = 0; i < cnt; i++) {
		len = snprintf(text, sizeof(text), "d4:info%se", row[i].info);
		assert_true(len < (int)sizeof(text));
		lab_refuse(text, (size_t)len, row[i].code, row[i].text);
	}
}

static void
broken_keys(void **state)
{
	static const struct refusal row[] = {
		{ "le", "info is missing", -EINVAL },
		{ "de", "info.pieces is missing", -EINVAL },
		{ "d" LEN PLEN PCS "e", "info.name", -EINVAL },
		{ "d" LEN "4:namei1e" PLEN PCS "e", "info.name", -EINVAL },
		{ "d" LEN NAME PCS "e", "piece length", -EINVAL },
		{ "d" LEN NAME "12:piece length1:x" PCS "e", "piece length", -EINVAL },
		{ "d" LEN NAME "12:piece lengthi0e" PCS "e", "piece length", -EINVAL },
		{ "d" LEN NAME "12:piece lengthi-16384e" PCS "e", "piece length", -EINVAL },
		{ "d" LEN NAME "12:piece lengthi1023e" PCS "e", "piece length", -EINVAL },
		{ "d" LEN NAME "12:piece lengthi1073741825e" PCS "e", "piece length", -EINVAL },
		{ "d" LEN NAME "12:piece lengthi9223372036854775807e" PCS "e", "piece length",
		  -EINVAL },
		{ "d" LEN NAME PLEN "6:piecesi1ee", "info.pieces", -EINVAL },
		{ "d" LEN NAME PLEN "6:pieces0:e", "info.pieces", -EINVAL },
		{ "d" LEN NAME PLEN "6:pieces19:AAAAAAAAAAAAAAAAAAAe", "info.pieces", -EINVAL },
		{ "d" LEN NAME PLEN "6:pieces40:" HASH HASH "e", "info.pieces", -EINVAL },
		{ "d6:lengthi16385e" TAIL, "info.pieces", -EINVAL },
		{ "d" LEN NAME PLEN PCS "7:private1:1e", "info.private", -EINVAL },
		{ "d" TAIL, "info.length", -EINVAL },
		{ "d6:lengthi-1e" TAIL, "info.length", -EINVAL },
		{ "d6:length1:5" TAIL, "info.length", -EINVAL },
		{ "d6:lengthi0e" TAIL, "no bytes", -EINVAL },
		{ "d6:lengthi9223372036854775807e" TAIL, "bytes", -EFBIG },
		{ "d4:attr1:l6:lengthi0e" TAIL, "info.attr", -EINVAL },
		{ "d4:attri1e" LEN TAIL, "attr", -EINVAL },
		{ "d5:filesle" LEN TAIL, "both length and files", -EINVAL },
	};

	(void)state;
	refuse_all(row, sizeof(row) / sizeof(row[0]));
}

static void
broken_files(void **state)
{
	static const struct refusal row[] = {
		{ "d5:filesle" TAIL, "no bytes", -EINVAL },
		{ "d5:filesde" TAIL, "info.files", -EINVAL },
		{ "d5:filesli1ee" TAIL, "info.files", -EINVAL },
		{ "d5:filesld4:pathl1:aeee" TAIL, "info.files.length", -EINVAL },
		{ "d5:filesl" "d" LEN "e" "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("le") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("1:a") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("li1ee") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l0:e") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l1:.e") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l2:..e") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l1:a2:..1:be") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l3:a/be") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l4:/etce") "e" TAIL, "info.files.path", -EINVAL },
		{ "d5:filesl" PATH("l1:ae") PATH("l1:ae") "e" TAIL, "\"n/a\" is used twice",
		  -EINVAL },
		{ "d5:filesl" PATH("l1:a1:be") PATH("l1:ae") "e" TAIL, "\"n/a\" is used twice",
		  -EINVAL },
		{ "d5:filesl" PATH("l1:ae") PATH("l2:a!e") PATH("l1:a1:be") "e" TAIL,
		  "\"n/a\" is used twice", -EINVAL },
		{ "d5:filesl" "d4:attr1:l" LEN "4:pathl1:aee" "e" TAIL, "symlink", -EINVAL },
		{ "d5:filesl" "d4:attr1:p6:lengthi9ee" "e" TAIL, "no bytes", -EINVAL },
		{ "d5:filesld6:lengthi9223372036854775807e4:pathl1:aee"
		  "d6:lengthi9223372036854775807e4:pathl1:bee" "e" TAIL, "bytes", -EFBIG },
		{ "d" LEN "4:name0:" PLEN PCS "e", "info.name", -EINVAL },
		{ "d" LEN "4:name2:.." PLEN PCS "e", "info.name", -EINVAL },
		{ "d" LEN "4:name3:a/b" PLEN PCS "e", "info.name", -EINVAL },
	};

	(void)state;
	refuse_all(row, sizeof(row) / sizeof(row[0]));
}

static void
nul_in_names(void **state)
{
	static const char name[] = "d4:infod" LEN "4:name3:a\0b" PLEN PCS "ee";
	static const char path[] = "d4:infod5:filesl" PATH("l3:a\0be") "e" TAIL "e";

	(void)state;
	lab_refuse(name, sizeof(name) - 1, -EINVAL, "info.name");
	lab_refuse(path, sizeof(path) - 1, -EINVAL, "info.files.path");
}

/* Bencoding of a torrent with one file whose path has cnt components of len bytes. */
static struct bencode_out
deep_torrent(uint32_t cnt, uint32_t len)
{
	struct bencode_out out = { 0 };
	char name[512];

	memset(name, 'x', sizeof(name));
	bencode_put_raw(&out, "d4:infod5:filesld" LEN "4:pathl",
			strlen("d4:infod5:filesld" LEN "4:pathl"));
	while (cnt-- > 0)
		bencode_put_str(&out, name, len);
	bencode_put_raw(&out, "eee" TAIL "e", strlen("eee" TAIL "e"));
	return out;
}

static void
path_limits(void **state)
{
	static const struct {
		uint32_t cnt;
		uint32_t len;
		int code;
	} row[] = {
		{ 1, METAINFO_NAME_MAX, 0 },
		{ 1, METAINFO_NAME_MAX + 1, -EINVAL },
		{ (METAINFO_PATH_MAX - 1) / 2, 1, 0 },
		{ (METAINFO_PATH_MAX - 1) / 2 + 1, 1, -EFBIG },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bencode_out out = deep_torrent(row[i].cnt, row[i].len);

		if (row[i].code == 0)
			metainfo_free(lab_parse(out.bytes, out.len));
		else
			lab_refuse(out.bytes, out.len, row[i].code, "info.files.path");
		bencode_out_free(&out);
	}
}

static void
file_limit(void **state)
{
	static const char entry[] = "d6:lengthi0e4:pathl1:aee";
	struct bencode_out out = { 0 };
	uint32_t i;

	(void)state;
	bencode_put_raw(&out, "d4:infod5:filesl", 16);
	for (i = 0; i <= METAINFO_FILES_MAX; i++)
		bencode_put_raw(&out, entry, strlen(entry));
	bencode_put_raw(&out, "e" TAIL "e", strlen("e" TAIL "e"));
	lab_refuse(out.bytes, out.len, -EFBIG, "files");
	bencode_out_free(&out);
}

static void
piece_limit(void **state)
{
	static const char text[] = "d4:infod6:lengthi2147484672e" NAME
				   "12:piece lengthi1024e" PCS "ee";

	(void)state;
	lab_refuse(text, strlen(text), -EFBIG, "pieces");
}

static void
every_prefix_is_refused(void **state)
{
	static const char text[] = "d4:infod5:filesl" PATH("l1:ae") "e" TAIL "e";
	struct metainfo *meta;
	size_t len;

	(void)state;
	for (len = 0; len < strlen(text); len++)
		assert_int_equal(metainfo_parse(&meta, text, len, NULL), -EINVAL);
	metainfo_free(lab_parse(text, strlen(text)));
}

static void
error_lines_are_printable(void **state)
{
	struct metainfo_error err;

	(void)state;
	assert_int_equal(metainfo_error_set(&err, -EINVAL, "%s",
					    "a\n\x1b[1m\x7f\xff\xc3\xa9\xc2\x85\xed\xa0\x80z"),
			 -EINVAL);
	assert_string_equal(err.text, "a??[1m??\xc3\xa9?????z");
	assert_int_equal(metainfo_error_set(NULL, -ENOMEM, "x"), -ENOMEM);
}

static void
loading(void **state)
{
	static const char text[] = "d4:infod" LEN TAIL "e";
	struct metainfo_error err;
	struct metainfo *meta;
	FILE *file;

	(void)state;
	assert_int_equal(metainfo_load(&meta, "absent.torrent", &err), -ENOENT);
	assert_non_null(strstr(err.text, "absent.torrent"));
	assert_int_equal(metainfo_load(&meta, ".", &err), -EINVAL);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(metainfo_load(&meta, "pipe", &err), -EINVAL);
	file = fopen("t", "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(metainfo_load(&meta, "t", &err), 0);
	assert_string_equal(meta->name, "n");
	metainfo_free(meta);
	assert_int_equal(truncate("t", METAINFO_LEN_MAX + 1), 0);
	assert_int_equal(metainfo_load(&meta, "t", &err), -EFBIG);
	assert_null(meta);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_file),
		cmocka_unit_test(many_files),
		cmocka_unit_test(unsorted_info_is_hashed_as_it_stands),
		cmocka_unit_test(trackers),
		cmocka_unit_test(broken_keys),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(nul_in_names),
		cmocka_unit_test(path_limits),
		cmocka_unit_test(file_limit),
		cmocka_unit_test(piece_limit),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(error_lines_are_printable),
		cmocka_unit_test_setup_teardown(loading, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
