/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* jobs.h takes the slow work off spillwayd's loop: one thread of low priority that verifies
 * content (reads it all) or checks it (looks at size, time and inode only), one torrent at a time.
 *
 *      loop ── jobs_start ──► thread ── jobs_fd readable ──► jobs_reap ── loop
 *
 * Threads: every function is for the one thread that runs the loop. Memory: a job's own copy of the
 * metainfo, and what verification needs. Lifecycle: jobs_create, then jobs_start and jobs_reap in
 * turns, jobs_destroy at any time.
 */
#ifndef SPILLWAY_CONTROL_JOBS_H
#define SPILLWAY_CONTROL_JOBS_H

#include "control/catalogue.h"
#include "control/fail.h"

#include <stdbool.h>
#include <stdint.h>

enum job_kind {
	JOB_VERIFY,
	JOB_CHECK,
};

struct job {
	uint32_t id; /* of the torrent */
	enum job_kind kind;
	uint32_t unit_max; /* JOB_VERIFY: as layout_unit_len */
	struct catalogue_source source;
	struct catalogue_verified verified; /* JOB_CHECK: in. JOB_VERIFY: out, when err is 0 */
	int err;                            /* out: 0 or a negative errno; -ECANCELED */
	struct fail fail;                   /* out, when err is not 0 */
};

struct jobs;

/* jobs_create starts the thread. Returns 0 or a negative errno with fail. */
int
jobs_create(struct jobs **jobs, struct fail *fail);

/* jobs_destroy cancels what runs, ends the thread and frees everything; NULL is allowed. */
void
jobs_destroy(struct jobs *jobs);

/* jobs_fd returns a descriptor that is readable when jobs_reap has something. */
int
jobs_fd(const struct jobs *jobs);

/* jobs_idle is true when jobs_start may be called. */
bool
jobs_idle(const struct jobs *jobs);

/* jobs_start hands a job to the thread, which must be idle, and takes over its source and
 * verified: *job is zeroed. */
void
jobs_start(struct jobs *jobs, struct job *job);

/* jobs_reap gives back the job that ended, to be freed with job_free. Returns false when none did.
 *
 * JOB_VERIFY: err is 0 when at least one piece is had. Otherwise a file is missing, of the wrong
 * size, changed meanwhile; or no piece matches (-EBADMSG); or the metainfo is refused.
 * JOB_CHECK: as content_check. */
bool
jobs_reap(struct jobs *jobs, struct job *job);

/* jobs_progress tells which torrent is being verified: its id or 0, and its bytes. */
uint32_t
jobs_progress(struct jobs *jobs, uint64_t *done_bytes, uint64_t *total_bytes);

/* jobs_cancel makes a running job of torrent id end soon with -ECANCELED; no effect otherwise. */
void
jobs_cancel(struct jobs *jobs, uint32_t id);

/* job_free releases what a job owns. */
void
job_free(struct job *job);

#endif
