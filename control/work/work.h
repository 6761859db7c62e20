/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* work.h decides what the jobs threads do next and what their results mean: verification first, in
 * the order asked for, then the check of what an earlier run had verified. A torrent found changed
 * by a check is verified again. What is verified of a torrent is stored every few seconds and when
 * work ends, so that the next run goes on there.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_WORK_WORK_H
#define SPILLWAY_CONTROL_WORK_WORK_H

#include "control/base/fail.h"
#include "control/catalogue/registry.h"

#include <stdint.h>

struct work;

/* work_create starts the jobs threads and queues what the registry marks to_verify or to_check.
 *
 * registry  borrowed.
 * unit_max  of torrents that are verified from now on, as layout_unit_len.
 * Returns 0 or a negative errno with fail. */
int
work_create(struct work **work, struct registry *registry, uint32_t unit_max, struct fail *fail);

/* work_destroy cancels what runs and frees everything; NULL is allowed. */
void
work_destroy(struct work *work);

/* work_fd returns a descriptor that is readable when work_run has something to do; -1 while
 * work_timeout_ms tells. */
int
work_fd(const struct work *work);

/* work_timeout_ms returns after how long work_run is due without an event, -1 for never: to store
 * what was verified, or results that were left to be taken together with others. */
int
work_timeout_ms(const struct work *work);

/* work_verify queues a torrent that was marked to_verify (registry.h). A verification of it that is
 * under way is given up for that: what it finds may be of another place. */
void
work_verify(struct work *work, const struct torrent *torrent);

/* work_changed is told that a torrent's content is not what was verified, or cannot be had: it is
 * verified again, or TORRENT_ERROR. A partial seed that lost a file, or got one, is served
 * meanwhile.
 *
 * err   as content_check; -EEXIST for a file that is there now and was missing.
 * fail  the reason. */
void
work_changed(struct work *work, struct torrent *torrent, int err, const struct fail *fail);

/* work_run takes results, gives the threads their next jobs and ends those of torrents that were
 * removed. */
void
work_run(struct work *work);

/* How far a verification is. */
struct work_progress {
	uint64_t done_bytes;
	uint64_t total_bytes;
	uint64_t rate_bytes_per_s; /* of the last seconds; 0: not known yet */
	int64_t left_s;            /* until it is done at that rate; -1: not known */
};

/* work_progress tells how far a torrent's verification is.
 * Returns false when it has not begun; all is 0 then, and left_s -1. */
bool
work_progress(struct work *work, const struct torrent *torrent, struct work_progress *progress);

#endif
