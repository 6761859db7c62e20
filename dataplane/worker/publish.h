/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* publish.h makes the counters memfd of abi.h and copies the workers' counters into it.
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
};

/* publish_init makes the memfd for that many workers, with slot_cnt torrents each. Returns 0 or
 * -errno. */
COLD int
publish_init(struct publish *publish, uint32_t worker_cnt, uint32_t slot_cnt);

/* publish_fini unmaps and closes it. */
COLD void
publish_fini(struct publish *publish);

/* publish_stats returns a worker's slots. */
struct abi_torrent_stat *
publish_stats(const struct publish *publish, uint32_t worker);

/* publish_counters copies a worker's counters and histograms, and the calling thread's CPU time,
 * for which no other worker's cache lines are written but that of the times. Call in
 * housekeeping. */
void
publish_counters(const struct publish *publish, uint32_t worker, const struct counters *ctr);

#endif
