/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* read_unit.h says how much the dataplane should read at once. A read costs the worker thousands of
 * cycles whatever its length, so longer ones are cheaper by the byte; what bounds them is memory,
 * the device and (layout.h) the torrent.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_READ_UNIT_H
#define SPILLWAY_CONTROL_READ_UNIT_H

#include <stdint.h>

/* read_unit_arena returns the longest unit for an arena: the largest power of two, within
 * [ABI_BUFFER_MIN, ABI_UNIT_MAX], of which the arena holds one for each connection. With longer
 * ones, peers at work would push each other's units out before they had all of them.
 * connections_max: above 0. */
uint32_t
read_unit_arena(int64_t arena_mib, int64_t connections_max);

/* read_unit_files returns unit_max, or less where one of the files lies on a device that takes no
 * request of that length: the kernel would cut the read, and nothing would be won.
 *
 * fd        cnt open files.
 * unit_max  power of two, [ABI_UNIT_MIN, ABI_UNIT_MAX].
 * Returns a power of two, [ABI_UNIT_MIN, unit_max]. */
uint32_t
read_unit_files(const int *fd, uint32_t cnt, uint32_t unit_max);

/* read_unit_queue is read_unit_files for one device whose queue's limits are in a folder, as in
 * /sys/block/DEVICE/queue. What cannot be read does not limit. */
uint32_t
read_unit_queue(const char *folder, uint32_t unit_max);

#endif
