/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify_range is one stretch of a torrent, read and hashed by one thread. verify.c cuts the
 * torrent into ranges, runs them and sums up; no one else includes it.
 *
 * A range begins where a piece begins and where a read unit begins (or a pad lies), so that no
 * piece and no unit belongs to two ranges.
 */
#ifndef SPILLWAY_CONTROL_VERIFY_RANGE_H
#define SPILLWAY_CONTROL_VERIFY_RANGE_H

#include "control/digest.h"
#include "control/layout.h"
#include "control/verify.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum verify_range_limit {
	VERIFY_READ_LEN = 1 << 20,    /* multiple of every unit_len; at most 64 units */
	VERIFY_READ_ALIGN = 4096,     /* O_DIRECT */
	VERIFY_RANGE_LEN = 64 << 20,  /* bytes of a range, at least */
};

struct verify_range {
	uint64_t off;                 /* bytes, [off, end) of the torrent */
	uint64_t end;
	uint32_t extent;              /* that holds off */
};

/* struct verify_source is one descriptor as it was when the pass began. */
struct verify_source {
	int fd;
	bool direct;                  /* O_DIRECT: the page cache is not concerned */
	uint64_t len;                 /* bytes to read; less than the extent when the file is short */
	struct stat before;
};

/* struct verify_run is the state of one pass. */
struct verify_run {
	const struct verify_job *job;
	struct layout_plan plan;
	struct verify_result *result;
	struct verify_source *source; /* by descriptor */
	struct verify_range *range;
	uint32_t range_cnt;
	uint8_t *piece_ok;            /* w: the range's thread */

	pthread_mutex_t lock;         /* protects result->file during the pass */
	uint32_t range_next;          /* atomic */
	uint64_t done_bytes;          /* atomic */
	int stop;                     /* atomic; 0, or the negative errno that ends the pass */
};

/* struct verify_hasher is what one thread needs. */
struct verify_hasher {
	struct verify_run *run;
	uint8_t *buffer;              /* VERIFY_READ_LEN, aligned */
	struct digest *sha1;
	uint32_t piece;               /* in hand */
	uint32_t fill;                /* its bytes so far */
	bool lost;                    /* some of its bytes could not be read */
};

/* verify_range_step reads and hashes the next chunk of range into run->piece_ok and
 * result->fingerprint.
 *
 * hasher  stands at the piece and fill of range->off.
 * range   its off and extent move on; done when off equals end.
 * Returns 0, or a negative errno that ends the pass; unreadable content is no error but a report
 * in result->file. */
int
verify_range_step(struct verify_hasher *hasher, struct verify_range *range);

/* verify_report notes the first mishap of a file; later ones are dropped. */
void
verify_report(struct verify_run *run, uint32_t file, enum verify_state state, int sys_errno);

#endif
