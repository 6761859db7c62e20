/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* publish.h makes the counters memfd of abi.h and copies a worker's counters into it.
 *
 * Threads. Each worker writes its own values; the store writes the torrents' slots in place.
 * Memory. One memfd, mapped once; sealed so that whoever else maps it can only read.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_PUBLISH_H
#define SPILLWAY_DATAPLANE_WORKER_PUBLISH_H

#include "dataplane/abi.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/common.h"

struct publish {
	int fd;
	uint32_t len;                   /* bytes mapped */
	struct abi_counters *head;
	uint64_t *values;               /* the one worker's */
	struct abi_torrent_stat *stats; /* [slot_cnt] */
};

/* publish_init makes the memfd for one worker and slot_cnt torrents. Returns 0 or -errno. */
COLD int
publish_init(struct publish *publish, uint32_t slot_cnt);

/* publish_fini unmaps and closes it. */
COLD void
publish_fini(struct publish *publish);

/* publish_counters copies the counters and the thread's CPU time. Call in housekeeping. */
void
publish_counters(struct publish *publish, const struct counters *ctr);

#endif
