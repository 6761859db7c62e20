/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sandbox_filter.h is the system calls that are left to the dataplane, see sandbox.h. */
#ifndef SPILLWAY_DATAPLANE_WORKER_SANDBOX_FILTER_H
#define SPILLWAY_DATAPLANE_WORKER_SANDBOX_FILTER_H

#include "dataplane/base/common.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/* filter_load puts the filter on every thread of the process.
 * log: what it has not is logged by the kernel, not refused.
 * Returns 0 or a negative errno. */
COLD int
filter_load(bool log);

#endif
