/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_due.h: which of many seats something is next due for: a heap.
 *
 * A seat is due at one time at most. Single thread. Memory: cnt entries, by leech_due_init.
 */
#ifndef SPILLWAY_PERF_LEECH_DUE_H
#define SPILLWAY_PERF_LEECH_DUE_H

#include <stdint.h>

#define LEECH_NEVER UINT64_MAX

struct leech_due_entry {
	uint64_t due_us;
	uint32_t seat;
};

struct leech_due {
	struct leech_due_entry *heap; /* [0, heap_cnt) */
	uint32_t *place;              /* of each seat in heap, UINT32_MAX: not due */
	uint32_t heap_cnt;
};

/* leech_due_init makes it for seats [0, cnt), none of them due. Returns 0 or -ENOMEM. */
int
leech_due_init(struct leech_due *due, uint32_t cnt);

/* leech_due_fini frees it. */
void
leech_due_fini(struct leech_due *due);

/* leech_due_set makes a seat due at a time, whatever it was before; LEECH_NEVER: not at all. */
void
leech_due_set(struct leech_due *due, uint32_t seat, uint64_t due_us);

/* leech_due_next_us gives the earliest time; LEECH_NEVER when nothing is due. */
uint64_t
leech_due_next_us(const struct leech_due *due);

/* leech_due_pop takes the seat of the earliest time, which is then not due any more.
 * leech_due_next_us is not LEECH_NEVER. */
uint32_t
leech_due_pop(struct leech_due *due);

#endif
