/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* create makes a .torrent of a file or a folder: v1 (BEP 3), or hybrid (BEP 52) with pad files
 * (BEP 47) that align each file to a piece.
 *
 * A folder is walked in order of bytes of the names, so that the same content gives the same
 * info_hash everywhere. Symlinks are not followed and, like sockets, devices and pipes, refuse
 * the whole; so does a name that no metainfo may hold. Each byte of content is read once. Neither
 * a date nor the machine is recorded.
 *
 * Threads: one, which blocks until done. Memory: hashes only, 20 bytes a piece and 32 bytes a
 * piece of a hybrid, and one buffer of 1 MiB. The output appears whole or not at all: it is
 * written beside its place and renamed.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_CREATE_H
#define SPILLWAY_CONTROL_CONTENT_CREATE_H

#include "control/content/content.h"
#include "control/content/metainfo.h"

#include <stdbool.h>
#include <stdint.h>

enum create_limit {
	CREATE_PIECE_LEN_MIN = 16 << 10,  /* chosen; given ones may reach 64 MiB */
	CREATE_PIECE_LEN_MAX = 16 << 20,
	CREATE_PIECE_LEN_GIVEN_MAX = 64 << 20,
	CREATE_PIECES_WANTED = 2000,      /* the smallest piece_len that needs no more pieces */
	CREATE_DEPTH_MAX = 64,            /* folders in each other */
};

/* What is found beside the hashes of pieces, for whoever serves the content (known.h). */
struct create_known {
	uint32_t unit_max;       /* in: as layout_unit_len */
	uint64_t *fingerprint;   /* out: XXH3-64 of each read unit (verify.h); unit_cnt, owned */
	uint32_t unit_cnt;
	struct content_pin *pin; /* out: each file with data, the same before and after it was read;
	                            pin_cnt, owned */
	uint32_t pin_cnt;
};

struct create_options {
	const char *path;             /* file or folder */
	const char *out_path;         /* .torrent to write; replaced when it exists */
	const char *name;             /* NULL: the last component of path */
	const char *const *tracker;   /* URLs, each a tier of its own */
	uint32_t tracker_cnt;         /* [0, METAINFO_TRACKERS_MAX] */
	uint32_t piece_len;           /* power of two, [16 KiB, 64 MiB]; 0: chosen */
	bool private_flag;
	bool hybrid;
	struct create_known *known;   /* NULL: not wanted. Empty but for unit_max */

	/* progress is told the bytes hashed so far, up to total_bytes, about each MiB; a result
	 * other than 0 cancels. May be NULL. */
	int (*progress)(uint64_t done_bytes, uint64_t total_bytes, void *ctx);
	void *ctx;
};

struct create_result {
	uint8_t info_hash[20];
	uint8_t info_hash_v2[32]; /* zeros unless hybrid */
	uint64_t content_len;     /* bytes of files */
	uint32_t file_cnt;        /* without pads */
	uint32_t piece_len;
	uint32_t piece_cnt;
};

/* create_torrent reads opt->path and writes opt->out_path.
 *
 * opt     borrowed during the call.
 * result  out, may be NULL.
 * err     out, on failure: one line that names the path or the option.
 * Returns 0; -EINVAL for content or an option that is refused; -EFBIG beyond a limit of metainfo.h;
 * -ESTALE when a file changed its size meanwhile; -ECANCELED; -ENOMEM; otherwise -errno of the
 * system call that failed. No output is left on failure. */
int
create_torrent(const struct create_options *opt, struct create_result *result,
	       struct metainfo_error *err);

/* create_known_free frees what known holds, also after a failure. */
void
create_known_free(struct create_known *known);

/* create_piece_len returns the piece length chosen for total_len bytes: the smallest power of two
 * in [CREATE_PIECE_LEN_MIN, CREATE_PIECE_LEN_MAX] that gives at most CREATE_PIECES_WANTED pieces,
 * or the largest. */
uint32_t
create_piece_len(uint64_t total_len);

#endif
