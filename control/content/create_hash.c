/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The reading pass of create: each byte feeds the SHA-1 of its v1 piece and, for a hybrid, the
 * SHA-256 of its 16 KiB leaf, which fold to one hash a piece and one root a file (BEP 52). */
#include "control/content/create_parts.h"

#include "control/content/layout.h"

#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_LEN = 1 << 20,
};

struct hash_pass {
	struct create_tree *tree;
	const struct create_options *opt;
	struct metainfo_error *err;
	struct digest *sha1;
	struct digest *sha256;
	uint8_t *buffer;         /* READ_LEN */
	uint32_t piece;          /* in hand */
	uint32_t fill;           /* its bytes so far */
	uint64_t done_bytes;
	uint8_t *leaf;           /* hybrid: leaves of the piece in hand */
	uint32_t leaf_cnt;
	uint8_t pad[MERKLE_HASH_LEN]; /* a piece beyond the end of a file */
	uint32_t unit_len;       /* with opt->known */
};

static const uint8_t zero_hash[MERKLE_HASH_LEN];

/* Feeds bytes that follow to the v1 pieces. */
static int
v1_feed(struct hash_pass *pass, const uint8_t *bytes, size_t len)
{
	struct create_tree *tree = pass->tree;
	int code = 0;

	while (len > 0 && code == 0) {
		size_t part = tree->piece_len - pass->fill;

		if (part > len)
			part = len;
		digest_add(pass->sha1, bytes, part);
		bytes += part;
		len -= part;
		pass->fill += (uint32_t)part;
		if (pass->fill < tree->piece_len)
			break;
		code = digest_end(pass->sha1, tree->pieces + (size_t)pass->piece * DIGEST_SHA1_LEN);
		digest_begin(pass->sha1);
		pass->piece++;
		pass->fill = 0;
	}
	return code;
}

static int
v1_pad(struct hash_pass *pass, uint32_t len)
{
	int code = 0;

	memset(pass->buffer, 0, READ_LEN);
	while (len > 0 && code == 0) {
		uint32_t part = len < READ_LEN ? len : READ_LEN;

		code = v1_feed(pass, pass->buffer, part);
		len -= part;
	}
	return code;
}

/* Folds the leaves of a whole piece, or of the last of a longer file, into the file's layer. */
static int
layer_add(struct hash_pass *pass, struct create_file *file)
{
	uint32_t leaf_max = pass->tree->piece_len / MERKLE_BLOCK_LEN;
	uint8_t *out = file->layer + (size_t)file->layer_cnt * MERKLE_HASH_LEN;

	memset(pass->leaf + (size_t)pass->leaf_cnt * MERKLE_HASH_LEN, 0,
	       (size_t)(leaf_max - pass->leaf_cnt) * MERKLE_HASH_LEN);
	pass->leaf_cnt = 0;
	file->layer_cnt++;
	return merkle_root(pass->sha256, pass->leaf, leaf_max, zero_hash, out);
}

/* Feeds a chunk of a file, which begins at a leaf, to the file's tree. */
static int
v2_feed(struct hash_pass *pass, struct create_file *file, const uint8_t *bytes, size_t len)
{
	int code = 0;

	while (len > 0 && code == 0) {
		size_t part = len < MERKLE_BLOCK_LEN ? len : MERKLE_BLOCK_LEN;

		code = digest_of(pass->sha256, bytes, part,
				 pass->leaf + (size_t)pass->leaf_cnt * MERKLE_HASH_LEN);
		pass->leaf_cnt++;
		bytes += part;
		len -= part;
		if (code == 0 && file->layer != NULL &&
		    pass->leaf_cnt == pass->tree->piece_len / MERKLE_BLOCK_LEN)
			code = layer_add(pass, file);
	}
	return code;
}

static int
v2_end(struct hash_pass *pass, struct create_file *file)
{
	uint8_t *copy;
	int code = 0;

	if (file->layer == NULL) {
		code = merkle_root(pass->sha256, pass->leaf, pass->leaf_cnt, zero_hash, file->root);
		pass->leaf_cnt = 0;
		return code;
	}
	if (pass->leaf_cnt > 0)
		code = layer_add(pass, file);
	copy = malloc((size_t)file->layer_cnt * MERKLE_HASH_LEN);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, file->layer, (size_t)file->layer_cnt * MERKLE_HASH_LEN);
	if (code == 0)
		code = merkle_root(pass->sha256, copy, file->layer_cnt, pass->pad, file->root);
	free(copy);
	return code;
}

/* known_feed hashes the read units of a chunk, which begins at one. */
static void
known_feed(struct hash_pass *pass, size_t len)
{
	struct create_known *known = pass->opt->known;

	for (size_t at = 0; at < len; at += pass->unit_len) {
		size_t part = len - at < pass->unit_len ? len - at : pass->unit_len;
		known->fingerprint[known->unit_cnt++] = XXH3_64bits(pass->buffer + at, part);
	}
}

static int
chunk_hash(struct hash_pass *pass, struct create_file *file, size_t len)
{
	const struct create_options *opt = pass->opt;
	int code = v1_feed(pass, pass->buffer, len);

	if (opt->known != NULL)
		known_feed(pass, len);
	if (code == 0 && opt->hybrid)
		code = v2_feed(pass, file, pass->buffer, len);
	if (code < 0)
		return code;
	pass->done_bytes += len;
	if (opt->progress != NULL &&
	    opt->progress(pass->done_bytes, pass->tree->content_len, opt->ctx) != 0)
		return -ECANCELED;
	return 0;
}

