/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How long reads may be, by the arena. */
#include "control/content/read_unit.h"

#include "dataplane/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_unit_for_each_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
