/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* due_heap.h is a binary heap of numbered items by when they are due. Where an item stands is kept
 * in an array of the caller's, by item, so that several heaps may share it when no item is in two
 * of them: DUE_HEAP_OUT, or its place.
 *
 * Threads: one. Memory: 16 bytes an item in it, growing by a quarter. A heap of zeros is empty.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_DUE_HEAP_H
#define SPILLWAY_CONTROL_ANNOUNCE_DUE_HEAP_H

#include <stdint.h>

#define DUE_HEAP_OUT UINT32_MAX

struct due_slot {
	int64_t due_ms;
	uint32_t item;
};

struct due_heap {
	struct due_slot *slot; /* slot[0] is due first */
	uint32_t cnt;
	uint32_t cap;
};

/* due_heap_free frees the heap and leaves it empty; places are not touched. */
void
due_heap_free(struct due_heap *heap);

/* due_heap_reserve makes room for cnt items in all. Returns 0 or -ENOMEM. */
int
due_heap_reserve(struct due_heap *heap, uint32_t cnt);

/* due_heap_set puts an item in, or changes when it is due. Room must have been reserved. */
void
due_heap_set(struct due_heap *heap, uint32_t *place, uint32_t item, int64_t due_ms);

/* due_heap_remove takes an item out, if it is in. */
void
due_heap_remove(struct due_heap *heap, uint32_t *place, uint32_t item);

#endif
