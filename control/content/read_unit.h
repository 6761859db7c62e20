/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* read_unit.h says how much the dataplane should read at once. A read costs the worker thousands of
 * cycles whatever its length, so longer ones are cheaper by the byte, on each device that was
 * measured: also where one takes shorter requests only (max_sectors_kb) and the kernel cuts the
 * read. What bounds them is memory and (layout.h) the torrent.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_READ_UNIT_H
#define SPILLWAY_CONTROL_CONTENT_READ_UNIT_H

#include <stdint.h>

/* read_unit_arena returns the longest unit for an arena: the largest power of two, within
 * [ABI_BUFFER_MIN, ABI_UNIT_MAX], of which the arena holds one for each connection. With longer
 * ones, peers at work would push each other's units out before they had all of them.
 * connections_max: above 0. */
uint32_t
read_unit_arena(int64_t arena_mib, int64_t connections_max);

#endif
