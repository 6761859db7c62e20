/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify goes on where an earlier pass was: what is saved of it is not read again, unless the files
 * are others. */
#include "control/content/layout.h"
#include "tests/unit/verify_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	RANGES = 4, /* of long_create: the last is short */
	RANGE_LEN = 64 << 20,
};

/* What one pass leaves to the next. */
struct kept {
	struct verify_saved saved[RANGES];
	uint32_t cnt;
};

static void
saved_take(struct kept *kept, struct verify_pass *pass)
{
	while (kept->cnt < RANGES && verify_save_next(pass, &kept->saved[kept->cnt]))
		kept->cnt++;
}

static void
kept_free(struct kept *kept)
{
	for (uint32_t i = 0; i < kept->cnt; i++)
		verify_saved_free(&kept->saved[i]);
	*kept = (struct kept){ .cnt = 0 };
}

/* Does so many ranges of a pass, keeps them, and cancels it. */
static void
begin_only(struct lab *lab, uint32_t range_cnt, struct kept *kept)
{
	struct verify_hand *hand = verify_hand_create();
	struct verify_pass *pass = lab_begin(lab);
	struct metainfo_error err;

	saved_take(kept, pass);
	assert_int_equal(kept->cnt, 0);
	for (uint32_t i = 0; i < range_cnt; i++) {
		assert_true(verify_take(pass, hand));
		while (verify_step(hand) != pass)
			continue;
	}
	saved_take(kept, pass);
	verify_cancel(pass);
	saved_take(kept, pass);
	verify_hand_destroy(hand);
	assert_int_equal(verify_end(pass, &lab->result, &err), -ECANCELED);
	lab->job.saved = kept->saved;
	lab->job.saved_cnt = kept->cnt;
}

/* Changes a byte behind the file's time: only who reads it can know. */
static void
flip_unseen(const char *path, off_t off)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	byte_flip(path, off);
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){ st.st_atim, st.st_mtim }, 0),
			 0);
}

static void
goes_on(void **state)
{
	struct kept kept = { .cnt = 0 }, none = { .cnt = 0 };
	struct verify_pass *pass;
	struct lab lab;

	(void)state;
	lab_open(&lab, long_create(false), O_RDONLY);
	byte_flip("f", 9 << 20);
	begin_only(&lab, 2, &kept);
	assert_int_equal(kept.cnt, 2);
	/* In what is known nothing is read, in the rest everything. */
	flip_unseen("f", 1 << 20);
	flip_unseen("f", 140 << 20);
	pass = lab_begin(&lab);
	assert_int_equal(verify_done_bytes(pass), 2 * RANGE_LEN);
	lab_work(pass);
	saved_take(&none, pass);
	assert_int_equal(none.cnt, 2);
	lab_end(&lab, pass);
	have_is(&lab, "10111111111111111011111111");
	flip_unseen("f", 1 << 20);
	fingerprints_check(&lab);
	kept_free(&kept);
	kept_free(&none);
	lab_close(&lab);
}

static void
all_is_known(void **state)
{
	struct kept kept = { .cnt = 0 };
	struct lab lab;

	(void)state;
	lab_open(&lab, long_create(true), O_RDONLY);
	begin_only(&lab, RANGES, &kept);
	assert_int_equal(kept.cnt, RANGES);
	flip_unseen("f", 1 << 20);
	lab_verify(&lab);
	have_is(&lab, "11111111111111111111111111");
	kept_free(&kept);
	lab_close(&lab);
}

static void
another_file_begins_anew(void **state)
{
	struct kept kept = { .cnt = 0 };
	struct verify_pass *pass;
	struct lab lab;

	(void)state;
	lab_open(&lab, long_create(false), O_RDONLY);
	begin_only(&lab, 3, &kept);
	byte_flip("f", 1 << 20); /* its time is another */
	pass = lab_begin(&lab);
	assert_int_equal(verify_done_bytes(pass), 0);
	lab_work(pass);
	lab_end(&lab, pass);
	have_is(&lab, "01111111111111111111111111");
	kept_free(&kept);
	lab_close(&lab);
}

/* Saved ranges that do not fit are passed over: of another read unit, cut, out of range, twice. */
static void
what_does_not_fit(void **state)
{
	struct kept kept = { .cnt = 0 };
	struct verify_pass *pass;
	struct lab lab;

	(void)state;
	lab_open(&lab, long_create(false), O_RDONLY);
	begin_only(&lab, 4, &kept);
	kept.saved[0].piece_cnt--;
	kept.saved[1].range = RANGES;
	kept.saved[2].key++;
	pass = lab_begin(&lab);
	assert_int_equal(verify_done_bytes(pass), lab.meta->content_len - 3 * (uint64_t)RANGE_LEN);
	lab_work(pass);
	lab_end(&lab, pass);
	lab.job.unit_max = ABI_UNIT_MAX / 2;
	pass = lab_begin(&lab);
	assert_int_equal(verify_done_bytes(pass), 0);
	lab_work(pass);
	verify_result_free(&lab.result);
	lab_end(&lab, pass);
	have_is(&lab, "11111111111111111111111111");
	kept_free(&kept);
	lab_close(&lab);
}

/* A range in which a read failed is not kept. */
static void
failed_is_not_kept(void **state)
{
	struct kept kept = { .cnt = 0 };
	struct verify_pass *pass;
	struct lab lab;

	(void)state;
	lab_open(&lab, odd_create(false), O_WRONLY);
	pass = lab_begin(&lab);
	lab_work(pass);
	saved_take(&kept, pass);
	assert_int_equal(kept.cnt, 0);
	lab_end(&lab, pass);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(goes_on, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(all_is_known, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(another_file_begins_anew, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(what_does_not_fit, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(failed_is_not_kept, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
