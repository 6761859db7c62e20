/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify: pieces and fingerprints of whole content, and what is missing when a file is wrong,
 * short, long, absent, unreadable or changes meanwhile. */
#include "control/verify.h"

#include "control/bencode.h"
#include "control/layout.h"
#include "tests/unit/metainfo_lab.h"

#include <openssl/sha.h>
#include <xxhash.h>

#include <errno.h>
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
	FILES_MAX = 16,
};

/* Content in hand: a torrent, its descriptors and what verifying it said. */
struct lab {
	struct metainfo *meta;
	int fd[FILES_MAX];
	struct verify_job job;
	struct verify_result result;
};

static void
lab_open(struct lab *lab, struct metainfo *meta, int flags)
{
	uint32_t i, cnt = 0;

	*lab = (struct lab){ .meta = meta };
	for (i = 0; i < meta->file_cnt; i++)
		if (metainfo_file_has_data(&meta->file[i]))
			lab->fd[cnt++] = open(meta->file[i].path, flags);
	lab->job = (struct verify_job){
		.meta = meta, .fd = lab->fd, .fd_cnt = cnt, .thread_cnt = 1, .unit_max = ABI_UNIT_MAX,
	};
}

static void
lab_verify(struct lab *lab)
{
	struct metainfo_error err = { "" };

	verify_result_free(&lab->result);
	if (verify_content(&lab->job, &lab->result, &err) < 0)
		fail_msg("%s", err.text);
}

static void
lab_close(struct lab *lab)
{
	uint32_t i;

	for (i = 0; i < lab->job.fd_cnt; i++)
		close(lab->fd[i]);
	verify_result_free(&lab->result);
	metainfo_free(lab->meta);
}

/* Says of each piece whether it is had: '1' or '0'. */
static void
have_is(const struct lab *lab, const char *want)
{
	char text[65];
	uint32_t i, cnt = 0;

	assert_true(lab->result.piece_cnt < sizeof(text));
	for (i = 0; i < lab->result.piece_cnt; i++) {
		bool had = lab->result.have[i / 8] & 0x80 >> i % 8;

		text[i] = had ? '1' : '0';
		cnt += had;
	}
	text[i] = '\0';
	assert_string_equal(text, want);
	assert_int_equal(lab->result.have_cnt, cnt);
}

static void
file_is(const struct lab *lab, uint32_t file, enum verify_state state, uint32_t missing_cnt)
{
	assert_int_equal(lab->result.file[file].state, state);
	assert_int_equal(lab->result.file[file].piece_missing_cnt, missing_cnt);
}

/* Holds every fingerprint against one computed here. */
static void
fingerprints_check(const struct lab *lab)
{
	uint32_t i, file = 0;
	struct layout_plan plan;
	uint64_t off;

	assert_int_equal(layout_plan_create(&plan, lab->meta, lab->result.unit_len, NULL), 0);
	assert_int_equal(lab->result.unit_cnt, plan.unit_cnt);
	assert_int_equal(lab->result.unit_len, plan.unit_len);
	for (i = 0; i < plan.extent_cnt; i++) {
		const struct abi_extent *extent = &plan.extent[i];
		uint8_t *bytes;

		if (extent->file == ABI_FILE_PAD)
			continue;
		bytes = malloc(extent->len + 4096);
		assert_non_null(bytes);
		assert_int_equal(pread(lab->fd[file++], bytes, extent->len, 0), extent->len);
		for (off = 0; off < extent->len; off += plan.unit_len) {
			uint64_t len = extent->len - off;

			len = len < plan.unit_len ? len : plan.unit_len;
			assert_true(lab->result.fingerprint[extent->unit_first + off / plan.unit_len] ==
				    XXH3_64bits(bytes + off, len));
		}
		free(bytes);
	}
	layout_plan_free(&plan);
}

static void
byte_flip(const char *path, off_t off)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, off), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

static struct metainfo *
single_create(size_t len, uint32_t piece_len)
{
	lab_write("f", 7, len);
	return lab_create((struct create_options){ .path = "f", .piece_len = piece_len });
}

static void
single_file(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, single_create((3 << 20) + 777, 512 << 10), O_RDONLY);
	lab_verify(&lab);
	have_is(&lab, "1111111");
	file_is(&lab, 0, VERIFY_FILE_OK, 0);
	assert_int_equal(lab.result.file[0].file, 0);
	assert_int_equal(lab.result.have[0], 0xfe);
	fingerprints_check(&lab);
	byte_flip("f", 1 << 20);
	lab_verify(&lab);
	have_is(&lab, "1101111");
	file_is(&lab, 0, VERIFY_FILE_OK, 1);
	byte_flip("f", (3 << 20) + 776);
	lab_verify(&lab);
	have_is(&lab, "1101110");
	fingerprints_check(&lab);
	lab_close(&lab);
}

