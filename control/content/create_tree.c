/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The walk: names of each folder are sorted by bytes, which is also the order of the v2 file tree
 * (BEP 52). What is neither a regular file nor a folder refuses the whole. */
#include "control/content/create_parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
	struct create_tree *tree;
	struct metainfo_error *err;
	uint32_t depth;
	size_t root_len;
	char path[METAINFO_PATH_MAX * 2 + 2]; /* root, '/', path below it */
};

/* The names of one folder. */
struct names {
	char **name;
	uint32_t cnt;
	uint32_t cap;
};

static int
walk_refuse(struct walk *walk, int code, const char *why)
{
	return metainfo_error_set(walk->err, code, "%.120s: %s", walk->path, why);
}

static void
names_free(struct names *names)
{
	while (names->cnt > 0)
		free(names->name[--names->cnt]);
	free(names->name);
}

static int
names_add(struct names *names, const char *name)
{
	uint32_t cap = names->cap ? names->cap * 2 : 32;
	char **grown;

	if (names->cnt == names->cap) {
		grown = realloc(names->name, cap * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		names->name = grown;
		names->cap = cap;
	}
	names->name[names->cnt] = strdup(name);
	if (names->name[names->cnt] == NULL)
		return -ENOMEM;
	names->cnt++;
	return 0;
}

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
names_read(struct walk *walk, struct names *names)
{
	DIR *dir = opendir(walk->path);
	struct dirent *entry;
	int code = 0;

	if (dir == NULL)
		return walk_refuse(walk, -errno, strerror(errno));
	while (code == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL) {
			code = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		code = names->cnt < METAINFO_FILES_MAX ? names_add(names, entry->d_name) : -EFBIG;
	}
	closedir(dir);
	if (code == -EFBIG)
		return walk_refuse(walk, code, "too many files for one torrent");
	if (code < 0)
		return walk_refuse(walk, code, strerror(-code));
	if (names->cnt > 0)
		qsort(names->name, names->cnt, sizeof(*names->name), name_compare);
	return 0;
}

static int
file_add(struct walk *walk, uint64_t len)
{
	struct create_tree *tree = walk->tree;
	uint32_t cap = tree->file_cap ? tree->file_cap * 2 : 32;
	const char *below = walk->path + walk->root_len;
	struct create_file *grown;

	if (tree->file_cnt == METAINFO_FILES_MAX)
		return walk_refuse(walk, -EFBIG, "too many files for one torrent");
	if (len > METAINFO_TOTAL_MAX - tree->content_len)
		return walk_refuse(walk, -EFBIG, "too many bytes for one torrent");
	if (tree->file_cnt == tree->file_cap) {
		grown = realloc(tree->file, cap * sizeof(*grown));
		if (grown == NULL)
			return walk_refuse(walk, -ENOMEM, "out of memory");
		tree->file = grown;
		tree->file_cap = cap;
	}
	tree->file[tree->file_cnt] = (struct create_file){
		.path = strdup(*below == '/' ? below + 1 : below),
		.len = len,
	};
	if (tree->file[tree->file_cnt].path == NULL)
		return walk_refuse(walk, -ENOMEM, "out of memory");
	tree->file_cnt++;
	tree->content_len += len;
	return 0;
}

static int
entry_walk(struct walk *walk);

/* CREATE_DEPTH_MAX bounds the recursion. */
static int
folder_walk(struct walk *walk)
{
	struct names names = { 0 };
	size_t len = strlen(walk->path), name_len;
	uint32_t i;
	int code;

	if (walk->depth == CREATE_DEPTH_MAX)
		return walk_refuse(walk, -EINVAL, "folders are nested too deep");
	walk->depth++;
	code = names_read(walk, &names);
	for (i = 0; i < names.cnt && code == 0; i++) {
		name_len = strlen(names.name[i]);
		if (len - walk->root_len + name_len + 1 > METAINFO_PATH_MAX - METAINFO_NAME_MAX ||
		    len + name_len + 2 > sizeof(walk->path)) {
			code = walk_refuse(walk, -EINVAL, "holds a path that is too long");
			break;
		}
		walk->path[len] = '/';
		memcpy(walk->path + len + 1, names.name[i], name_len + 1);
		code = entry_walk(walk);
		walk->path[len] = '\0';
	}
	walk->depth--;
	names_free(&names);
	return code;
}

static int
entry_walk(struct walk *walk)
{
	struct stat st;

	if (lstat(walk->path, &st) < 0)
		return walk_refuse(walk, -errno, strerror(errno));
	if (S_ISREG(st.st_mode))
		return file_add(walk, (uint64_t)st.st_size);
	if (S_ISDIR(st.st_mode))
		return folder_walk(walk);
	if (S_ISLNK(st.st_mode))
		return walk_refuse(walk, -EINVAL, "is a symlink, which a torrent cannot hold");
	return walk_refuse(walk, -EINVAL, "is neither a file nor a folder");
}

int
create_tree_walk(struct create_tree *tree, const char *root, struct metainfo_error *err)
{
	struct walk walk = { .tree = tree, .err = err, .root_len = strlen(root) };
	int code;

	while (walk.root_len > 1 && root[walk.root_len - 1] == '/')
		walk.root_len--;
	if (walk.root_len > METAINFO_PATH_MAX)
		return metainfo_error_set(err, -EINVAL, "%.120s...: path is too long", root);
	memcpy(walk.path, root, walk.root_len);
	tree->root = root;
	code = entry_walk(&walk);
	if (code < 0)
		return code;
	tree->folder = !(tree->file_cnt == 1 && tree->file[0].path[0] == '\0');
	if (tree->content_len == 0)
		return walk_refuse(&walk, -EINVAL, "holds no bytes to seed");
	return 0;
}

void
create_tree_free(struct create_tree *tree)
{
	uint32_t i;

	for (i = 0; i < tree->file_cnt; i++) {
		free(tree->file[i].path);
		free(tree->file[i].layer);
	}
	free(tree->file);
	free(tree->pieces);
	*tree = (struct create_tree){ 0 };
}
