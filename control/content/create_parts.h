/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* create_parts is what the parts of create share: create_tree.c walks, create_hash.c hashes,
 * create_encode.c writes the bencoding, create.c does the whole. No one else includes it.
 *
 * Functions that return int return 0 or a negative errno with the error line written.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_CREATE_PARTS_H
#define SPILLWAY_CONTROL_CONTENT_CREATE_PARTS_H

#include "control/content/bencode.h"
#include "control/content/create.h"
#include "control/content/merkle.h"

#include <stdbool.h>
#include <stdint.h>

struct create_file {
	char *path;          /* below the root, components joined by '/'; "" when the root is it */
	uint64_t len;
	uint32_t pad_len;    /* zeros after it, hybrid */
	uint32_t layer_cnt;  /* hybrid, file longer than a piece: hashes of its layer */
	uint8_t *layer;
	uint8_t root[MERKLE_HASH_LEN]; /* hybrid, len > 0 */
};

struct create_tree {
	const char *root;    /* opt->path */
	bool folder;
	struct create_file *file; /* in order of path components */
	uint32_t file_cnt;
	uint32_t file_cap;
	uint64_t content_len;
	uint64_t total_len;  /* with pads */
	uint32_t piece_len;
	uint32_t piece_cnt;
	uint8_t *pieces;     /* 20 * piece_cnt bytes */
};

/* create_tree_walk lists root, a regular file or a folder. tree is to be freed also on failure. */
int
create_tree_walk(struct create_tree *tree, const char *root, struct metainfo_error *err);

/* create_tree_free frees all of tree. */
void
create_tree_free(struct create_tree *tree);

/* create_tree_hash reads every file once and fills pieces, and for a hybrid root and layer.
 * piece_len, piece_cnt and pad_len are set. */
int
create_tree_hash(struct create_tree *tree, const struct create_options *opt,
		 struct metainfo_error *err);

/* create_encode appends the whole .torrent to out; out->failed tells of memory. Returns 0 or
 * -ENOMEM. */
int
create_encode(struct bencode_out *out, const struct create_tree *tree,
	      const struct create_options *opt, const char *name);

#endif
