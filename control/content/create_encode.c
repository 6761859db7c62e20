/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The bencoding of a new .torrent; every dictionary's keys are written in ascending order. */
#include "control/content/create_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opens the folders of path that prev was not in, after closing those that path is not in. */
static size_t
folders_change(struct bencode_out *out, const char *prev, const char *path)
{
	size_t common = 0, i;
	const char *slash;

	for (i = 0; prev[i] == path[i] && path[i] != '\0'; i++)
		if (path[i] == '/')
			common = i + 1;
	for (slash = strchr(prev + common, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
		bencode_put_end(out);
	while ((slash = strchr(path + common, '/')) != NULL) {
		bencode_put_str(out, path + common, (size_t)(slash - path) - common);
		bencode_put_dict(out);
		common = (size_t)(slash - path) + 1;
	}
	return common;
}

/* BEP 52 "file tree". Files are in order, so that one pass opens and closes the folders. */
static void
file_tree_put(struct bencode_out *out, const struct create_tree *tree, const char *name)
{
	const char *prev = "", *path;
	uint32_t i;

	bencode_put_text(out, "file tree");
	bencode_put_dict(out);
	for (i = 0; i < tree->file_cnt; i++) {
		const struct create_file *file = &tree->file[i];

		path = tree->folder ? file->path : name;
		bencode_put_text(out, path + folders_change(out, prev, path));
		bencode_put_dict(out);
		bencode_put_text(out, "");
		bencode_put_dict(out);
		bencode_put_text(out, "length");
		bencode_put_int(out, (int64_t)file->len);
		if (file->len > 0) {
			bencode_put_text(out, "pieces root");
			bencode_put_str(out, file->root, sizeof(file->root));
		}
		bencode_put_end(out);
		bencode_put_end(out);
		prev = path;
	}
	folders_change(out, prev, "");
	bencode_put_end(out);
}

static void
file_put(struct bencode_out *out, uint64_t len, const char *path, bool pad)
{
	const char *slash;

	bencode_put_dict(out);
	if (pad) {
		bencode_put_text(out, "attr");
		bencode_put_text(out, "p");
	}
	bencode_put_text(out, "length");
	bencode_put_int(out, (int64_t)len);
	bencode_put_text(out, "path");
	bencode_put_list(out);
	for (; (slash = strchr(path, '/')) != NULL; path = slash + 1)
		bencode_put_str(out, path, (size_t)(slash - path));
	bencode_put_text(out, path);
	bencode_put_end(out);
	bencode_put_end(out);
}

static void
files_put(struct bencode_out *out, const struct create_tree *tree)
{
	char pad_path[32];
	uint32_t i;

	bencode_put_text(out, "files");
	bencode_put_list(out);
	for (i = 0; i < tree->file_cnt; i++) {
		file_put(out, tree->file[i].len, tree->file[i].path, false);
		if (tree->file[i].pad_len == 0)
			continue;
		/* BEP 47 recommends .pad/LENGTH; rTorrent refuses a path that comes twice. */
		snprintf(pad_path, sizeof(pad_path), ".pad/%u.%u", tree->file[i].pad_len, i);
		file_put(out, tree->file[i].pad_len, pad_path, true);
	}
	bencode_put_end(out);
}

static void
info_put(struct bencode_out *out, const struct create_tree *tree,
	 const struct create_options *opt, const char *name)
{
	bencode_put_text(out, "info");
	bencode_put_dict(out);
	if (opt->hybrid)
		file_tree_put(out, tree, name);
	if (tree->folder) {
		files_put(out, tree);
	} else {
		bencode_put_text(out, "length");
		bencode_put_int(out, (int64_t)tree->content_len);
	}
	if (opt->hybrid) {
		bencode_put_text(out, "meta version");
		bencode_put_int(out, 2);
	}
	bencode_put_text(out, "name");
	bencode_put_text(out, name);
	bencode_put_text(out, "piece length");
	bencode_put_int(out, tree->piece_len);
	bencode_put_text(out, "pieces");
	bencode_put_str(out, tree->pieces, (size_t)tree->piece_cnt * DIGEST_SHA1_LEN);
	if (opt->private_flag) {
		bencode_put_text(out, "private"); /* BEP 27 */
		bencode_put_int(out, 1);
	}
	bencode_put_end(out);
}

static int
root_compare(const void *a, const void *b)
{
	const struct create_file *x = *(const struct create_file *const *)a;
	const struct create_file *y = *(const struct create_file *const *)b;

	return memcmp(x->root, y->root, sizeof(x->root));
}

/* BEP 52 "piece layers": by root; equal files share an entry. */
static int
piece_layers_put(struct bencode_out *out, const struct create_tree *tree)
{
	const struct create_file **sorted = calloc((size_t)tree->file_cnt + 1, sizeof(*sorted));
	uint32_t i, cnt = 0;

	if (sorted == NULL)
		return -ENOMEM;
	for (i = 0; i < tree->file_cnt; i++)
		if (tree->file[i].layer != NULL)
			sorted[cnt++] = &tree->file[i];
	qsort(sorted, cnt, sizeof(*sorted), root_compare);
	bencode_put_text(out, "piece layers");
	bencode_put_dict(out);
	for (i = 0; i < cnt; i++) {
		if (i > 0 && root_compare(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		bencode_put_str(out, sorted[i]->root, sizeof(sorted[i]->root));
		bencode_put_str(out, sorted[i]->layer,
				(size_t)sorted[i]->layer_cnt * MERKLE_HASH_LEN);
	}
	bencode_put_end(out);
	free(sorted);
	return 0;
}

static void
trackers_put(struct bencode_out *out, const struct create_options *opt)
{
	uint32_t i;

	if (opt->tracker_cnt == 0)
		return;
	bencode_put_text(out, "announce");
	bencode_put_text(out, opt->tracker[0]);
	if (opt->tracker_cnt == 1)
		return;
	bencode_put_text(out, "announce-list"); /* BEP 12 */
	bencode_put_list(out);
	for (i = 0; i < opt->tracker_cnt; i++) {
		bencode_put_list(out);
		bencode_put_text(out, opt->tracker[i]);
		bencode_put_end(out);
	}
	bencode_put_end(out);
}

int
create_encode(struct bencode_out *out, const struct create_tree *tree,
	      const struct create_options *opt, const char *name)
{
	int code = 0;

	bencode_put_dict(out);
	trackers_put(out, opt);
	bencode_put_text(out, "created by");
	bencode_put_text(out, "Spillway");
	info_put(out, tree, opt, name);
	if (opt->hybrid)
		code = piece_layers_put(out, tree);
	bencode_put_end(out);
	return out->failed ? -ENOMEM : code;
}
