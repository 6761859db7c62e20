/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metainfo is one .torrent, checked: v1 (BEP 3), v2 (BEP 52) or both, a hybrid.
 *
 * Nothing in it is to be trusted further than this: paths are relative, each component is a
 * file name, no two paths clash, lengths sum without overflow, pieces cover the content exactly,
 * piece layers hash to their roots, and the two halves of a hybrid describe the same files in
 * the same order. info_hash is taken over the info dictionary's bytes as they stand (BEP 3), and
 * those bytes are what ut_metadata serves (BEP 9).
 *
 * The file list is the v1 view when there is one: all files in order, with pad files (BEP 47 "p")
 * and empty files, so that offsets are contiguous. Of a v2-only torrent it is the file tree in
 * order, each non-empty file at the next multiple of piece_len. Symlinks (BEP 47 "l") hold no
 * bytes: they are left out and counted; one with a length is refused.
 *
 * Threads: immutable after metainfo_parse, shared freely. Memory: it owns a copy of the bytes and
 * all that it points to; metainfo_free ends it.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_METAINFO_H
#define SPILLWAY_CONTROL_CONTENT_METAINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metainfo_limit {
	METAINFO_LEN_MAX = 64 << 20,    /* bytes of .torrent */
	METAINFO_INFO_MAX = 48 << 20,   /* bytes of info dictionary */
	METAINFO_FILES_MAX = 262144,    /* with pads and empty files */
	METAINFO_PIECES_MAX = 2097152,
	METAINFO_PIECE_LEN_MIN = 1024,
	METAINFO_PIECE_LEN_MAX = 1 << 30,
	METAINFO_NAME_MAX = 255,        /* bytes of a path component, NAME_MAX */
	METAINFO_PATH_MAX = 2048,       /* bytes of a path, so that a folder fits before it */
	METAINFO_TRACKERS_MAX = 256,
	METAINFO_TRACKER_LEN_MAX = 1024,
	METAINFO_TEXT_MAX = 64 << 20,   /* bytes of paths and URLs */
	METAINFO_ERROR_MAX = 192,
};
#define METAINFO_TOTAL_MAX (UINT64_C(1) << 44) /* bytes of content, 16 TiB */

enum metainfo_file_flag {
	METAINFO_FILE_PAD = 1u << 0,  /* zeros, no file on disk (BEP 47) */
	METAINFO_FILE_EXEC = 1u << 1,
	METAINFO_FILE_HIDDEN = 1u << 2,
};

struct metainfo_file {
	const char *path;           /* relative, begins with name; NULL of a pad */
	uint64_t off;               /* of its first byte in the torrent, bytes */
	uint64_t len;               /* bytes; may be 0 */
	const uint8_t *pieces_root; /* v2: 32 bytes, or NULL when len is 0 or without v2 */
	const uint8_t *piece_layer; /* v2: 32 bytes a piece; NULL when len <= piece_len */
	uint32_t flags;             /* enum metainfo_file_flag */
};

struct metainfo_tracker {
	const char *url;
	uint32_t tier; /* ascending (BEP 12) */
};

struct metainfo {
	bool has_v1;
	bool has_v2;
	bool private_flag;              /* BEP 27 */
	bool multi_file;                /* name is a folder */
	uint8_t info_hash[20];          /* v1: SHA-1; zeros without v1 */
	uint8_t info_hash_v2[32];       /* v2: SHA-256; zeros without v2 */
	const char *name;               /* a safe file name, UTF-8 not enforced */

	uint64_t total_len;             /* bytes of torrent, with pads; > 0 */
	uint64_t content_len;           /* bytes of files */
	uint32_t piece_len;
	uint32_t piece_cnt;             /* ceil(total_len / piece_len) */
	const uint8_t *pieces;          /* v1: 20 * piece_cnt bytes; NULL without v1 */

	struct metainfo_file *file;
	uint32_t file_cnt;
	uint32_t data_file_cnt;         /* files with metainfo_file_has_data: descriptors to open */
	uint32_t symlink_cnt;           /* left out */

	struct metainfo_tracker *tracker;
	uint32_t tracker_cnt;
	uint32_t tracker_skipped_cnt;   /* empty, too long, not printable, or too many */

	const uint8_t *info;            /* the bencoded info dictionary, within bytes */
	uint32_t info_len;
	uint8_t *bytes;                 /* the whole .torrent */
	size_t len;
	struct metainfo_text *text;     /* where the strings above live */
};

/* struct metainfo_error is one line for people, without a newline, that names the key or the
 * file; bytes of the .torrent that it quotes are printable. */
struct metainfo_error {
	char text[METAINFO_ERROR_MAX];
};

/* metainfo_parse checks the bytes of a .torrent and makes a metainfo of them.
 *
 * meta   out; NULL on failure; the caller's, ended by metainfo_free.
 * bytes  copied.
 * err    out, on failure.
 * Returns 0; -EINVAL when refused; -EFBIG beyond a limit of enum metainfo_limit; -ENOMEM. */
int
metainfo_parse(struct metainfo **meta, const void *bytes, size_t len, struct metainfo_error *err);

/* metainfo_load is metainfo_parse of a regular file.
 *
 * Returns as metainfo_parse, or -errno of open, fstat and read, with err naming the path. */
int
metainfo_load(struct metainfo **meta, const char *path, struct metainfo_error *err);

/* metainfo_peek reads only the trackers and private_flag of a .torrent that was checked before.
 *
 * meta  as metainfo_parse; everything else in it is zero.
 * Returns 0; -EINVAL when it is no .torrent; -EFBIG; -ENOMEM. */
int
metainfo_peek(struct metainfo **meta, const void *bytes, size_t len);

/* metainfo_free ends meta; NULL is allowed. */
void
metainfo_free(struct metainfo *meta);

/* metainfo_file_has_data tells whether a file has bytes on disk. The n-th such file is descriptor
 * n of verify.h, layout.h and ABI_FILES. */
static inline bool
metainfo_file_has_data(const struct metainfo_file *file)
{
	return !(file->flags & METAINFO_FILE_PAD) && file->len > 0;
}

/* metainfo_name_safe tells whether len bytes may be one path component: 1 to METAINFO_NAME_MAX
 * bytes, neither "." nor "..", without '/' and NUL. */
bool
metainfo_name_safe(const void *bytes, size_t len);

/* metainfo_error_set writes err's one line, cut at its end, with every byte outside the printable
 * ASCII and UTF-8 range replaced by '?'. err may be NULL. Returns code, so that a failing function
 * may return it. */
int
metainfo_error_set(struct metainfo_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
