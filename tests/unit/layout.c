/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* layout: extents of a metainfo, the read unit, and the sealed memfd byte by byte. */
#include "control/content/layout.h"

#include "control/content/bencode.h"
#include "tests/unit/metainfo_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

/* One file, and two of which the second begins at 40000 bytes or at 1 MiB. */
static void
unit_len(void **state)
{
	static const struct {
		uint32_t piece_len;
		uint32_t unit_max;
		uint64_t second; /* where the second file begins; 0: there is none */
		uint32_t unit_len;
	} row[] = {
		{ 1024, 256 * KIB, 0, 16 * KIB },
		{ 16 * KIB, 256 * KIB, 0, 16 * KIB },
		{ 64 * KIB, 256 * KIB, 0, 64 * KIB },
		{ 64 * KIB - 1, 256 * KIB, 0, 16 * KIB },
		{ 96 * KIB, 256 * KIB, 0, 32 * KIB },
		{ 256 * KIB, 256 * KIB, 0, 256 * KIB },
		{ 256 * KIB, 64 * KIB, 0, 64 * KIB },
		{ 1u << 30, 256 * KIB, 0, 256 * KIB },
		{ 1u << 30, 16 * KIB, 0, 16 * KIB },
		{ 1000000, 256 * KIB, 0, 64 * KIB },
		{ 256 * KIB, 256 * KIB, 40000, 32 * KIB },
		{ 256 * KIB, 256 * KIB, MIB, 256 * KIB },
		{ 2 * MIB - 1, 256 * KIB, 40000, 128 * KIB },
		{ 2 * MIB, 256 * KIB, 40000, 256 * KIB },
		{ 64 * KIB, 256 * KIB, 40000, 16 * KIB },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct metainfo_file file[2] = {
			{ .len = row[i].second > 0 ? row[i].second : MIB },
			{ .off = row[i].second, .len = MIB },
		};
		struct metainfo meta = {
			.piece_len = row[i].piece_len,
			.file = file,
			.file_cnt = row[i].second > 0 ? 2 : 1,
		};

		assert_int_equal(layout_unit_len(&meta, row[i].unit_max), row[i].unit_len);
	}
}

/* 40000 bytes, pad, nothing, 5 bytes, pad, 32769 bytes; pieces of 32 KiB. */
static struct metainfo *
hybrid_create(void)
{
	assert_int_equal(mkdir("d", 0700), 0);
	lab_write("d/a", 1, 40000);
	lab_write("d/b", 2, 0);
	lab_write("d/c", 3, 5);
	lab_write("d/d", 4, 32769);
	return lab_create((struct create_options){
		.path = "d", .hybrid = true, .piece_len = 32768, .private_flag = true });
}

static void
extents(void **state)
{
	static const struct abi_extent want[] = {
		{ 0, 40000, 0, 0 },
		{ 40000, 25536, ABI_FILE_PAD, 0 },
		{ 65536, 5, 1, 2 },
		{ 65541, 32763, ABI_FILE_PAD, 0 },
		{ 98304, 32769, 2, 3 },
	};
	struct metainfo *meta = hybrid_create();
	struct layout_plan plan;

	(void)state;
	assert_int_equal(layout_plan_create(&plan, meta, 32768, NULL), 0);
	assert_int_equal(plan.unit_len, 32768);
	assert_int_equal(plan.unit_cnt, 5);
	assert_int_equal(plan.file_cnt, 3);
	assert_int_equal(plan.file_cnt, meta->data_file_cnt);
	assert_int_equal(plan.extent_cnt, 5);
	assert_memory_equal(plan.extent, want, sizeof(want));
	layout_plan_free(&plan);
	metainfo_free(meta);
}

static void
memfd_holds_all(void **state)
{
	static const uint64_t fingerprint[] = { 11, 22, 33, 44, 55 };
	static const uint8_t have[] = { 0xaf };
	struct metainfo *meta = hybrid_create();
	const struct abi_layout *head;
	const struct abi_extent *extent;
	const uint8_t *map;
	struct stat st;
	int fd;

	(void)state;
	fd = layout_memfd(meta, 32768, have, fingerprint, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	head = (const struct abi_layout *)map;
	assert_int_equal(head->magic, ABI_MAGIC);
	assert_int_equal(head->version, ABI_VERSION);
	assert_int_equal(head->total_len, 131073);
	assert_int_equal(head->piece_len, 32768);
	assert_int_equal(head->piece_cnt, 5);
	assert_int_equal(head->unit_len, 32768);
	assert_int_equal(head->file_cnt, 3);
	assert_int_equal(head->extent_cnt, 5);
	assert_int_equal(head->unit_cnt, 5);
	assert_int_equal(head->metadata_len, meta->info_len);
	assert_int_equal(head->private_flag, 1);
	assert_memory_equal(head->info_hash, meta->info_hash, 20);
	assert_int_equal((head->extent_off | head->fingerprint_off | head->have_off |
			  head->metadata_off) % 8, 0);
	assert_true(head->extent_off >= sizeof(*head));
	assert_true(head->fingerprint_off >= head->extent_off + 5 * sizeof(*extent));
	assert_true(head->have_off >= head->fingerprint_off + sizeof(fingerprint));
	assert_true(head->metadata_off >= head->have_off + 1);
	assert_int_equal(st.st_size, head->metadata_off + meta->info_len);
	extent = (const struct abi_extent *)(map + head->extent_off);
	assert_int_equal(extent[4].torrent_off, 98304);
	assert_int_equal(extent[4].unit_first, 3);
	assert_memory_equal(map + head->fingerprint_off, fingerprint, sizeof(fingerprint));
	assert_int_equal(map[head->have_off], 0xa8); /* spare bits are 0 */
	assert_memory_equal(map + head->metadata_off, meta->info, meta->info_len);
	munmap((void *)map, (size_t)st.st_size);
	close(fd);
	metainfo_free(meta);
}

static void
memfd_is_sealed(void **state)
{
	static const uint64_t fingerprint[7];
	static const uint8_t have[] = { 0xfe };
	struct metainfo *meta;
	int fd;

	(void)state;
	lab_write("f", 1, 100000);
	meta = lab_create((struct create_options){ .path = "f" });
	fd = layout_memfd(meta, 32768, have, fingerprint, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	close(fd);
	metainfo_free(meta);
}

static void
v2_only_is_not_served(void **state)
{
	static const char text[] =
		"d4:infod9:file treed1:nd0:d6:lengthi5e11:pieces root"
		"32:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAeee12:meta versioni2e4:name1:n"
		"12:piece lengthi16384eee";
	struct metainfo *meta = lab_parse(text, strlen(text));
	struct metainfo_error err = { "" };
	struct layout_plan plan;

	(void)state;
	assert_int_equal(layout_served_check(meta, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "v2"));
	assert_int_equal(layout_plan_create(&plan, meta, 32768, &err), 0);
	assert_int_equal(plan.extent_cnt, 1);
	layout_plan_free(&plan);
	assert_int_equal(layout_memfd(meta, 32768, NULL, NULL, &err), -ENOTSUP);
	metainfo_free(meta);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unit_len),
		cmocka_unit_test_setup_teardown(extents, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(memfd_holds_all, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(memfd_is_sealed, lab_enter, lab_leave),
		cmocka_unit_test(v2_only_is_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
