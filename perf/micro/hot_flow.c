/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The table of flows. */
#include "perf/micro/hot.h"

#include "dataplane/tcp/table.h"

#include <stdlib.h>

enum {
	AT_ONCE = 256,
	SEED = 0x9e3779b9,
	LOCAL_PORT = 6881,
	LOCAL_ADDR = 0x0a000001,
	REMOTE_ADDR = 0x0b000000,
};

static struct table table;
static struct flow *flows;
static uint32_t cnt;
static uint64_t state;
static struct flow_key keys[AT_ONCE];

static uint32_t
draw(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state & 0xffffffff) * limit >> 32);
}

static struct flow_key
key_of(uint32_t number)
{
	return (struct flow_key){.remote_be = __builtin_bswap32(REMOTE_ADDR + number / 8),
	                         .local_be = __builtin_bswap32(LOCAL_ADDR),
	                         .remote_port = (uint16_t)(40000 + number % 8),
	                         .local_port = LOCAL_PORT};
}

void
hot_flow_open(uint32_t size)
{
	cnt = size;
	state = 88172645463325252u;
	flows = calloc(cnt, sizeof(*flows));
	dp_assert(flows != NULL);
	dp_assert(table_init(&table, cnt, SEED, MEMORY_ASKED, NULL) == 0);
	for (uint32_t i = 0; i < cnt; i++) {
		struct flow_key key = key_of(i);

		table_add(&table, &flows[i], &key);
	}
}

void
hot_flow_prepare(void)
{
	for (uint32_t i = 0; i < AT_ONCE; i++)
		keys[i] = key_of(draw(cnt));
}

void
hot_flow_none_prepare(void)
{
	for (uint32_t i = 0; i < AT_ONCE; i++)
		keys[i] = key_of(cnt + draw(cnt));
}

HOT_ROUND uint32_t
hot_round_flow(void)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < AT_ONCE; i++)
		found += table_find(&table, &keys[i]) != NULL;
	dp_assert(found == AT_ONCE || found == 0);
	return AT_ONCE;
}

void
hot_flow_close(void)
{
	table_fini(&table);
	free(flows);
}
