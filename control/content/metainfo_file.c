/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* File lists: safe paths, attributes (BEP 47), the v1 keys "length" and "files" (BEP 3), and the
 * search for paths that clash. */
#include "control/content/metainfo_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUOTE_MAX = 60, /* bytes of a name in an error line */
};

int
metainfo_path_push(struct metainfo_parser *parser, struct metainfo_path *path, uint32_t node,
		   const char *key)
{
	uint32_t len;
	const char *name;

	if (!bencode_is(&parser->doc, node, BENCODE_STR))
		return metainfo_refuse(parser, -EINVAL, "%s has a component that is no string", key);
	len = parser->doc.node[node].cnt;
	name = (const char *)bencode_str(&parser->doc, node);
	if (!metainfo_name_safe(name, len))
		return metainfo_refuse(parser, -EINVAL, "%s has the unsafe component \"%.*s\"", key,
				       (int)(len < QUOTE_MAX ? len : QUOTE_MAX), name);
	if (path->len + 1 + len > METAINFO_PATH_MAX)
		return metainfo_refuse(parser, -EFBIG, "%s is longer than %d bytes", key,
				       METAINFO_PATH_MAX);
	if (path->len > 0)
		path->bytes[path->len++] = '/';
	memcpy(path->bytes + path->len, name, len);
	path->len += len;
	path->bytes[path->len] = '\0';
	return 0;
}

static int
attr_read(struct metainfo_parser *parser, uint32_t dict, const char *key, uint32_t *flags,
	  bool *symlink)
{
	uint32_t node = bencode_get(&parser->doc, dict, "attr");
	const uint8_t *attr;
	uint32_t cnt;

	*flags = 0;
	*symlink = false;
	if (node == BENCODE_NONE)
		return 0;
	if (parser->doc.node[node].type != BENCODE_STR)
		return metainfo_refuse(parser, -EINVAL, "%s.attr is no string", key);
	attr = bencode_str(&parser->doc, node);
	cnt = parser->doc.node[node].cnt;
	if (memchr(attr, 'p', cnt) != NULL)
		*flags |= METAINFO_FILE_PAD;
	if (memchr(attr, 'x', cnt) != NULL)
		*flags |= METAINFO_FILE_EXEC;
	if (memchr(attr, 'h', cnt) != NULL)
		*flags |= METAINFO_FILE_HIDDEN;
	*symlink = memchr(attr, 'l', cnt) != NULL;
	return 0;
}

int
metainfo_file_read(struct metainfo_parser *parser, uint32_t dict, const char *key,
		   struct metainfo_file *file, bool *symlink)
{
	uint32_t node = bencode_get(&parser->doc, dict, "length");
	int err;

	*file = (struct metainfo_file){ 0 };
	err = attr_read(parser, dict, key, &file->flags, symlink);
	if (err < 0)
		return err;
	if (*symlink && node == BENCODE_NONE) /* BEP 47: may be omitted */
		return 0;
	if (!bencode_is(&parser->doc, node, BENCODE_INT) || parser->doc.node[node].num < 0)
		return metainfo_refuse(parser, -EINVAL,
				       "%s.length is missing, negative or no integer", key);
	file->len = (uint64_t)parser->doc.node[node].num;
	if (*symlink && file->len > 0)
		return metainfo_refuse(parser, -EINVAL, "%s is a symlink with a length", key);
	return 0;
}

