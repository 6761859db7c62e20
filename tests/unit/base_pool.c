/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Pools hand out what they have and no more; buffers come back with their last reference;
 * sequence numbers compare across the wrap. */
#include "dataplane/base/pool.h"
#include "dataplane/base/seq.h"
#include "dataplane/base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
pool_is_bounded(void **state)
{
	struct pool pool;
	void *object[3];

	(void)state;
	assert_int_equal(pool_init(&pool, 100, 3), 0);
	for (int i = 0; i < 3; i++) {
		object[i] = pool_get(&pool);
		assert_non_null(object[i]);
		assert_int_equal((uintptr_t)object[i] % 64, 0);
		assert_ptr_equal(pool_at(&pool, pool_index(&pool, object[i])), object[i]);
	}
	assert_null(pool_get(&pool));
	pool_put(&pool, object[1]);
	assert_ptr_equal(pool_get(&pool), object[1]);
	pool_fini(&pool);
}

static void
buffers_come_back_last_in_first_out(void **state)
{
	uint8_t *memory = malloc(4 * 64);
	struct buf_pool *pool = buf_pool_create(memory, 64, 4);
	struct buf *a = buf_get(pool);
	struct buf *b = buf_get(pool);
	struct frag frag = {.span = {.buf = buf_ref(a), .data = a->data, .len = 64}};

	(void)state;
	assert_int_equal(b->data - a->data, 64);
	buf_put(a);
	assert_int_equal(pool->free_cnt, 2);
	frag_release(&frag);
	assert_int_equal(pool->free_cnt, 3);
	assert_ptr_equal(buf_get(pool), a);
	buf_put(a);
	buf_put(b);
	buf_pool_destroy(pool);
	free(memory);
}

static void
sequence_numbers_wrap(void **state)
{
	(void)state;
	assert_true(seq_lt(0xfffffff0u, 0x10));
	assert_true(seq_gt(0x10, 0xfffffff0u));
	assert_true(seq_le(7, 7) && seq_ge(7, 7));
	assert_false(seq_lt(7, 7));
	assert_int_equal(seq_max(0xfffffff0u, 0x10), 0x10);
	assert_int_equal(seq_min(0xfffffff0u, 0x10), 0xfffffff0u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_is_bounded),
		cmocka_unit_test(buffers_come_back_last_in_first_out),
		cmocka_unit_test(sequence_numbers_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
