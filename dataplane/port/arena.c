/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Memory for payload that the other end of a device reads by itself. */
#include "dataplane/port/device.h"

#include <rte_malloc.h>
#include <rte_memory.h>

enum { ARENA_ALIGN = 1 << 21 }; /* a hugepage */

void *
port_arena_alloc(struct port *port, uint64_t len)
{
	struct rte_memseg_list *list;
	void *memory;

	if (!port->shares)
		return NULL;
	memory = rte_malloc(NULL, len, ARENA_ALIGN);
	if (memory == NULL)
		return NULL;
	list = rte_mem_virt2memseg_list(memory);
	port->seen_base = (uintptr_t)list->base_va;
	port->seen_len = list->len;
	return memory;
}

void
port_arena_free(void *memory)
{
	rte_free(memory);
}