static int
files_grow(struct metainfo_files *files)
{
	uint32_t cap = files->cap ? files->cap * 2 : 16;
	struct metainfo_file *grown = realloc(files->file, cap * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	files->file = grown;
	files->cap = cap;
	return 0;
}

int
metainfo_files_add(struct metainfo_parser *parser, struct metainfo_files *files,
		   const struct metainfo_file *file, const struct metainfo_path *path,
		   uint32_t align)
{
	uint64_t off = files->end;
	struct metainfo_file *added;

	if (files->cnt >= METAINFO_FILES_MAX)
		return metainfo_refuse(parser, -EFBIG, "the torrent has more than %d files",
				       METAINFO_FILES_MAX);
	if (file->len > 0)
		off = (off + align - 1) / align * align;
	if (off > METAINFO_TOTAL_MAX || file->len > METAINFO_TOTAL_MAX - off)
		return metainfo_refuse(parser, -EFBIG, "the torrent has more than %llu bytes",
				       (unsigned long long)METAINFO_TOTAL_MAX);
	if (files->cnt == files->cap && files_grow(files) < 0)
		return metainfo_refuse(parser, -ENOMEM, "out of memory");
	added = &files->file[files->cnt++];
	*added = *file;
	added->off = off;
	files->end = off + file->len;
	return path ? metainfo_text_put(parser, path->bytes, path->len, &added->path) : 0;
}

/* One entry of "files". path holds the name, and is given back as it came. */
static int
entry_read(struct metainfo_parser *parser, struct metainfo_files *files, uint32_t entry,
	   struct metainfo_path *path)
{
	const struct bencode *doc = &parser->doc;
	uint32_t name_len = path->len, i, list, node;
	struct metainfo_file file;
	bool symlink;
	int err;

	if (!bencode_is(doc, entry, BENCODE_DICT))
		return metainfo_refuse(parser, -EINVAL, "info.files has what is no dictionary");
	err = metainfo_file_read(parser, entry, "info.files", &file, &symlink);
	if (err < 0)
		return err;
	if (symlink) {
		files->symlink_cnt++;
		return 0;
	}
	if (file.flags & METAINFO_FILE_PAD) /* BEP 47: its path may be missing */
		return metainfo_files_add(parser, files, &file, NULL, 1);
	list = bencode_get_type(doc, entry, "path", BENCODE_LIST);
	if (list == BENCODE_NONE || doc->node[list].cnt == 0)
		return metainfo_refuse(parser, -EINVAL,
				       "info.files.path is missing, empty or no list");
	for (i = 0, node = list + 1; i < doc->node[list].cnt; i++, node = doc->node[node].next) {
		err = metainfo_path_push(parser, path, node, "info.files.path");
		if (err < 0)
			return err;
	}
	err = metainfo_files_add(parser, files, &file, path, 1);
	path->len = name_len;
	return err;
}

static int
single_read(struct metainfo_parser *parser, struct metainfo_files *files,
	    const struct metainfo_path *path)
{
	struct metainfo_file file;
	bool symlink;
	int err;

	err = metainfo_file_read(parser, parser->info, "info", &file, &symlink);
	if (err < 0)
		return err;
	if (symlink || file.flags & METAINFO_FILE_PAD)
		return metainfo_refuse(parser, -EINVAL, "info.attr makes the only file no file");
	return metainfo_files_add(parser, files, &file, path, 1);
}

int
metainfo_files_v1(struct metainfo_parser *parser, struct metainfo_files *files)
{
	const struct bencode *doc = &parser->doc;
	uint32_t list = bencode_get(doc, parser->info, "files"), i, entry;
	struct metainfo_path path = { 0 };
	int err;

	err = metainfo_path_push(parser, &path, bencode_get(doc, parser->info, "name"),
				 "info.name");
	if (err < 0)
		return err;
	if (list == BENCODE_NONE)
		return single_read(parser, files, &path);
	if (bencode_get(doc, parser->info, "length") != BENCODE_NONE)
		return metainfo_refuse(parser, -EINVAL, "info has both length and files");
	if (doc->node[list].type != BENCODE_LIST)
		return metainfo_refuse(parser, -EINVAL, "info.files is no list");
	parser->meta->multi_file = true;
	for (i = 0, entry = list + 1; i < doc->node[list].cnt && err == 0; i++) {
		err = entry_read(parser, files, entry, &path);
		entry = doc->node[entry].next;
	}
	return err;
}

/* Orders paths with '/' before all else, so that a file stands just before what would be in it. */
static int
path_compare(const void *a, const void *b)
{
	const unsigned char *x = *(const unsigned char *const *)a;
	const unsigned char *y = *(const unsigned char *const *)b;

	for (; *x == *y && *x != '\0'; x++)
		y++;
	if (*x == *y)
		return 0;
	if (*x == '\0' || *y == '\0')
		return *x == '\0' ? -1 : 1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return *x < *y ? -1 : 1;
}

int
metainfo_files_clash(struct metainfo_parser *parser, const struct metainfo_files *files)
{
	const char **path = calloc((size_t)files->cnt + 1, sizeof(*path));
	uint32_t i, cnt = 0;
	int err = 0;

	if (path == NULL)
		return metainfo_refuse(parser, -ENOMEM, "out of memory");
	for (i = 0; i < files->cnt; i++)
		if (files->file[i].path != NULL)
			path[cnt++] = files->file[i].path;
	qsort(path, cnt, sizeof(*path), path_compare);
	for (i = 1; i < cnt && err == 0; i++) {
		size_t len = strlen(path[i - 1]);

		if (strncmp(path[i - 1], path[i], len) == 0 &&
		    (path[i][len] == '\0' || path[i][len] == '/'))
			err = metainfo_refuse(parser, -EINVAL, "path \"%.80s\" is used twice",
					      path[i - 1]);
	}
	free(path);
	return err;
}