static int
read_full(int fd, uint8_t *buffer, size_t len)
{
	size_t done = 0;
	ssize_t got;

	while (done < len) {
		got = read(fd, buffer + done, len - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ESTALE;
		done += (size_t)got;
	}
	return 0;
}

static int
file_read(struct hash_pass *pass, struct create_file *file, int fd)
{
	struct stat before, after;
	uint64_t left = file->len;
	int code = 0;

	if (fstat(fd, &before) < 0)
		return -errno;
	if (!S_ISREG(before.st_mode) || (uint64_t)before.st_size != file->len)
		return -ESTALE;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (left > 0 && code == 0) {
		size_t part = left < READ_LEN ? (size_t)left : READ_LEN;

		code = read_full(fd, pass->buffer, part);
		if (code == 0)
			code = chunk_hash(pass, file, part);
		left -= part;
	}
	if (code == 0 && fstat(fd, &after) < 0)
		code = -errno;
	if (code == 0 && (after.st_size != before.st_size ||
			  after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
			  after.st_mtim.tv_nsec != before.st_mtim.tv_nsec))
		code = -ESTALE;
	if (code == 0 && pass->opt->known != NULL && file->len > 0)
		pass->opt->known->pin[pass->opt->known->pin_cnt++] = content_pin_of(&before);
	return code;
}

static int
file_hash(struct hash_pass *pass, struct create_file *file)
{
	char path[METAINFO_PATH_MAX * 2 + 2];
	uint32_t piece_len = pass->tree->piece_len;
	int fd, code;

	if (pass->opt->hybrid && file->len > piece_len) {
		file->layer = calloc((file->len + piece_len - 1) / piece_len, MERKLE_HASH_LEN);
		if (file->layer == NULL)
			return metainfo_error_set(pass->err, -ENOMEM, "out of memory");
	}
	snprintf(path, sizeof(path), "%s%s%s", pass->tree->root, *file->path ? "/" : "",
		 file->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return metainfo_error_set(pass->err, -errno, "%.120s: %s", path, strerror(errno));
	code = file_read(pass, file, fd);
	close(fd);
	if (code == 0 && pass->opt->hybrid && file->len > 0)
		code = v2_end(pass, file);
	if (code == 0 && file->pad_len > 0)
		code = v1_pad(pass, file->pad_len);
	if (code == -ESTALE)
		return metainfo_error_set(pass->err, code, "%.120s: changed while it was read",
					  path);
	if (code < 0)
		return metainfo_error_set(pass->err, code, "%.120s: %s", path, strerror(-code));
	return 0;
}

static int
pass_open(struct hash_pass *pass)
{
	uint32_t leaf_max = pass->tree->piece_len / MERKLE_BLOCK_LEN;

	pass->sha1 = digest_create(DIGEST_SHA1);
	pass->sha256 = digest_create(DIGEST_SHA256);
	pass->buffer = malloc(READ_LEN);
	pass->leaf = malloc((size_t)leaf_max * MERKLE_HASH_LEN);
	pass->tree->pieces = calloc(pass->tree->piece_cnt, DIGEST_SHA1_LEN);
	if (pass->sha1 == NULL || pass->sha256 == NULL || pass->buffer == NULL ||
	    pass->leaf == NULL || pass->tree->pieces == NULL)
		return metainfo_error_set(pass->err, -ENOMEM, "out of memory");
	digest_begin(pass->sha1);
	if (merkle_pad(pass->sha256, leaf_max, pass->pad) < 0)
		return metainfo_error_set(pass->err, -EIO, "hashing failed");
	return 0;
}

/* known_begin makes room for what is wanted beside the hashes. */
static int
known_begin(struct hash_pass *pass)
{
	const struct create_tree *tree = pass->tree;
	struct create_known *known = pass->opt->known;
	struct metainfo_file *file = calloc(tree->file_cnt + 1, sizeof(*file));
	struct metainfo meta = {.piece_len = tree->piece_len, .file = file};
	uint64_t off = 0, unit_cnt = 0;

	if (file == NULL)
		return metainfo_error_set(pass->err, -ENOMEM, "out of memory");
	meta.file_cnt = tree->file_cnt;
	for (uint32_t i = 0; i < tree->file_cnt; i++) {
		file[i] = (struct metainfo_file){.path = "", .off = off, .len = tree->file[i].len};
		off += tree->file[i].len + tree->file[i].pad_len;
	}
	pass->unit_len = layout_unit_len(&meta, known->unit_max);
	for (uint32_t i = 0; i < tree->file_cnt; i++)
		unit_cnt += (tree->file[i].len + pass->unit_len - 1) / pass->unit_len;
	free(file);
	known->fingerprint = calloc(unit_cnt + 1, sizeof(*known->fingerprint));
	known->pin = calloc(tree->file_cnt + 1, sizeof(*known->pin));
	if (known->fingerprint == NULL || known->pin == NULL)
		return metainfo_error_set(pass->err, -ENOMEM, "out of memory");
	return 0;
}

int
create_tree_hash(struct create_tree *tree, const struct create_options *opt,
		 struct metainfo_error *err)
{
	struct hash_pass pass = { .tree = tree, .opt = opt, .err = err };
	uint32_t i;
	int code = pass_open(&pass);

	if (code == 0 && opt->known != NULL)
		code = known_begin(&pass);
	for (i = 0; i < tree->file_cnt && code == 0; i++)
		code = file_hash(&pass, &tree->file[i]);
	if (code == 0 && pass.fill > 0 &&
	    digest_end(pass.sha1, tree->pieces + (size_t)pass.piece * DIGEST_SHA1_LEN) < 0)
		code = metainfo_error_set(err, -EIO, "hashing failed");
	digest_free(pass.sha1);
	digest_free(pass.sha256);
	free(pass.buffer);
	free(pass.leaf);
	return code;
}
