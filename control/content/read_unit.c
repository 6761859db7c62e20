/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Arithmetic on options. */
#include "control/content/read_unit.h"

#include "dataplane/abi.h"

uint32_t
read_unit_arena(int64_t arena_mib, int64_t connections_max)
{
	int64_t share = (arena_mib << 20) / connections_max;
	uint32_t unit = ABI_BUFFER_MIN;

	while (unit < ABI_UNIT_MAX && unit * 2 <= share)
		unit *= 2;
	return unit;
}
