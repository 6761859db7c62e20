/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A binary heap that knows where each seat is. */
#include "perf/leech_due.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static const uint32_t nowhere = UINT32_MAX;

int
leech_due_init(struct leech_due *due, uint32_t cnt)
{
	uint32_t i;

	due->heap_cnt = 0;
	due->heap = calloc(cnt, sizeof(*due->heap));
	due->place = calloc(cnt, sizeof(*due->place));
	if (due->heap == NULL || due->place == NULL) {
		leech_due_fini(due);
		return -ENOMEM;
	}
	for (i = 0; i < cnt; i++)
		due->place[i] = nowhere;
	return 0;
}

void
leech_due_fini(struct leech_due *due)
{
	free(due->heap);
	free(due->place);
	due->heap = NULL;
	due->place = NULL;
}

static void
put(struct leech_due *due, uint32_t at, struct leech_due_entry entry)
{
	due->heap[at] = entry;
	due->place[entry.seat] = at;
}

/* settle moves an entry that is to stand at `at` to where it belongs. */
static void
settle(struct leech_due *due, uint32_t at, struct leech_due_entry entry)
{
	uint32_t child;

	while (at > 0 && due->heap[(at - 1) / 2].due_us > entry.due_us) {
		put(due, at, due->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	while ((child = 2 * at + 1) < due->heap_cnt) {
		if (child + 1 < due->heap_cnt &&
		    due->heap[child + 1].due_us < due->heap[child].due_us)
			child++;
		if (due->heap[child].due_us >= entry.due_us)
			break;
		put(due, at, due->heap[child]);
		at = child;
	}
	put(due, at, entry);
}

static void
remove_at(struct leech_due *due, uint32_t at)
{
	struct leech_due_entry last = due->heap[--due->heap_cnt];

	due->place[due->heap[at].seat] = nowhere;
	if (at < due->heap_cnt)
		settle(due, at, last);
}

void
leech_due_set(struct leech_due *due, uint32_t seat, uint64_t due_us)
{
	uint32_t at = due->place[seat];

	if (due_us == LEECH_NEVER) {
		if (at != nowhere)
			remove_at(due, at);
		return;
	}
	if (at == nowhere)
		at = due->heap_cnt++;
	settle(due, at, (struct leech_due_entry){due_us, seat});
}

uint64_t
leech_due_next_us(const struct leech_due *due)
{
	return due->heap_cnt > 0 ? due->heap[0].due_us : LEECH_NEVER;
}

uint32_t
leech_due_pop(struct leech_due *due)
{
	uint32_t seat = due->heap[0].seat;

	assert(due->heap_cnt > 0);
	remove_at(due, 0);
	return seat;
}
