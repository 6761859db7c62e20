/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is due first comes first, whatever was changed; a string is kept while it is held. */
#include "control/announce/due_heap.h"
#include "control/announce/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	ITEMS = 300,
	STEPS = 20000,
};

static void
heap_check(const struct due_heap *heap, const uint32_t *place, const int64_t *due_ms)
{
	uint32_t in_cnt = 0;

	for (uint32_t i = 0; i < ITEMS; i++) {
		if (place[i] == DUE_HEAP_OUT)
			continue;
		in_cnt++;
		assert_true(place[i] < heap->cnt && heap->slot[place[i]].item == i);
		assert_int_equal(heap->slot[place[i]].due_ms, due_ms[i]);
		assert_true(heap->slot[0].due_ms <= due_ms[i]);
	}
	assert_int_equal(in_cnt, heap->cnt);
}

static void
first_is_due_first(void **state)
{
	struct due_heap heap = {0};
	uint32_t place[ITEMS];
	int64_t due_ms[ITEMS];
	unsigned int seed = 1;

	(void)state;
	memset(place, 0xff, sizeof(place));
	assert_int_equal(due_heap_reserve(&heap, ITEMS), 0);
	for (int i = 0; i < STEPS; i++) {
		uint32_t item = (uint32_t)rand_r(&seed) % ITEMS;
		if (rand_r(&seed) % 3 == 0) {
			due_heap_remove(&heap, place, item);
		} else {
			due_ms[item] = rand_r(&seed) % 1000;
			due_heap_set(&heap, place, item, due_ms[item]);
		}
		if (i % 16 == 0)
			heap_check(&heap, place, due_ms);
	}
	for (int64_t last_ms = 0; heap.cnt > 0; last_ms = heap.slot[0].due_ms) {
		assert_true(heap.slot[0].due_ms >= last_ms);
		due_heap_remove(&heap, place, heap.slot[0].item);
		if (heap.cnt == 0)
			break;
	}
	due_heap_free(&heap);
}

static void
strings_are_kept_once(void **state)
{
	struct intern table = {0};
	uint32_t index[ITEMS];
	char text[32];
	bool is_new;

	(void)state;
	for (uint32_t i = 0; i < ITEMS; i++) {
		int len = snprintf(text, sizeof(text), "string %u", i);
		index[i] = intern_take(&table, text, (size_t)len, &is_new);
		assert_true(is_new);
		assert_int_equal(intern_take(&table, text, (size_t)len, &is_new), index[i]);
		assert_false(is_new);
	}
	assert_int_equal(table.live_cnt, ITEMS);
	for (uint32_t i = 0; i < ITEMS; i += 2) {
		assert_false(intern_drop(&table, index[i]));
		assert_true(intern_drop(&table, index[i]));
	}
	assert_int_equal(table.live_cnt, ITEMS / 2);
	for (uint32_t i = 1; i < ITEMS; i += 2) {
		int len = snprintf(text, sizeof(text), "string %u", i);
		assert_string_equal(intern_bytes(&table, index[i]), text);
		assert_int_equal(intern_len(&table, index[i]), len);
	}
	uint32_t reused = intern_take(&table, "another", 7, &is_new);
	assert_true(is_new && reused < ITEMS);
	intern_free(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_is_due_first),
		cmocka_unit_test(strings_are_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
