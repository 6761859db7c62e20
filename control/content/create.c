/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The whole of create: options, walk, layout of pieces, hashing, encoding, and an output that is
 * read back before it takes its place. */
#include "control/content/create.h"

#include "control/content/create_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t
create_piece_len(uint64_t total_len)
{
	uint32_t piece_len = CREATE_PIECE_LEN_MIN;

	while (piece_len < CREATE_PIECE_LEN_MAX &&
	       total_len > (uint64_t)piece_len * CREATE_PIECES_WANTED)
		piece_len *= 2;
	return piece_len;
}

static int
tracker_check(const char *url, struct metainfo_error *err)
{
	size_t len = strlen(url), i;

	if (len == 0 || len > METAINFO_TRACKER_LEN_MAX)
		return metainfo_error_set(err, -EINVAL, "tracker URL is empty or too long");
	for (i = 0; i < len; i++)
		if ((unsigned char)url[i] <= ' ' || (unsigned char)url[i] >= 0x7f)
			return metainfo_error_set(err, -EINVAL,
						  "tracker URL \"%.100s\" has a byte that no URL has",
						  url);
	return 0;
}

static int
options_check(const struct create_options *opt, struct metainfo_error *err)
{
	uint32_t len = opt->piece_len, i;
	int code = 0;

	if (len != 0 && (len < CREATE_PIECE_LEN_MIN || len > CREATE_PIECE_LEN_GIVEN_MAX ||
			 (len & (len - 1)) != 0))
		return metainfo_error_set(err, -EINVAL,
					  "piece length %u is no power of two within [%d, %d]", len,
					  CREATE_PIECE_LEN_MIN, CREATE_PIECE_LEN_GIVEN_MAX);
	if (opt->tracker_cnt > METAINFO_TRACKERS_MAX)
		return metainfo_error_set(err, -EINVAL, "more than %d trackers",
					  METAINFO_TRACKERS_MAX);
	for (i = 0; i < opt->tracker_cnt && code == 0; i++)
		code = tracker_check(opt->tracker[i], err);
	return code;
}

/* The name: as given, or the last component of the path with "." and ".." resolved. */
static int
name_find(const struct create_options *opt, char name[METAINFO_NAME_MAX + 1],
	  struct metainfo_error *err)
{
	char full[PATH_MAX];
	const char *found = opt->name;

	if (found == NULL) {
		if (realpath(opt->path, full) == NULL)
			return metainfo_error_set(err, -errno, "%.120s: %s", opt->path,
						  strerror(errno));
		found = strrchr(full, '/') + 1;
	}
	if (!metainfo_name_safe(found, strlen(found)))
		return metainfo_error_set(err, -EINVAL, "\"%.100s\" cannot name a torrent", found);
	memcpy(name, found, strlen(found) + 1);
	return 0;
}

/* Chooses the piece length and, for a hybrid, the pads: after each file but the last, up to the
 * next piece (BEP 52, upgrade path). */
static int
pieces_plan(struct create_tree *tree, const struct create_options *opt,
	    struct metainfo_error *err)
{
	uint64_t piece_cnt;
	uint32_t i, last_len;

	tree->piece_len = opt->piece_len ? opt->piece_len : create_piece_len(tree->content_len);
	tree->total_len = tree->content_len;
	for (i = 0; opt->hybrid && i + 1 < tree->file_cnt; i++) {
		last_len = (uint32_t)(tree->file[i].len % tree->piece_len);
		tree->file[i].pad_len = last_len ? tree->piece_len - last_len : 0;
		tree->total_len += tree->file[i].pad_len;
	}
	piece_cnt = (tree->total_len + tree->piece_len - 1) / tree->piece_len;
	if (piece_cnt > METAINFO_PIECES_MAX)
		return metainfo_error_set(err, -EFBIG,
					  "piece length %u makes more than %d pieces",
					  tree->piece_len, METAINFO_PIECES_MAX);
	tree->piece_cnt = (uint32_t)piece_cnt;
	return 0;
}

static int
bytes_write(int fd, const uint8_t *bytes, size_t len)
{
	ssize_t put;

	while (len > 0) {
		put = write(fd, bytes, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		len -= (size_t)put;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Writes beside the place, then renames. */
static int
output_write(const char *path, const struct bencode_out *out, struct metainfo_error *err)
{
	char tmp[PATH_MAX];
	int fd, code;

	if (snprintf(tmp, sizeof(tmp), "%s.%d.tmp", path, getpid()) >= (int)sizeof(tmp))
		return metainfo_error_set(err, -ENAMETOOLONG, "%.100s...: path is too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return metainfo_error_set(err, -errno, "%.120s: %s", path, strerror(errno));
	code = bytes_write(fd, out->bytes, out->len);
	if (close(fd) < 0 && code == 0)
		code = -errno;
	if (code == 0 && rename(tmp, path) < 0)
		code = -errno;
	if (code < 0) {
		unlink(tmp);
		return metainfo_error_set(err, code, "%.120s: %s", path, strerror(-code));
	}
	return 0;
}

static void
result_fill(struct create_result *result, const struct metainfo *meta,
	    const struct create_tree *tree)
{
	*result = (struct create_result){
		.content_len = tree->content_len,
		.file_cnt = tree->file_cnt,
		.piece_len = tree->piece_len,
		.piece_cnt = tree->piece_cnt,
	};
	memcpy(result->info_hash, meta->info_hash, sizeof(result->info_hash));
	memcpy(result->info_hash_v2, meta->info_hash_v2, sizeof(result->info_hash_v2));
}

/* Encodes, reads back what was encoded, and puts it in place. */
static int
torrent_put(const struct create_tree *tree, const struct create_options *opt, const char *name,
	    struct create_result *result, struct metainfo_error *err)
{
	struct bencode_out out = { 0 };
	struct metainfo *meta = NULL;
	int code;

	code = create_encode(&out, tree, opt, name);
	if (code < 0)
		metainfo_error_set(err, code, "out of memory");
	else
		code = metainfo_parse(&meta, out.bytes, out.len, err);
	if (code == 0)
		code = output_write(opt->out_path, &out, err);
	if (code == 0 && result != NULL)
		result_fill(result, meta, tree);
	metainfo_free(meta);
	bencode_out_free(&out);
	return code;
}

void
create_known_free(struct create_known *known)
{
	free(known->fingerprint);
	free(known->pin);
	*known = (struct create_known){0};
}

int
create_torrent(const struct create_options *opt, struct create_result *result,
	       struct metainfo_error *err)
{
	struct create_tree tree = { 0 };
	char name[METAINFO_NAME_MAX + 1];
	int code;

	code = options_check(opt, err);
	if (code == 0)
		code = name_find(opt, name, err);
	if (code == 0)
		code = create_tree_walk(&tree, opt->path, err);
	if (code == 0)
		code = pieces_plan(&tree, opt, err);
	if (code == 0)
		code = create_tree_hash(&tree, opt, err);
	if (code == 0)
		code = torrent_put(&tree, opt, name, result, err);
	create_tree_free(&tree);
	return code;
}
