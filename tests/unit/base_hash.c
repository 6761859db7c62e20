/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A fingerprint is the same number on every machine: control may have written it on another. */
#include "dataplane/base/hash.h"

#include "dataplane/base/common.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LEN_MAX = 256 * 1024 };

static uint8_t *
some_bytes(void)
{
	uint8_t *bytes = malloc(LEN_MAX);
	uint32_t state = 1;

	assert_non_null(bytes);
	for (uint32_t i = 0; i < LEN_MAX; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	return bytes;
}

/* The values are the shared library's. */
static void
known_values(void **state)
{
	static const struct {
		uint32_t len;
		uint64_t hash;
	} known[] = {
		{1, 0x429e81bc6744101c},
		{100, 0x2d7c1fb25df2d1da},
		{4096, 0x436f521f6688c5ed},
		{16384, 0x0b9eba15ef84a59d},
		{65536, 0xb25b6166131fa281},
		{65537, 0x49235290459c83cc},
		{262144, 0xf9f794b1ede84940},
	};
	uint8_t *bytes = some_bytes();

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(known); i++)
		assert_true(hash_unit(bytes, known[i].len) == known[i].hash);
	free(bytes);
}

/* The vectors of hash_unit and those of hash_keyed need not be the same. */
static void
same_as_baseline(void **state)
{
	uint8_t *bytes = some_bytes();

	(void)state;
	for (uint32_t len = 1; len <= LEN_MAX; len += len / 7 + 1)
		assert_true(hash_unit(bytes, len) == hash_keyed(bytes, len, 0));
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(same_as_baseline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
