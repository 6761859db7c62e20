/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify reads the content of a torrent once and tells, in that one pass, which pieces are there
 * (SHA-1 of the v1 pieces, pads are zeros) and the XXH3-64 (seed 0) of each read unit.
 *
 * Reads are up to 1 MiB, at offsets, lengths and addresses that are multiples of 4096, so that
 * O_DIRECT descriptors work. A descriptor that is not is told to the kernel as sequential, and its
 * pages are dropped after use.
 *
 * A piece is had when its SHA-1 is right and every read unit that it touches was read whole. All
 * pieces of a file are missing when its size differs upward from the metainfo's or its size or
 * modification time changes during the pass; of a short file, those that touch what is absent.
 *
 * Threads: the calling one and thread_cnt - 1 more, which end before verify_content returns; the
 * work is cut at places where a piece and a read unit both begin. Memory: 1 MiB a thread, 8 bytes
 * a read unit, 1 byte a piece during the pass.
 */
#ifndef SPILLWAY_CONTROL_VERIFY_H
#define SPILLWAY_CONTROL_VERIFY_H

#include "control/metainfo.h"

#include <stdint.h>

enum verify_limit {
	VERIFY_THREADS_MAX = 16,
};

enum verify_state {
	VERIFY_FILE_OK = 0,      /* read whole; its pieces may still be wrong */
	VERIFY_FILE_ABSENT = 1,  /* the caller gave -1 */
	VERIFY_FILE_SHORT = 2,   /* ends before the metainfo's length */
	VERIFY_FILE_LONG = 3,    /* larger than the metainfo's length */
	VERIFY_FILE_CHANGED = 4, /* size or modification time changed during the pass */
	VERIFY_FILE_IO = 5,      /* not a regular file, or reading failed: sys_errno */
	VERIFY_STATE_CNT
};

struct verify_job {
	const struct metainfo *meta; /* with v1 */
	const int *fd;               /* one per file with data, in order; -1 when it has none */
	uint32_t fd_cnt;             /* meta->data_file_cnt */
	uint32_t thread_cnt;         /* [1, VERIFY_THREADS_MAX] */
	uint32_t unit_max;           /* as layout_unit_len */

	/* progress is told the bytes done so far, from 0 to meta->content_len, by the calling
	 * thread, at least once in about 64 MiB; a result other than 0 cancels. May be NULL. */
	int (*progress)(uint64_t done_bytes, uint64_t total_bytes, void *ctx);
	void *ctx;
};

struct verify_file {
	enum verify_state state;
	int sys_errno;              /* VERIFY_FILE_IO; otherwise 0 */
	uint32_t piece_missing_cnt; /* pieces that touch this file and are not had */
	uint32_t file;              /* index in meta->file */
};

struct verify_result {
	uint8_t *have;         /* have_len bytes, BEP 3 bitfield order, spare bits 0 */
	uint32_t have_len;
	uint32_t piece_cnt;
	uint32_t have_cnt;     /* pieces had */
	uint32_t unit_len;     /* as layout_unit_len */
	uint32_t unit_cnt;
	uint64_t *fingerprint; /* unit_cnt values; 0 for a unit that could not be read */
	struct verify_file *file; /* file_cnt entries, by descriptor */
	uint32_t file_cnt;
};

/* verify_content reads all that job names and fills result.
 *
 * job     borrowed during the call; descriptors are neither moved nor closed.
 * result  out; ended by verify_result_free, harmless after a failure.
 * err     out, on failure.
 * Returns 0, also when pieces are missing; -ECANCELED; -ENOTSUP for a torrent without v1; -EINVAL
 * for a wrong fd_cnt or thread_cnt; -EFBIG as layout_plan_create; -ENOMEM; -errno of
 * pthread_create. */
int
verify_content(const struct verify_job *job, struct verify_result *result,
	       struct metainfo_error *err);

/* verify_result_free frees all of result and leaves it empty. */
void
verify_result_free(struct verify_result *result);

/* verify_state_text returns a phrase for people, such as "file is shorter than the torrent
 * says". */
const char *
verify_state_text(enum verify_state state);

#endif
