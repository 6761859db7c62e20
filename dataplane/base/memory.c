/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Memory on hugepages, or on ordinary ones. */
#include "dataplane/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t
round_up(size_t len, size_t to)
{
	return (len + to - 1) & ~(to - 1);
}

COLD static void *
pages_map(size_t len, int flags)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

/* aligned_map maps whole hugepages' worth of addresses: more, of which the ends go back. */
COLD static uint8_t *
aligned_map(size_t len)
{
	uint8_t *memory = pages_map(len + MEMORY_HUGE_LEN, 0);
	size_t before;

	if (memory == NULL)
		return NULL;
	before = round_up((uintptr_t)memory, MEMORY_HUGE_LEN) - (uintptr_t)memory;
	if (before > 0)
		munmap(memory, before);
	munmap(memory + before + len, MEMORY_HUGE_LEN - before);
	return memory + before;
}

COLD static void *
small_create(size_t len)
{
	size_t whole = round_up(len, 64);
	void *memory = aligned_alloc(64, whole);

	return memory != NULL ? memset(memory, 0, whole) : NULL;
}

void *
memory_take(size_t len, enum memory_how how, uint32_t *missed)
{
	size_t whole = round_up(len, MEMORY_HUGE_LEN);
	uint32_t nowhere = 0;
	void *memory;

	missed = missed != NULL ? missed : &nowhere;
	if (len < MEMORY_HUGE_LEN)
		return small_create(len);
	if (how == MEMORY_RESERVED) {
		memory = pages_map(whole, MAP_HUGETLB | MAP_POPULATE);
		if (memory != NULL)
			return memory;
	}
	memory = aligned_map(whole);           /* what is left beyond len is never touched */
	if (memory != NULL &&
	    (madvise(memory, len & ~(MEMORY_HUGE_LEN - 1), MADV_HUGEPAGE) != 0 ||
	     how == MEMORY_RESERVED))
		++*missed;
	return memory;
}

void
memory_give(void *memory, size_t len)
{
	if (len < MEMORY_HUGE_LEN)
		free(memory);
	else
		munmap(memory, round_up(len, MEMORY_HUGE_LEN));
}
