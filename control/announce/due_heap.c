/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The usual heap: a parent is due no later than its two children. */
#include "control/announce/due_heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void
due_heap_free(struct due_heap *heap)
{
	free(heap->slot);
	*heap = (struct due_heap){0};
}

int
due_heap_reserve(struct due_heap *heap, uint32_t cnt)
{
	if (cnt <= heap->cap)
		return 0;
	uint32_t cap = heap->cap + heap->cap / 4 + 4;
	if (cap < cnt)
		cap = cnt;
	struct due_slot *slot = realloc(heap->slot, cap * sizeof(*slot));
	if (slot == NULL)
		return -ENOMEM;
	heap->slot = slot;
	heap->cap = cap;
	return 0;
}

static void
settle(struct due_heap *heap, uint32_t *place, uint32_t i, struct due_slot slot)
{
	heap->slot[i] = slot;
	place[slot.item] = i;
}

/* sift moves what stands at i to where it belongs. */
static void
sift(struct due_heap *heap, uint32_t *place, uint32_t i)
{
	struct due_slot slot = heap->slot[i];

	while (i > 0 && heap->slot[(i - 1) / 2].due_ms > slot.due_ms) {
		settle(heap, place, i, heap->slot[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (uint32_t child; (child = 2 * i + 1) < heap->cnt; i = child) {
		if (child + 1 < heap->cnt && heap->slot[child + 1].due_ms < heap->slot[child].due_ms)
			child++;
		if (heap->slot[child].due_ms >= slot.due_ms)
			break;
		settle(heap, place, i, heap->slot[child]);
	}
	settle(heap, place, i, slot);
}

void
due_heap_set(struct due_heap *heap, uint32_t *place, uint32_t item, int64_t due_ms)
{
	uint32_t i = place[item];

	if (i == DUE_HEAP_OUT) {
		assert(heap->cnt < heap->cap);
		i = heap->cnt++;
	}
	heap->slot[i] = (struct due_slot){.due_ms = due_ms, .item = item};
	sift(heap, place, i);
}

void
due_heap_remove(struct due_heap *heap, uint32_t *place, uint32_t item)
{
	uint32_t i = place[item];

	if (i == DUE_HEAP_OUT)
		return;
	assert(i < heap->cnt && heap->slot[i].item == item);
	place[item] = DUE_HEAP_OUT;
	if (i == --heap->cnt)
		return;
	heap->slot[i] = heap->slot[heap->cnt];
	sift(heap, place, i);
}
