/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What create has found is what verify would find, and is of no use once a file is another. */
#include "control/content/known.h"
#include "control/content/layout.h"

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
	UNIT_MAX = 64 << 10,
	FILES = 3,
};

static const struct {
	const char *path;
	size_t len;
} files[FILES] = {{"c/a", 1 << 20}, {"c/b", (70 << 20) + 3}, {"c/d", 5}};

struct lab {
	char folder[32];
	struct create_known known;
	int fd;              /* of the .torrent */
	uint8_t *bytes;      /* of it and what is behind */
	size_t len;
	struct metainfo *meta;
	struct verify_saved *saved;
	uint32_t saved_cnt;
};

static void
file_fill(const char *path, size_t len)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	for (size_t i = 0; i < len; i += 4) {
		uint32_t word = (uint32_t)(i * 2654435761u);
		fwrite(&word, 1, len - i < 4 ? len - i : 4, out);
	}
	fclose(out);
}

static void
lab_open(struct lab *lab, bool hybrid)
{
	struct metainfo_error err;

	*lab = (struct lab){.folder = "/var/tmp/known-XXXXXX", .known = {.unit_max = UNIT_MAX}};
	assert_non_null(mkdtemp(lab->folder));
	assert_int_equal(chdir(lab->folder), 0);
	assert_int_equal(mkdir("c", 0700), 0);
	for (int i = 0; i < FILES; i++)
		file_fill(files[i].path, files[i].len);
	struct create_options options = {
		.path = "c", .out_path = "t", .hybrid = hybrid, .known = &lab->known,
	};
	if (create_torrent(&options, NULL, &err) != 0)
		fail_msg("%s", err.text);
	lab->fd = open("t", O_RDWR);
	assert_true(lab->fd >= 0);
}

/* Writes what is known and reads it back. */
static void
lab_pass_on(struct lab *lab)
{
	struct metainfo_error err;
	struct fail fail;
	struct stat before, after;

	fstat(lab->fd, &before);
	assert_int_equal(known_write(lab->fd, ".", &lab->known, &fail), 0);
	fstat(lab->fd, &after);
	lab->len = (size_t)(after.st_size - before.st_size);
	lab->bytes = malloc((size_t)after.st_size + 1);
	assert_int_equal(pread(lab->fd, lab->bytes, (size_t)after.st_size, 0), after.st_size);
	assert_int_equal(metainfo_parse(&lab->meta, lab->bytes, (size_t)before.st_size, &err), 0);
	memmove(lab->bytes, lab->bytes + before.st_size, lab->len);
	assert_int_equal(known_parse(lab->bytes, lab->len, &lab->saved, &lab->saved_cnt), 0);
}

/* Verifies, with what is known or without it. Returns how much was known. */
static uint64_t
lab_verify(struct lab *lab, bool with, struct verify_result *result)
{
	struct verify_hand *hand = verify_hand_create();
	struct metainfo_error err;
	struct verify_pass *pass;
	int fd[FILES];

	for (int i = 0; i < FILES; i++)
		assert_true((fd[i] = open(files[i].path, O_RDONLY)) >= 0);
	struct verify_job job = {
		.meta = lab->meta, .fd = fd, .fd_cnt = FILES, .unit_max = UNIT_MAX,
		.saved = lab->saved, .saved_cnt = with ? lab->saved_cnt : 0,
	};
	assert_int_equal(verify_begin(&pass, &job, &err), 0);
	uint64_t known_bytes = verify_done_bytes(pass);
	while (verify_take(pass, hand))
		while (verify_step(hand) == NULL)
			continue;
	assert_int_equal(verify_end(pass, result, &err), 0);
	verify_hand_destroy(hand);
	for (int i = 0; i < FILES; i++)
		close(fd[i]);
	return known_bytes;
}

static void
lab_close(struct lab *lab)
{
	for (uint32_t i = 0; i < lab->saved_cnt; i++)
		verify_saved_free(&lab->saved[i]);
	free(lab->saved);
	metainfo_free(lab->meta);
	create_known_free(&lab->known);
	free(lab->bytes);
	close(lab->fd);
	for (int i = 0; i < FILES; i++)
		unlink(files[i].path);
	unlink("t");
	rmdir("c");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(lab->folder), 0);
}

static void
same_check(bool hybrid)
{
	struct verify_result told, read;
	struct lab lab;

	lab_open(&lab, hybrid);
	lab_pass_on(&lab);
	assert_int_equal(lab.saved_cnt, 2);
	assert_int_equal(lab_verify(&lab, true, &told), lab.meta->content_len);
	assert_int_equal(lab_verify(&lab, false, &read), 0);
	assert_int_equal(read.have_cnt, lab.meta->piece_cnt);
	assert_int_equal(told.have_cnt, read.have_cnt);
	assert_int_equal(told.unit_cnt, read.unit_cnt);
	assert_memory_equal(told.fingerprint, read.fingerprint,
	                    read.unit_cnt * sizeof(*read.fingerprint));
	verify_result_free(&told);
	verify_result_free(&read);
	lab_close(&lab);
}

static void
as_verified(void **state)
{
	(void)state;
	same_check(false);
	same_check(true);
}

static void
changed_after(void **state)
{
	struct verify_result result;
	struct lab lab;

	(void)state;
	lab_open(&lab, false);
	lab_pass_on(&lab);
	file_fill("c/d", files[2].len); /* the last range's */
	utimensat(AT_FDCWD, "c/d", (struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0);
	uint64_t known_bytes = lab_verify(&lab, true, &result);
	assert_true(known_bytes > 0 && known_bytes < lab.meta->content_len);
	assert_int_equal(result.have_cnt, lab.meta->piece_cnt);
	verify_result_free(&result);
	lab_close(&lab);
}

/* Between hashing and the look at the files. */
static void
changed_before(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, false);
	utimensat(AT_FDCWD, "c/a", (struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0);
	lab_pass_on(&lab);
	assert_int_equal(lab.len, 0);
	assert_int_equal(lab.saved_cnt, 0);
	lab_close(&lab);
}

static void
cut(void **state)
{
	struct verify_saved *saved;
	struct lab lab;
	uint32_t cnt;

	(void)state;
	lab_open(&lab, false);
	lab_pass_on(&lab);
	size_t step = lab.len / 1000 + 1;
	for (size_t len = 1; len < lab.len; len += step) {
		uint8_t *copy = malloc(len); /* of that size: what reads beyond is seen by ASan */
		memcpy(copy, lab.bytes, len);
		int err = known_parse(copy, len, &saved, &cnt);
		assert_true(err == 0 || err == -EINVAL);
		for (uint32_t i = 0; err == 0 && i < cnt; i++)
			verify_saved_free(&saved[i]);
		if (err == 0)
			free(saved);
		free(copy);
	}
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_verified),
		cmocka_unit_test(changed_after),
		cmocka_unit_test(changed_before),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