static void
direct_descriptor(void **state)
{
	struct lab lab;
	int fd;

	(void)state;
	lab_open(&lab, single_create((2 << 20) + 4097, 1 << 20), O_RDONLY);
	fd = open("f", O_RDONLY | O_DIRECT);
	if (fd < 0 && errno == EINVAL) {
		lab_close(&lab);
		skip();
	}
	close(lab.fd[0]);
	lab.fd[0] = fd;
	lab_verify(&lab);
	have_is(&lab, "111");
	fcntl(fd, F_SETFL, 0);
	fingerprints_check(&lab);
	assert_int_equal(fcntl(fd, F_SETFL, O_DIRECT), 0);
	assert_int_equal(truncate("f", (1 << 20) + 70000), 0);
	lab_verify(&lab);
	have_is(&lab, "100");
	file_is(&lab, 0, VERIFY_FILE_SHORT, 2);
	lab_close(&lab);
}

/* Files whose sizes fit neither pieces nor units, with an empty one between. */
static struct metainfo *
odd_create(bool hybrid)
{
	assert_int_equal(mkdir("d", 0700), 0);
	lab_write("d/a", 1, 50001);
	lab_write("d/b", 2, 0);
	lab_write("d/c", 3, 3);
	lab_write("d/d", 4, 99999);
	return lab_create((struct create_options){
		.path = "d", .hybrid = hybrid, .piece_len = 32768 });
}

static void
pieces_that_cross_files(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_RDONLY);
	assert_int_equal(lab.job.fd_cnt, 3);
	lab_verify(&lab);
	have_is(&lab, "11111");
	assert_int_equal(lab.result.file[1].file, 2);
	fingerprints_check(&lab);
	byte_flip("d/c", 1);
	lab_verify(&lab);
	have_is(&lab, "10111");
	file_is(&lab, 0, VERIFY_FILE_OK, 1);
	file_is(&lab, 1, VERIFY_FILE_OK, 1);
	file_is(&lab, 2, VERIFY_FILE_OK, 1);
	lab_close(&lab);
}

static void
pads_are_zeros(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(true), O_RDONLY);
	lab_verify(&lab);
	have_is(&lab, "1111111");
	fingerprints_check(&lab);
	byte_flip("d/c", 0);
	lab_verify(&lab);
	have_is(&lab, "1101111");
	file_is(&lab, 0, VERIFY_FILE_OK, 0);
	file_is(&lab, 1, VERIFY_FILE_OK, 1);
	lab_close(&lab);
}

static void
absent_file(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_RDONLY);
	close(lab.fd[0]);
	lab.fd[0] = -1;
	lab_verify(&lab);
	have_is(&lab, "00111");
	file_is(&lab, 0, VERIFY_FILE_ABSENT, 2);
	file_is(&lab, 1, VERIFY_FILE_OK, 1);
	file_is(&lab, 2, VERIFY_FILE_OK, 1);
	for (uint32_t unit = 0; unit < 4; unit++)
		assert_true(lab.result.fingerprint[unit] == 0);
	assert_true(lab.result.fingerprint[4] != 0);
	lab_close(&lab);
}

static void
short_file(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_RDONLY);
	assert_int_equal(truncate("d/a", 32768), 0);
	lab_verify(&lab);
	have_is(&lab, "10111");
	file_is(&lab, 0, VERIFY_FILE_SHORT, 1);
	assert_int_equal(truncate("d/a", 32767), 0);
	lab_verify(&lab);
	have_is(&lab, "00111");
	assert_int_equal(truncate("d/a", 0), 0);
	lab_verify(&lab);
	have_is(&lab, "00111");
	file_is(&lab, 0, VERIFY_FILE_SHORT, 2);
	lab_close(&lab);
}

/* A piece is in a unit that is cut off: its bytes are there, but its fingerprint is not. */
static void
piece_in_a_broken_unit(void **state)
{
	struct bencode_out out = { 0 };
	uint8_t *bytes = lab_bytes(7, 16384), hash[20];
	struct lab lab;
	uint32_t i;

	(void)state;
	bencode_put_raw(&out, "d4:infod6:lengthi16384e4:name1:f12:piece lengthi4096e6:pieces80:",
			strlen("d4:infod6:lengthi16384e4:name1:f12:piece lengthi4096e6:pieces80:"));
	for (i = 0; i < 4; i++) {
		SHA1(bytes + i * 4096, 4096, hash);
		bencode_put_raw(&out, hash, 20);
	}
	bencode_put_raw(&out, "ee", 2);
	lab_write("f", 7, 16384);
	lab_open(&lab, lab_parse(out.bytes, out.len), O_RDONLY);
	lab_verify(&lab);
	have_is(&lab, "1111");
	assert_int_equal(truncate("f", 12288), 0);
	lab_verify(&lab);
	have_is(&lab, "0000");
	lab_close(&lab);
	bencode_out_free(&out);
	free(bytes);
}

