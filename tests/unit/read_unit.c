/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How long reads may be: by the arena, by the device's queue. */
#include "control/read_unit.h"

#include "dataplane/abi.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1024 };

static void
one_unit_for_each_connection(void **state)
{
	static const struct {
		int64_t arena_mib;
		int64_t connections_max;
		uint32_t unit;
	} row[] = {
		{256, 4096, 64 * KIB}, {511, 4096, 64 * KIB},   {512, 4096, 128 * KIB},
		{16, 4096, 64 * KIB},  {1024, 4096, 256 * KIB}, {1048576, 1, 256 * KIB},
		{16, 64, 256 * KIB},   {16, 1048576, 64 * KIB},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(read_unit_arena(row[i].arena_mib, row[i].connections_max),
		                 row[i].unit);
}

/* limit writes a queue's limit and asks. */
static uint32_t
limit(const char *text, uint32_t unit_max)
{
	char folder[] = "/tmp/spwunit.XXXXXX", path[64];
	uint32_t unit;
	FILE *file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/max_sectors_kb", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
	unit = read_unit_queue(folder, unit_max);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	return unit;
}

static void
a_queue_limits(void **state)
{
	(void)state;
	assert_int_equal(limit("1280\n", 256 * KIB), 256 * KIB);
	assert_int_equal(limit("256\n", 256 * KIB), 256 * KIB);
	assert_int_equal(limit("255\n", 256 * KIB), 128 * KIB);
	assert_int_equal(limit("64\n", 256 * KIB), 64 * KIB);
	assert_int_equal(limit("64\n", 16 * KIB), 16 * KIB);
	assert_int_equal(limit("4\n", 256 * KIB), 16 * KIB);
	assert_int_equal(limit("0\n", 256 * KIB), 256 * KIB);
	assert_int_equal(limit("none\n", 256 * KIB), 256 * KIB);
	assert_int_equal(read_unit_queue("/nowhere", 256 * KIB), 256 * KIB);
}

/* A file system in memory has no device. */
static void
no_device_no_limit(void **state)
{
	int fd = memfd_create("read_unit", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(read_unit_files(&fd, 1, 256 * KIB), 256 * KIB);
	assert_int_equal(read_unit_files(NULL, 0, 128 * KIB), 128 * KIB);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_unit_for_each_connection),
		cmocka_unit_test(a_queue_limits),
		cmocka_unit_test(no_device_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
