/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* create: what a torrent is made of, that it does not depend on anything but the content, and
 * what refuses it without leaving an output. */
#include "control/content/create.h"

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

static void
single_file_pieces(void **state)
{
	uint8_t *bytes = lab_bytes(1, 100000), hash[20];
	struct metainfo *meta;
	uint32_t i;

	(void)state;
	lab_write("file", 1, 100000);
	meta = lab_create((struct create_options){ .path = "file" });
	assert_true(meta->has_v1 && !meta->has_v2);
	assert_false(meta->multi_file);
	assert_string_equal(meta->name, "file");
	assert_int_equal(meta->piece_len, 16384);
	assert_int_equal(meta->piece_cnt, 7);
	for (i = 0; i < 7; i++) {
		SHA1(bytes + i * 16384, i < 6 ? 16384 : 100000 - 6 * 16384, hash);
		assert_memory_equal(meta->pieces + i * 20, hash, 20);
	}
	metainfo_free(meta);
	free(bytes);
}

static void
folder_is_in_order_of_names(void **state)
{
	/* Components are compared, not paths: "a" comes before "a-b". */
	static const char *const want[] = { "d/B", "d/a/x", "d/a/y", "d/a-b", "d/a0", "d/\xc3\xa9" };
	struct metainfo *meta;
	uint32_t i;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("d/a", 0700), 0);
	assert_int_equal(mkdir("d/empty", 0700), 0);
	lab_write("d/\xc3\xa9", 1, 5);
	lab_write("d/a0", 2, 20000);
	lab_write("d/a-b", 3, 1);
	lab_write("d/a/y", 4, 16384);
	lab_write("d/a/x", 5, 0);
	lab_write("d/B", 6, 7);
	meta = lab_create((struct create_options){ .path = "d//" });
	assert_int_equal(meta->file_cnt, 6);
	for (i = 0; i < 6; i++)
		assert_string_equal(meta->file[i].path, want[i]);
	assert_int_equal(meta->total_len, 36397);
	metainfo_free(meta);
	meta = lab_create((struct create_options){ .path = "d", .hybrid = true });
	assert_int_equal(meta->piece_cnt, 6);
	metainfo_free(meta);
}

static void
pieces_cross_files(void **state)
{
	uint8_t *a = lab_bytes(1, 10000), *b = lab_bytes(2, 10000), joined[20000], hash[20];
	struct metainfo *meta;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	lab_write("d/a", 1, 10000);
	lab_write("d/b", 2, 10000);
	memcpy(joined, a, 10000);
	memcpy(joined + 10000, b, 10000);
	meta = lab_create((struct create_options){ .path = "d" });
	SHA1(joined, 16384, hash);
	assert_memory_equal(meta->pieces, hash, 20);
	SHA1(joined + 16384, 20000 - 16384, hash);
	assert_memory_equal(meta->pieces + 20, hash, 20);
	metainfo_free(meta);
	free(a);
	free(b);
}

static void
same_content_same_torrent(void **state)
{
	struct create_options opt = { .path = "one", .out_path = "1", .name = "n", .hybrid = true };
	struct create_result result[2];
	struct metainfo_error err;

	(void)state;
	lab_write("one", 1, 50000);
	assert_int_equal(create_torrent(&opt, &result[0], &err), 0);
	assert_int_equal(rename("one", "two"), 0);
	opt.path = "two";
	assert_int_equal(create_torrent(&opt, &result[1], &err), 0);
	assert_memory_equal(result[0].info_hash, result[1].info_hash, 20);
	assert_memory_equal(result[0].info_hash_v2, result[1].info_hash_v2, 32);
	assert_int_equal(result[0].file_cnt, 1);
	assert_int_equal(result[0].content_len, 50000);
	assert_int_equal(result[0].piece_cnt, 4);
}

static void
options_are_kept(void **state)
{
	static const char *const tracker[] = { "http://a/announce", "udp://b:1" };
	struct metainfo *meta;

	(void)state;
	lab_write("f", 1, 70000);
	meta = lab_create((struct create_options){
		.path = "f", .name = "other", .tracker = tracker, .tracker_cnt = 2,
		.piece_len = 65536, .private_flag = true });
	assert_string_equal(meta->name, "other");
	assert_string_equal(meta->file[0].path, "other");
	assert_int_equal(meta->piece_len, 65536);
	assert_true(meta->private_flag);
	assert_int_equal(meta->tracker_cnt, 2);
	assert_string_equal(meta->tracker[1].url, tracker[1]);
	assert_int_equal(meta->tracker[1].tier, 1);
	metainfo_free(meta);
}

static void
dot_is_named_by_its_folder(void **state)
{
	struct metainfo *meta;

	(void)state;
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(chdir("folder"), 0);
	lab_write("f", 1, 10);
	meta = lab_create((struct create_options){ .path = ".", .out_path = "../t.torrent" });
	assert_string_equal(meta->name, "folder");
	assert_string_equal(meta->file[0].path, "folder/f");
	metainfo_free(meta);
	assert_int_equal(chdir(".."), 0);
}