static void
long_file(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_RDONLY);
	assert_int_equal(truncate("d/c", 4), 0);
	lab_verify(&lab);
	have_is(&lab, "10111");
	file_is(&lab, 1, VERIFY_FILE_LONG, 1);
	lab_close(&lab);
}

static void
unreadable_file(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_WRONLY);
	lab_verify(&lab);
	have_is(&lab, "00000");
	file_is(&lab, 2, VERIFY_FILE_IO, 4);
	assert_int_equal(lab.result.file[2].sys_errno, EBADF);
	close(lab.fd[2]);
	lab.fd[2] = open("d", O_RDONLY);
	lab_verify(&lab);
	file_is(&lab, 2, VERIFY_FILE_IO, 4);
	lab_close(&lab);
}

struct watch {
	const char *touch; /* to be written to at the first call */
	off_t shrink;      /* then its new length, when > 0 */
	uint64_t last;
	uint32_t call_cnt;
	uint32_t cancel_at;
};

static int
watch_progress(uint64_t done_bytes, uint64_t total_bytes, void *ctx)
{
	struct watch *watch = ctx;

	assert_true(done_bytes >= watch->last && done_bytes <= total_bytes);
	watch->last = done_bytes;
	watch->call_cnt++;
	if (watch->touch != NULL && watch->call_cnt == 1) {
		const struct timespec when[2] = { { 1, 1 }, { 1, 1 } };

		if (watch->shrink > 0)
			assert_int_equal(truncate(watch->touch, watch->shrink), 0);
		assert_int_equal(utimensat(AT_FDCWD, watch->touch, when, 0), 0);
	}
	return watch->call_cnt == watch->cancel_at;
}

static void
changed_meanwhile(void **state)
{
	struct watch watch = { .touch = "d/a" };
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_RDONLY);
	lab.job.progress = watch_progress;
	lab.job.ctx = &watch;
	lab_verify(&lab);
	have_is(&lab, "00111");
	file_is(&lab, 0, VERIFY_FILE_CHANGED, 2);
	file_is(&lab, 1, VERIFY_FILE_OK, 1);
	assert_int_equal(watch.last, lab.meta->content_len);
	watch = (struct watch){ .touch = "d/d", .shrink = 90000 };
	lab_verify(&lab);
	have_is(&lab, "10000");
	file_is(&lab, 2, VERIFY_FILE_CHANGED, 4);
	lab_close(&lab);
}

static void
cancel(void **state)
{
	struct watch watch = { .cancel_at = 2 };
	struct metainfo_error err = { "" };
	struct lab lab;

	(void)state;
	lab_open(&lab, single_create(5 << 20, 1 << 20), O_RDONLY);
	lab.job.progress = watch_progress;
	lab.job.ctx = &watch;
	assert_int_equal(verify_content(&lab.job, &lab.result, &err), -ECANCELED);
	assert_null(lab.result.have);
	assert_true(watch.last < 5 << 20);
	lab_close(&lab);
}

/* 200 MiB, mostly a hole, in more than one range. */
static void
many_threads(void **state)
{
	static const off_t place[] = { 0, 64 << 20, (64 << 20) - 1, 150 << 20, (200 << 20) + 4 };
	struct watch watch = { 0 };
	struct lab lab;
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		assert_int_equal(pwrite(fd, "x", 1, place[i]), 1);
	close(fd);
	lab_open(&lab, lab_create((struct create_options){ .path = "f", .piece_len = 8 << 20 }),
		 O_RDONLY);
	lab.job.thread_cnt = 3;
	lab.job.progress = watch_progress;
	lab.job.ctx = &watch;
	lab_verify(&lab);
	have_is(&lab, "11111111111111111111111111");
	assert_int_equal(watch.last, lab.meta->content_len);
	fingerprints_check(&lab);
	byte_flip("f", 70 << 20);
	byte_flip("f", 190 << 20);
	watch = (struct watch){ 0 };
	lab_verify(&lab);
	have_is(&lab, "11111111011111111111111011");
	lab_close(&lab);
}

static void
wrong_job(void **state)
{
	struct metainfo_error err = { "" };
	struct lab lab;

	(void)state;
	lab_open(&lab, single_create(10, 16384), O_RDONLY);
	lab.job.fd_cnt = 2;
	assert_int_equal(verify_content(&lab.job, &lab.result, &err), -EINVAL);
	lab.job.fd_cnt = 1;
	lab.job.thread_cnt = 0;
	assert_int_equal(verify_content(&lab.job, &lab.result, &err), -EINVAL);
	lab.job.thread_cnt = VERIFY_THREADS_MAX + 1;
	assert_int_equal(verify_content(&lab.job, &lab.result, &err), -EINVAL);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(single_file, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(direct_descriptor, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(pieces_that_cross_files, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(pads_are_zeros, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(absent_file, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(short_file, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(piece_in_a_broken_unit, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(long_file, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(unreadable_file, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(changed_meanwhile, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(cancel, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(many_threads, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(wrong_job, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
