/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Content, a pass over it, and what must come out. */
#include "tests/unit/verify_lab.h"

#include "control/content/layout.h"

#include <xxhash.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void
lab_open(struct lab *lab, struct metainfo *meta, int flags)
{
	uint32_t i, cnt = 0;

	*lab = (struct lab){ .meta = meta };
	for (i = 0; i < meta->file_cnt; i++)
		if (metainfo_file_has_data(&meta->file[i]))
			lab->fd[cnt++] = open(meta->file[i].path, flags);
	lab->job = (struct verify_job){
		.meta = meta, .fd = lab->fd, .fd_cnt = cnt, .unit_max = ABI_UNIT_MAX,
	};
	lab->thread_cnt = 1;
}

struct verify_pass *
lab_begin(struct lab *lab)
{
	struct metainfo_error err = { "" };
	struct verify_pass *pass;

	if (verify_begin(&pass, &lab->job, &err) < 0)
		fail_msg("%s", err.text);
	return pass;
}

void *
lab_work(void *pass)
{
	struct verify_hand *hand = verify_hand_create();

	assert_non_null(hand);
	for (;;) {
		bool taken = verify_hungry(hand) && verify_take(pass, hand);

		if (!taken && !verify_holds(hand))
			break;
		if (!taken)
			verify_step(hand);
	}
	verify_hand_destroy(hand);
	return NULL;
}

void
lab_end(struct lab *lab, struct verify_pass *pass)
{
	struct metainfo_error err = { "" };

	assert_false(verify_left(pass));
	assert_int_equal(verify_done_bytes(pass), lab->meta->content_len);
	if (verify_end(pass, &lab->result, &err) < 0)
		fail_msg("%s", err.text);
}

void
lab_verify(struct lab *lab)
{
	pthread_t thread[VERIFY_LAB_THREADS_MAX];
	struct verify_pass *pass;
	uint32_t i;

	verify_result_free(&lab->result);
	pass = lab_begin(lab);
	if (lab->meanwhile != NULL)
		lab->meanwhile();
	for (i = 1; i < lab->thread_cnt; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, lab_work, pass), 0);
	lab_work(pass);
	for (i = 1; i < lab->thread_cnt; i++)
		pthread_join(thread[i], NULL);
	lab_end(lab, pass);
}

void
lab_close(struct lab *lab)
{
	uint32_t i;

	for (i = 0; i < lab->job.fd_cnt; i++)
		close(lab->fd[i]);
	verify_result_free(&lab->result);
	metainfo_free(lab->meta);
}

void
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

void
file_is(const struct lab *lab, uint32_t file, enum verify_state state, uint32_t missing_cnt)
{
	assert_int_equal(lab->result.file[file].state, state);
	assert_int_equal(lab->result.file[file].piece_missing_cnt, missing_cnt);
}

void
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

void
byte_flip(const char *path, off_t off)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, off), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

struct metainfo *
single_create(size_t len, uint32_t piece_len)
{
	lab_write("f", 7, len);
	return lab_create((struct create_options){ .path = "f", .piece_len = piece_len });
}

struct metainfo *
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

struct metainfo *
long_create(bool hybrid)
{
	static const off_t place[] = { 0, 64 << 20, (64 << 20) - 1, 150 << 20, (200 << 20) + 4 };
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	size_t i;

	for (i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		assert_int_equal(pwrite(fd, "x", 1, place[i]), 1);
	close(fd);
	return lab_create((struct create_options){
		.path = "f", .piece_len = 8 << 20, .hybrid = hybrid });
}