static void
piece_len_choice(void **state)
{
	(void)state;
	assert_int_equal(create_piece_len(1), 16384);
	assert_int_equal(create_piece_len(UINT64_C(2000) * 16384), 16384);
	assert_int_equal(create_piece_len(UINT64_C(2000) * 16384 + 1), 32768);
	assert_int_equal(create_piece_len(UINT64_C(1) << 30), 1 << 20);
	assert_int_equal(create_piece_len(UINT64_C(1) << 40), 16 << 20);
}

static void
refuse(struct create_options opt, int code, const char *text)
{
	struct metainfo_error err = { "" };

	opt.out_path = "refused.torrent";
	assert_int_equal(create_torrent(&opt, NULL, &err), code);
	if (strstr(err.text, text) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", err.text, text);
	assert_int_equal(access(opt.out_path, F_OK), -1);
}

static void
refusals(void **state)
{
	static const char *const bad_url[] = { "http://a b" }, *const no_url[] = { "" };

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	refuse((struct create_options){ .path = "absent" }, -ENOENT, "absent");
	refuse((struct create_options){ .path = "d" }, -EINVAL, "no bytes");
	lab_write("d/empty", 0, 0);
	refuse((struct create_options){ .path = "d" }, -EINVAL, "no bytes");
	refuse((struct create_options){ .path = "d/empty" }, -EINVAL, "no bytes");
	lab_write("f", 1, 10);
	refuse((struct create_options){ .path = "f", .piece_len = 20000 }, -EINVAL, "20000");
	refuse((struct create_options){ .path = "f", .piece_len = 8192 }, -EINVAL, "8192");
	refuse((struct create_options){ .path = "f", .piece_len = 128 << 20 }, -EINVAL, "piece");
	refuse((struct create_options){ .path = "f", .name = "a/b" }, -EINVAL, "a/b");
	refuse((struct create_options){ .path = "f", .name = ".." }, -EINVAL, "..");
	refuse((struct create_options){ .path = "/" }, -EINVAL, "cannot name");
	refuse((struct create_options){ .path = "f", .tracker = bad_url, .tracker_cnt = 1 },
	       -EINVAL, "tracker");
	refuse((struct create_options){ .path = "f", .tracker = no_url, .tracker_cnt = 1 },
	       -EINVAL, "tracker");
	assert_int_equal(symlink("../f", "d/link"), 0);
	refuse((struct create_options){ .path = "d" }, -EINVAL, "d/link: is a symlink");
	assert_int_equal(remove("d/link"), 0);
	assert_int_equal(mkfifo("d/pipe", 0600), 0);
	refuse((struct create_options){ .path = "d" }, -EINVAL, "d/pipe");
	refuse((struct create_options){ .path = "d/pipe" }, -EINVAL, "neither");
}

static void
unwritable_place(void **state)
{
	struct create_options opt = { .path = "f", .out_path = "absent/t.torrent" };
	struct metainfo_error err = { "" };

	(void)state;
	lab_write("f", 1, 10);
	assert_int_equal(create_torrent(&opt, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "absent/t.torrent"));
	assert_int_equal(mkdir("taken", 0700), 0);
	opt.out_path = "taken";
	assert_int_equal(create_torrent(&opt, NULL, &err), -EISDIR);
}

struct watch {
	uint64_t last;
	uint32_t call_cnt;
	uint32_t cancel_at;
	const char *grow;
};

static int
watch_progress(uint64_t done_bytes, uint64_t total_bytes, void *ctx)
{
	struct watch *watch = ctx;

	assert_true(done_bytes >= watch->last && done_bytes <= total_bytes);
	watch->last = done_bytes;
	if (watch->grow != NULL)
		assert_int_equal(truncate(watch->grow, (off_t)total_bytes + 1), 0);
	return ++watch->call_cnt == watch->cancel_at;
}

static void
progress_and_cancel(void **state)
{
	struct watch watch = { 0 };

	(void)state;
	lab_write("f", 1, 3 << 20);
	metainfo_free(lab_create((struct create_options){
		.path = "f", .progress = watch_progress, .ctx = &watch }));
	assert_int_equal(watch.last, 3 << 20);
	watch = (struct watch){ .cancel_at = 2 };
	refuse((struct create_options){ .path = "f", .progress = watch_progress, .ctx = &watch },
	       -ECANCELED, "f");
	assert_int_equal(watch.call_cnt, 2);
	watch = (struct watch){ .grow = "f" };
	refuse((struct create_options){ .path = "f", .progress = watch_progress, .ctx = &watch },
	       -ESTALE, "changed while it was read");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(single_file_pieces, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(folder_is_in_order_of_names, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(pieces_cross_files, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(same_content_same_torrent, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(options_are_kept, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(dot_is_named_by_its_folder, lab_enter, lab_leave),
		cmocka_unit_test(piece_len_choice),
		cmocka_unit_test_setup_teardown(refusals, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(unwritable_place, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(progress_and_cancel, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
