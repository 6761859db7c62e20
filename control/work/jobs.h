/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* jobs.h takes the slow work off spillwayd's loop: two threads a CPU, of the lowest priority,
 * verify content or check it (job.h): while one waits for the device, as where files are opened,
 * the other hashes. Several torrents and several ranges of one torrent are worked on at once; the
 * oldest comes first, so that it is served first. A thread opens the next torrent and asks for its
 * beginning before the last is hashed (verify.h), so that small torrents keep the device as busy as
 * a large one.
 *
 *      loop ── jobs_start ──► threads ── jobs_fd readable ──► jobs_reap ── loop
 *
 * Threads: every function is for the one thread that runs the loop. The threads are niced to the
 * last and ask the device behind everyone else (I/O priority, where its scheduler knows any), for
 * the dataplane goes first. Memory: for each job its own copy of the metainfo, and what
 * verification needs; for each thread that of a verify_hand, until it has had nothing to do for a
 * while.
 * Lifecycle: jobs_create, then jobs_start and jobs_reap in turns, jobs_stop, jobs_destroy.
 */
#ifndef SPILLWAY_CONTROL_WORK_JOBS_H
#define SPILLWAY_CONTROL_WORK_JOBS_H

#include "control/work/job.h"

enum jobs_limit {
	JOBS_THREADS_MAX = 64,
	JOBS_MAX = 256, /* given and not reaped */
};

/* How far the verification of a torrent is. */
struct jobs_progress {
	uint64_t done_bytes;
	uint64_t total_bytes;
	uint64_t rate_bytes_per_s; /* over the last seconds; 0: not known yet */
};

struct jobs;

/* jobs_create starts the threads. Returns 0 or a negative errno with fail. */
int
jobs_create(struct jobs **jobs, struct fail *fail);

/* jobs_stop cancels what runs and ends the threads; jobs_save_next still answers. */
void
jobs_stop(struct jobs *jobs);

/* jobs_destroy is jobs_stop, and frees everything; NULL is allowed. */
void
jobs_destroy(struct jobs *jobs);

/* jobs_fd returns a descriptor that is readable when jobs_reap has something. */
int
jobs_fd(const struct jobs *jobs);

/* jobs_thread_cnt returns the number of threads. */
uint32_t
jobs_thread_cnt(const struct jobs *jobs);

/* jobs_any is true while a job is given and not reaped. */
bool
jobs_any(const struct jobs *jobs);

/* jobs_room is true when jobs_start may be called. */
bool
jobs_room(const struct jobs *jobs);

/* jobs_start hands a job to the threads and takes over its source, verified and saved: *job is
 * zeroed. */
void
jobs_start(struct jobs *jobs, struct job *job);

/* jobs_reap gives back a job that ended, to be freed with job_free. Returns false when none did.
 */
bool
jobs_reap(struct jobs *jobs, struct job *job);

/* jobs_verifying tells how far torrent id is. Returns false when it is not being verified. */
bool
jobs_verifying(struct jobs *jobs, uint32_t id, struct jobs_progress *progress);

/* jobs_cancel makes the verification of torrent id end soon, if there is one: jobs_reap gives it
 * back with -ECANCELED, even when it was done. */
void
jobs_cancel(struct jobs *jobs, uint32_t id);

/* jobs_ids lists the torrents of the jobs that are given and not cancelled. Returns how many. */
uint32_t
jobs_ids(struct jobs *jobs, uint32_t ids[JOBS_MAX]);

/* jobs_save_next hands out what was newly verified of a torrent that is not done yet.
 *
 * id     out: of the torrent.
 * saved  out, to be released with verify_saved_free.
 * Returns false when there is nothing new. */
bool
jobs_save_next(struct jobs *jobs, uint32_t *id, struct verify_saved *saved);

/* jobs_refused returns the errno with which the kernel refused io_uring to a thread, 0 when it did
 * not. */
int
jobs_refused(struct jobs *jobs);

#endif
