/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify_range is one stretch of a torrent, read and hashed by one thread. verify.c cuts the
 * torrent into ranges and sums up, verify_save.c keeps what is done; no one else includes it.
 *
 * A range begins where a piece begins and where a read unit begins (or a pad lies), so that no
 * piece and no unit belongs to two ranges.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_VERIFY_RANGE_H
#define SPILLWAY_CONTROL_CONTENT_VERIFY_RANGE_H

#include "control/content/digest.h"
#include "control/content/layout.h"
#include "control/content/leaves.h"
#include "control/content/read_queue.h"
#include "control/content/verify.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum verify_range_limit {
	VERIFY_READ_LEN = READ_QUEUE_READ_MAX, /* multiple of every unit_len; at most 64 units */
	VERIFY_RANGE_LEN = 64 << 20,           /* bytes of a range, at least */
	VERIFY_HELD_MAX = READ_QUEUE_READS_MAX, /* ranges of a hand */
};

/* What is known of a piece. */
enum verify_piece {
	VERIFY_PIECE_V1 = 1u << 0,  /* its SHA-1 is right */
	VERIFY_PIECE_V2 = 1u << 1,  /* its tree is right */
	VERIFY_PIECE_BAD = 1u << 2, /* its tree is wrong */
};

enum verify_range_state {
	VERIFY_RANGE_OPEN,
	VERIFY_RANGE_DONE,
	VERIFY_RANGE_SAVED, /* done, and handed out or known before */
};

struct verify_range {
	uint64_t off;    /* bytes, [off, end) of the torrent */
	uint64_t end;
	uint32_t extent; /* that holds off */
	uint32_t state;  /* atomic: enum verify_range_state */
	bool failed;     /* a read failed: the range's thread, until it is done */
};

/* struct verify_source is one descriptor as it was when the pass began. */
struct verify_source {
	int fd;
	bool direct;     /* O_DIRECT: the page cache is not concerned */
	uint64_t len;    /* bytes to read; less than the extent when the file is short */
	struct stat before;
};

struct verify_pass {
	struct verify_job job;
	struct layout_plan plan;
	struct verify_result result;
	struct verify_source *source; /* by descriptor */
	struct verify_range *range;
	uint32_t range_cnt;
	uint32_t save_next;           /* w: verify_save_next */
	uint8_t *piece;               /* enum verify_piece. w: the range's thread */

	pthread_mutex_t lock;         /* protects result.file during the pass */
	uint32_t range_next;          /* atomic */
	uint64_t done_bytes;          /* atomic */
	int stop;                     /* atomic; 0, or the negative errno that ends the pass */
};

/* Where in the torrent a cursor stands. */
struct verify_cursor {
	uint64_t off;
	uint32_t extent;
};

/* struct verify_held is a range that a hand has taken. */
struct verify_held {
	struct verify_pass *pass;
	struct verify_range *range;
	struct verify_cursor ahead; /* what is before it is asked for */
	struct verify_cursor at;    /* what is before it is hashed */
};

struct verify_hand {
	struct read_queue *queue;
	struct digest *sha1;
	struct leaves *leaves;
	uint8_t *leaf;                /* of the v2 piece in hand */
	uint32_t leaf_room;
	struct verify_held held[VERIFY_HELD_MAX]; /* a ring; reads are asked for in its order */
	uint32_t held_first;
	uint32_t held_cnt;
	/* Of the oldest, once it is begun: */
	bool begun;
	struct verify_pass *pass;
	struct verify_range *range;
	uint32_t piece;               /* v1, in hand */
	uint32_t fill;                /* its bytes so far */
	bool lost;                    /* some of its bytes could not be read */
	uint32_t leaf_cnt;            /* v2 */
	bool leaf_lost;
};

/* verify_range_take puts a range behind those that a hand has; it has fewer than VERIFY_HELD_MAX.
 */
void
verify_range_take(struct verify_hand *hand, struct verify_pass *pass, struct verify_range *range);

/* verify_range_step is verify_ask, and hashes what comes next of the oldest range into pass->piece
 * and result.fingerprint.
 * Returns 0, or a negative errno that ends the pass; unreadable content is no error but a report
 * in result.file. */
int
verify_range_step(struct verify_hand *hand);

/* verify_range_ended is true when the oldest range is hashed whole. */
bool
verify_range_ended(const struct verify_hand *hand);

/* verify_range_drop lets go of the oldest range, and of what was asked for and not hashed of it. */
void
verify_range_drop(struct verify_hand *hand);

/* verify_range_newest returns the range that was taken last, of a hand that has one. */
const struct verify_held *
verify_range_newest(const struct verify_hand *hand);

/* verify_report notes the first mishap of a file; later ones are dropped. */
void
verify_report(struct verify_pass *pass, uint32_t file, enum verify_state state, int sys_errno);

/* verify_piece_had tells whether all that is known of a piece says that it is there. */
bool
verify_piece_had(const struct verify_pass *pass, uint32_t piece);

/* verify_saved_apply takes up what the job knows from an earlier pass. The ranges are cut. */
void
verify_saved_apply(struct verify_pass *pass);

/* verify_stopped is true when the pass is to end. */
static inline bool
verify_stopped(const struct verify_pass *pass)
{
	return __atomic_load_n(&pass->stop, __ATOMIC_RELAXED) != 0;
}

#endif
