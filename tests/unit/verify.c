/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify: pieces and fingerprints of whole content, and what is missing when a file is wrong,
 * short, long, absent, unreadable or changes meanwhile. */
#include "control/content/bencode.h"
#include "control/content/layout.h"
#include "tests/unit/verify_lab.h"

#include <openssl/sha.h>

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

static void
touch(const char *path)
{
	const struct timespec when[2] = { { 1, 1 }, { 1, 1 } };

	assert_int_equal(utimensat(AT_FDCWD, path, when, 0), 0);
}

static void
touch_first(void)
{
	touch("d/a");
}

static void
shrink_last(void)
{
	assert_int_equal(truncate("d/d", 90000), 0);
	touch("d/d");
}

static void
grow_last(void)
{
	assert_int_equal(truncate("d/d", 200000), 0);
	touch("d/d");
}

static void
changed_meanwhile(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_RDONLY);
	lab.meanwhile = touch_first;
	lab_verify(&lab);
	have_is(&lab, "00111");
	file_is(&lab, 0, VERIFY_FILE_CHANGED, 2);
	file_is(&lab, 1, VERIFY_FILE_OK, 1);
	lab.meanwhile = grow_last;
	lab_verify(&lab);
	have_is(&lab, "10000");
	file_is(&lab, 2, VERIFY_FILE_CHANGED, 4);
	assert_int_equal(truncate("d/d", 99999), 0);
	lab.meanwhile = shrink_last;
	lab_verify(&lab);
	have_is(&lab, "10000");
	file_is(&lab, 2, VERIFY_FILE_CHANGED, 4);
	lab_close(&lab);
}

static void
cancel(void **state)
{
	struct metainfo_error err = { "" };
	struct verify_pass *pass;
	struct lab lab;

	(void)state;
	lab_open(&lab, single_create(5 << 20, 1 << 20), O_RDONLY);
	pass = lab_begin(&lab);
	assert_true(verify_left(pass));
	verify_cancel(pass);
	assert_false(verify_left(pass));
	lab_work(pass);
	assert_true(verify_done_bytes(pass) < 5 << 20);
	assert_int_equal(verify_end(pass, &lab.result, &err), -ECANCELED);
	assert_null(lab.result.have);
	assert_non_null(strstr(err.text, "canceled"));
	lab_close(&lab);
}

/* A hand has ranges of two passes; the first ends early, and what was read of it is passed over. */
static void
one_hand_two_passes(void **state)
{
	struct metainfo_error err = { "" };
	struct verify_result ignored;
	struct verify_pass *first, *second;
	struct verify_hand *hand = verify_hand_create();
	struct lab lab;

	(void)state;
	lab_open(&lab, single_create(5 << 20, 1 << 20), O_RDONLY);
	first = lab_begin(&lab);
	second = lab_begin(&lab);
	assert_true(verify_hungry(hand));
	assert_true(verify_take(first, hand));
	assert_false(verify_hungry(hand)); /* nothing is asked for yet */
	assert_null(verify_step(hand));
	assert_true(verify_hungry(hand));
	assert_true(verify_take(second, hand));
	assert_null(verify_step(hand));
	verify_cancel(first);
	assert_ptr_equal(verify_step(hand), first);
	assert_int_equal(verify_end(first, &ignored, &err), -ECANCELED);
	assert_true(verify_holds(hand));
	while (verify_step(hand) != second)
		continue;
	assert_false(verify_holds(hand));
	verify_hand_destroy(hand);
	lab_end(&lab, second);
	have_is(&lab, "11111");
	lab_close(&lab);
}

static void
many_threads(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, long_create(false), O_RDONLY);
	lab.thread_cnt = 3;
	lab_verify(&lab);
	have_is(&lab, "11111111111111111111111111");
	fingerprints_check(&lab);
	byte_flip("f", 70 << 20);
	byte_flip("f", 190 << 20);
	lab_verify(&lab);
	have_is(&lab, "11111111011111111111111011");
	lab_close(&lab);
}

static void
wrong_job(void **state)
{
	struct metainfo_error err = { "" };
	struct verify_pass *pass;
	struct lab lab;

	(void)state;
	lab_open(&lab, single_create(10, 16384), O_RDONLY);
	lab.job.fd_cnt = 2;
	assert_int_equal(verify_begin(&pass, &lab.job, &err), -EINVAL);
	lab.job.fd_cnt = 1;
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
		cmocka_unit_test_setup_teardown(one_hand_two_passes, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(many_threads, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(wrong_job, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
