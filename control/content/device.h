/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* device.h reads what the kernel tells of block devices' request queues, in sysfs.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_DEVICE_H
#define SPILLWAY_CONTROL_CONTENT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* device_polls tells whether the devices of all cnt open files have poll queues. */
bool
device_polls(const int *fd, uint32_t cnt);

/* device_polls_any tells whether any device of this machine has. */
bool
device_polls_any(void);

#endif
