/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify reads the content of a torrent once and tells, in that one pass, which pieces are there
 * and the XXH3-64 (seed 0) of each read unit. A piece is there when all hashes that the torrent has
 * of it are right: the SHA-1 of v1 (pads are zeros) and the tree of SHA-256 of v2 (BEP 52).
 *
 *      verify_begin ─► pass ◄─ verify_take ─ hand ◄─ verify_step, by one thread for each hand
 *                       │  └─► verify_save_next: what is done so far, for a later pass
 *                       └────► verify_end ─► result
 *
 * The pass is cut into ranges at places where a piece and a read unit both begin. A hand takes them
 * one behind the other, of this pass or another, and reads the next while it hashes the last: the
 * device has as much to do between small torrents as within a large one.
 *
 * Reads are up to 1 MiB, several MiB ahead (read_queue.h), at offsets, lengths and
 * addresses that are multiples of 4096, so that O_DIRECT descriptors work. A descriptor that is not
 * is told to the kernel as sequential, and its pages are dropped after use.
 *
 * A piece is had when its hashes are right and every read unit that it touches was read whole. All
 * pieces of a file are missing when its size differs upward from the metainfo's or its size or
 * modification time changes during the pass; of a short file, those that touch what is absent.
 *
 * Memory: a hand's is that of its read queue and 32 bytes per 16 KiB of a piece; a pass' 8 bytes a
 * read unit and 1 byte a piece.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_VERIFY_H
#define SPILLWAY_CONTROL_CONTENT_VERIFY_H

#include "control/content/metainfo.h"

#include <stdint.h>

enum verify_state {
	VERIFY_FILE_OK = 0,      /* read whole; its pieces may still be wrong */
	VERIFY_FILE_ABSENT = 1,  /* the caller gave -1 */
	VERIFY_FILE_SHORT = 2,   /* ends before the metainfo's length */
	VERIFY_FILE_LONG = 3,    /* larger than the metainfo's length */
	VERIFY_FILE_CHANGED = 4, /* size or modification time changed during the pass */
	VERIFY_FILE_IO = 5,      /* not a regular file, or reading failed: sys_errno */
	VERIFY_STATE_CNT
};

/* struct verify_saved is what a pass has found of one range: enough not to read it again. It is of
 * use as long as key is the range's: the same files (inode, size, modification time) in the same
 * places, cut alike. */
struct verify_saved {
	uint32_t range;
	uint32_t piece_cnt;
	uint32_t unit_cnt;
	uint64_t key;
	uint8_t *piece;        /* piece_cnt bytes, 1 for a piece that is there; owned */
	uint64_t *fingerprint; /* unit_cnt; owned */
};

struct verify_job {
	const struct metainfo *meta; /* lives as long as the pass */
	const int *fd;               /* one per file with data, in order; -1 when it has none */
	uint32_t fd_cnt;             /* meta->data_file_cnt */
	uint32_t unit_max;           /* as layout_unit_len */
	const struct verify_saved *saved; /* of an earlier pass, any order; what is of no use any more
	                                     is passed over. Read by verify_begin only */
	uint32_t saved_cnt;
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

struct verify_pass;
struct verify_hand;

/* verify_hand_create returns what one thread works with, used by that thread alone; NULL when
 * memory ran out. */
struct verify_hand *
verify_hand_create(void);

/* verify_hand_destroy frees a hand, which lets go of what it holds; NULL is allowed. Ranges that it
 * held are not done: their passes are to be cancelled. */
void
verify_hand_destroy(struct verify_hand *hand);

/* verify_hand_refused returns the errno with which the kernel refused io_uring, 0 when it did not.
 */
int
verify_hand_refused(const struct verify_hand *hand);

/* verify_begin looks at the descriptors and cuts the ranges.
 *
 * job   copied; descriptors are neither moved nor closed, and stay open until verify_end.
 * pass  out; ended by verify_end.
 * err   out, on failure.
 * Returns 0; -EINVAL for a wrong fd_cnt; -EFBIG as layout_plan_create; -ENOMEM. */
int
verify_begin(struct verify_pass **pass, const struct verify_job *job, struct metainfo_error *err);

/* verify_hungry is true while a hand should take a range: everything it has is read or asked for,
 * and its queue has room. */
bool
verify_hungry(struct verify_hand *hand);

/* verify_take gives a hand that is hungry the next range of a pass, which the hand uses until
 * verify_step returns it.
 * Returns false when none was left to take, or the pass is cancelled or failed. */
bool
verify_take(struct verify_pass *pass, struct verify_hand *hand);

/* verify_ask asks the device for what the queue has room for of what a hand has. */
void
verify_ask(struct verify_hand *hand);

/* verify_holds is true while a hand has a range. */
bool
verify_holds(const struct verify_hand *hand);

/* verify_step is verify_ask, and hashes up to 1 MiB of the oldest range of a hand that holds one.
 * Of a pass that is cancelled or failed nothing more is hashed.
 * Returns the pass of that range when it ended, NULL when it goes on. */
struct verify_pass *
verify_step(struct verify_hand *hand);

/* verify_left is true while verify_take has something to give. Any thread. */
bool
verify_left(const struct verify_pass *pass);

/* verify_cancel makes the ranges that are taken end soon. Any thread. */
void
verify_cancel(struct verify_pass *pass);

/* verify_done_bytes returns the bytes that are done, [0, meta->content_len]; those that are known
 * from an earlier pass count. Any thread. */
uint64_t
verify_done_bytes(const struct verify_pass *pass);

/* verify_save_next hands out a range that was done since the last call, but for those in which a
 * read failed and those known from an earlier pass. One thread at a time.
 *
 * saved  out, to be released with verify_saved_free.
 * Returns false when there is none, or no memory for it. */
bool
verify_save_next(struct verify_pass *pass, struct verify_saved *saved);

/* verify_know tells a pass that is just begun what another reading of the same files has found:
 * that every piece is there, and the units' hashes. All is done then.
 *
 * Returns false, having changed nothing, when unit_cnt is not the pass'. */
bool
verify_know(struct verify_pass *pass, const uint64_t *fingerprint, uint32_t unit_cnt);

/* verify_saved_free releases what verify_save_next allocated. */
void
verify_saved_free(struct verify_saved *saved);

/* verify_end sums up and frees the pass; no hand holds a range of it.
 *
 * result  out; ended by verify_result_free, harmless after a failure.
 * err     out, on failure.
 * Returns 0, also when pieces are missing; -ECANCELED; -EIO when the hashing failed; -ENOMEM. */
int
verify_end(struct verify_pass *pass, struct verify_result *result, struct metainfo_error *err);

/* verify_result_free frees all of result and leaves it empty. */
void
verify_result_free(struct verify_result *result);

/* verify_state_text returns a phrase for people, such as "file is shorter than the torrent
 * says". */
const char *
verify_state_text(enum verify_state state);

#endif
