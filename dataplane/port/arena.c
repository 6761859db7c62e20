/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Memory for payload that the other end of a device reads by itself. */
#include "dataplane/port/device.h"

#include <rte_malloc.h>
#include <rte_memory.h>

enum { ARENA_ALIGN = 1 << 21 }; /* a hugepage */

void *
port_arena_alloc(struct port_device *device, uint64_t len)
{
	struct rte_memseg_list *list;
	void *memory;

	if (!device->shares)
		return NULL;
	memory = rte_malloc(NULL, len, ARENA_ALIGN);
	if (memory == NULL)
		return NULL;
	list = rte_mem_virt2memseg_list(memory);
	for (uint16_t i = 0; i < device->queue_cnt; i++) {
		device->queues[i]->seen_base = (uintptr_t)list->base_va;
		device->queues[i]->seen_len = list->len;
	}
	return memory;
}

void
port_arena_free(void *memory)
{
	rte_free(memory);
}
