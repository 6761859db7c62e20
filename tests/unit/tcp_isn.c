/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Initial sequence numbers: the hash against its published vector, and what RFC 6528 asks. */
#include "dataplane/tcp/isn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t secret[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
static const struct flow_key key = {0x07060504, 0x03020100, 0x0f0e, 0x0d0c};

static void
hash_is_siphash_2_4(void **state)
{
	(void)state;
	/* the authors' vector for the 16 bytes 00 01 .. 0f */
	assert_int_equal(isn_hash(secret, &key, 0x0b0a0908), 0x3f2acc7f57c29bdbu);
}

static void
number_counts_4_microseconds(void **state)
{
	uint32_t first = isn_make(secret, &key, 1000000);

	(void)state;
	assert_int_equal(isn_make(secret, &key, 1000000) - first, 0);
	assert_int_equal(isn_make(secret, &key, 1000400) - first, 100);
	assert_int_equal(isn_make(secret, &key, 1000000 + (4ull << 32)) - first, 0);
}

static void
number_depends_on_flow_and_secret(void **state)
{
	const uint64_t other[2] = {secret[0], secret[1] + 1};
	struct flow_key next = key;
	uint32_t number = isn_make(secret, &key, 1000000);

	(void)state;
	assert_int_not_equal(isn_make(other, &key, 1000000), number);
	next.remote_port++;
	assert_int_not_equal(isn_make(secret, &next, 1000000), number);
	next = key;
	next.remote_be++;
	assert_int_not_equal(isn_make(secret, &next, 1000000), number);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_siphash_2_4),
		cmocka_unit_test(number_counts_4_microseconds),
		cmocka_unit_test(number_depends_on_flow_and_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
