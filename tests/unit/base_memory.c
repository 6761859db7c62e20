/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Memory on hugepages if there are any, and on ordinary ones if not. */
#include "dataplane/base/memory.h"
#include "dataplane/base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t lens[] = {
	1, 64, 4097, MEMORY_HUGE_LEN - 1, MEMORY_HUGE_LEN, MEMORY_HUGE_LEN + 1,
	3 * MEMORY_HUGE_LEN + 12345,
};

static void
taken_whole_and_empty(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(lens); i++) {
		uint8_t *memory = memory_take(lens[i], MEMORY_ASKED, NULL);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 64, 0);
		if (lens[i] >= MEMORY_HUGE_LEN)
			assert_int_equal((uintptr_t)memory % MEMORY_HUGE_LEN, 0);
		assert_int_equal(memory[0], 0);
		assert_int_equal(memory[lens[i] - 1], 0);
		memset(memory, 1, lens[i]);
		memory_give(memory, lens[i]);
	}
}

/* more than any machine has reserved: asked for instead, and told */
static void
not_reserved_is_told_and_taken(void **state)
{
	size_t len = (size_t)1 << 40;
	uint32_t missed = 0;
	uint8_t *memory = memory_take(len, MEMORY_RESERVED, &missed);

	(void)state;
	if (memory == NULL)                    /* no such address space either: nothing to tell */
		return;
	assert_int_equal(missed, 1);
	memory[0] = 1;
	memory[len - 1] = 1;
	memory_give(memory, len);
}

static void
large_pools(void **state)
{
	struct pool pool;
	uint32_t missed = 0;
	uint32_t cnt = (uint32_t)(2 * MEMORY_HUGE_LEN / 960);
	void *object;

	(void)state;
	assert_int_equal(pool_init_how(&pool, 960, cnt, MEMORY_RESERVED, &missed), 0);
	assert_in_range(missed, 0, 1);
	for (uint32_t i = 0; i < cnt; i++) {
		object = pool_get(&pool);
		assert_non_null(object);
		memset(object, 1, 960);
	}
	assert_null(pool_get(&pool));
	pool_fini(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_whole_and_empty),
		cmocka_unit_test(not_reserved_is_told_and_taken),
		cmocka_unit_test(large_pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
