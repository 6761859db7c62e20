/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The sum over any bytes, of any length and at any place, is what RFC 1071 says; and what is copied
 * beside it is what was there, and no more. */
#include "dataplane/base/csum.h"
#include "tests/unit/ip_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	LEN_MAX = 2000,
	LONG_LEN = 65535,
};

static uint8_t from[LONG_LEN + 64];
static uint8_t to[LONG_LEN + 64];

static unsigned
wanted(const uint8_t *bytes, uint32_t len)
{
	return sum16(bytes, len, 0);
}

/* folded returns a sum in network order, of the two forms of zero the one that sum16 gives. */
static unsigned
folded(uint64_t sum, unsigned like)
{
	uint16_t word = csum_fold(sum);
	unsigned value = get16((const uint8_t *)&word);

	return value % 0xffff == 0 && like % 0xffff == 0 ? like : value;
}

static void
check(uint32_t at, uint32_t len)
{
	unsigned want = wanted(from + at, len);

	assert_int_equal(folded(csum_add(from + at, len, 0), want), want);
	memset(to, 0xee, len + 16);
	assert_int_equal(folded(csum_copy(to + at % 8, from + at, len), want), want);
	assert_memory_equal(to + at % 8, from + at, len);
	assert_int_equal(to[at % 8 + len], 0xee);
}

static void
bytes_fill(unsigned seed)
{
	srand(seed);
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = seed == 0 ? 0xff : (uint8_t)rand();
}

static void
all_lengths(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 3; seed++) {
		bytes_fill(seed);
		for (uint32_t len = 0; len < LEN_MAX; len++)
			check(len * 7 % 33, len);
	}
}

static void
long_ones(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 2; seed++) {
		bytes_fill(seed);
		for (uint32_t len = LONG_LEN - 40; len <= LONG_LEN; len++)
			check(len % 13, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lengths),
		cmocka_unit_test(long_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
