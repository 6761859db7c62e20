/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metainfo_parse is what the parts of the metainfo parser share: metainfo.c (the whole, name,
 * pieces), metainfo_file.c (file lists and paths), metainfo_v2.c (file tree, piece layers) and
 * metainfo_tracker.c. No one else includes it.
 *
 * Every function returns 0 or a negative errno, with the parser's error line written.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_METAINFO_PARSE_H
#define SPILLWAY_CONTROL_CONTENT_METAINFO_PARSE_H

#include "control/content/bencode.h"
#include "control/content/digest.h"
#include "control/content/metainfo.h"

#include <stdint.h>

struct metainfo_parser {
	struct metainfo *meta;
	struct metainfo_error *err;
	struct bencode doc;      /* over meta->bytes */
	uint32_t info;           /* its node */
	size_t text_len;         /* bytes of strings so far */
	struct digest *sha256;
};

/* struct metainfo_path is a path being built. */
struct metainfo_path {
	uint32_t len;
	char bytes[METAINFO_PATH_MAX + 1];
};

/* struct metainfo_files is a file list being built. */
struct metainfo_files {
	struct metainfo_file *file;
	uint32_t cnt;
	uint32_t cap;
	uint32_t symlink_cnt;
	uint64_t end;            /* where the next file begins, bytes */
};

/* metainfo_refuse writes the error line and returns code. */
#define metainfo_refuse(parser, code, ...) metainfo_error_set((parser)->err, code, __VA_ARGS__)

/* metainfo_text_put stores a NUL-terminated copy of len bytes, which lives as long as meta. */
int
metainfo_text_put(struct metainfo_parser *parser, const void *bytes, size_t len,
		  const char **text);

/* metainfo_path_push appends a component, of the STR node, to path; refuses what is not safe and
 * paths beyond METAINFO_PATH_MAX. key names the place in the error. */
int
metainfo_path_push(struct metainfo_parser *parser, struct metainfo_path *path, uint32_t node,
		   const char *key);

/* metainfo_file_read reads what v1 and v2 file dictionaries share: length and attr. key names the
 * place. symlink is set to true for one that is to be left out. */
int
metainfo_file_read(struct metainfo_parser *parser, uint32_t dict, const char *key,
		   struct metainfo_file *file, bool *symlink);

/* metainfo_files_add appends file at files->end, aligned up to align bytes when it has any; path
 * is copied, and NULL for a pad. */
int
metainfo_files_add(struct metainfo_parser *parser, struct metainfo_files *files,
		   const struct metainfo_file *file, const struct metainfo_path *path,
		   uint32_t align);

/* metainfo_files_v1 makes the file list of the v1 half: "length" or "files". */
int
metainfo_files_v1(struct metainfo_parser *parser, struct metainfo_files *files);

/* metainfo_files_v2 makes the file list of the v2 half, "file tree", and checks "piece layers".
 * Paths begin with the name when meta->multi_file, which it sets without a v1 half. */
int
metainfo_files_v2(struct metainfo_parser *parser, struct metainfo_files *files);

/* metainfo_files_clash refuses two equal paths, and a file where another needs a folder. */
int
metainfo_files_clash(struct metainfo_parser *parser, const struct metainfo_files *files);

/* metainfo_trackers reads "announce" and "announce-list" (BEP 12). */
int
metainfo_trackers(struct metainfo_parser *parser);

#endif
