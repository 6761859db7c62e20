/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* memory.h takes memory for what is large and looked at all over: pools and tables. On hugepages a
 * look at it costs no walk through page tables.
 *
 * Threads. Any. Memory. What it hands out is the caller's to give back.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_MEMORY_H
#define SPILLWAY_DATAPLANE_BASE_MEMORY_H

#include "dataplane/base/common.h"

#define MEMORY_HUGE_LEN ((size_t)2 << 20)

enum memory_how {
	MEMORY_ASKED,          /* from 2 MiB on, the kernel is asked to use hugepages if it likes */
	MEMORY_RESERVED,       /* of vm.nr_hugepages if some are left, else as above */
};

/* memory_take returns len > 0 bytes of zeros, aligned to a cache line, or NULL.
 *
 * missed  counts when it is not as wanted; it never fails for want of hugepages. May be NULL. */
COLD void *
memory_take(size_t len, enum memory_how how, uint32_t *missed);

/* memory_give gives back what memory_take returned for len. */
COLD void
memory_give(void *memory, size_t len);

#endif
