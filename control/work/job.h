/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* job.h is one torrent's slow work: to verify its content (read it all), or to look at size, time
 * and inode only: to check that it is as it was verified, or whether there is anything new since
 * its verification failed. jobs.h runs many of them on threads.
 *
 *      job_open ─► task ◄─ job_work, by several threads ─► job_close
 *
 * Threads: job_open and job_close by one; job_work by any number between them. Memory: the parsed
 * metainfo, the files' descriptors and what verification needs, from job_open to job_close.
 */
#ifndef SPILLWAY_CONTROL_WORK_JOB_H
#define SPILLWAY_CONTROL_WORK_JOB_H

#include "control/catalogue/catalogue.h"
#include "control/base/fail.h"
#include "control/content/verify.h"

#include <stdbool.h>
#include <stdint.h>

enum job_kind {
	JOB_VERIFY,
	JOB_CHECK,
	JOB_RETRY,
};

struct job {
	uint32_t id; /* of the torrent */
	enum job_kind kind;
	bool partial; /* JOB_VERIFY: files may be missing */
	uint32_t unit_max; /* JOB_VERIFY: as layout_unit_len */
	struct catalogue_source source;
	struct catalogue_verified verified; /* JOB_CHECK, JOB_RETRY: in. JOB_VERIFY: out; when err is
	                                       not 0 only pins, if any: the files that failed */
	struct verify_saved *saved;         /* JOB_VERIFY: in, of an earlier run */
	uint32_t saved_cnt;
	int err;                            /* out: 0 or a negative errno; -ECANCELED */
	struct fail fail;                   /* out, when err is not 0 */
};

/* What a job holds while it is worked on. */
struct job_task {
	struct metainfo *meta;
	int dir_fd;
	int *fd;
	struct content_pin *pin;
	uint32_t fd_cnt;
	struct verify_pass *pass; /* NULL: nothing is left to do but to close */
};

/* job_open reads the metainfo and opens the files; a check is done then. job->err says how it
 * went. */
void
job_open(struct job *job, struct job_task *task);

/* job_close judges what was found, keeps it in job and lets go of everything.
 *
 * JOB_VERIFY: err is 0 when at least one piece is had. Otherwise a file is missing (unless
 * partial), of the wrong size, changed meanwhile; or no piece matches (-EBADMSG); or the metainfo
 * is refused. JOB_CHECK: as content_check. JOB_RETRY: 0 when all files are as they were when their
 * verification failed, otherwise -ESTALE. */
void
job_close(struct job *job, struct job_task *task);

/* job_saved_free frees what an earlier run had found. */
void
job_saved_free(struct job *job);

/* job_free releases what a job owns. */
void
job_free(struct job *job);

#endif
