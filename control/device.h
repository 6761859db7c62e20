/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* device.h reads what the kernel tells of block devices' request queues, in sysfs.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_DEVICE_H
#define SPILLWAY_CONTROL_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { DEVICE_FOLDER_MAX = 64 };

/* device_queue finds the folder of a device's queue; a partition's is its disk's.
 * Returns false where there is none: file systems without a device of their own (in memory,
 * overlay, btrfs, network). */
bool
device_queue(dev_t device, char folder[DEVICE_FOLDER_MAX]);

/* device_number reads a number from a queue's folder. Returns false when there is none. */
bool
device_number(const char *folder, const char *name, uint64_t *number);

/* device_polls tells whether the devices of all cnt open files have poll queues. */
bool
device_polls(const int *fd, uint32_t cnt);

/* device_polls_any tells whether any device of this machine has. */
bool
device_polls_any(void);

#endif
