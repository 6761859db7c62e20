/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The v2 half (BEP 52): "file tree" becomes a file list, and each file's "piece layers" entry is
 * hashed up to its "pieces root". */
#include "control/content/merkle.h"
#include "control/content/metainfo_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One entry of "piece layers", found by its root. */
struct layer {
	const uint8_t *root;
	uint32_t value; /* node */
	bool right;     /* hashes up to root */
};

struct layers {
	struct layer *layer;
	uint32_t cnt;
	uint8_t *scratch;   /* as long as the longest value */
	uint8_t pad[MERKLE_HASH_LEN];
};

static int
leaf_add(struct metainfo_parser *parser, struct metainfo_files *files, uint32_t dict,
	 const struct metainfo_path *path)
{
	const struct bencode *doc = &parser->doc;
	uint32_t root = bencode_get_type(doc, dict, "pieces root", BENCODE_STR);
	struct metainfo_file file;
	bool symlink;
	int err;

	err = metainfo_file_read(parser, dict, "info.\"file tree\"", &file, &symlink);
	if (err < 0)
		return err;
	if (file.flags & METAINFO_FILE_PAD)
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"file tree\" has the pad file \"%.80s\"", path->bytes);
	if (symlink) {
		files->symlink_cnt++;
		return 0;
	}
	if (file.len > 0) {
		if (root == BENCODE_NONE || doc->node[root].cnt != MERKLE_HASH_LEN)
			return metainfo_refuse(parser, -EINVAL,
					       "\"pieces root\" of \"%.80s\" is missing or not 32 "
					       "bytes", path->bytes);
		file.pieces_root = bencode_str(doc, root);
	}
	return metainfo_files_add(parser, files, &file, path, parser->meta->piece_len);
}

/* The nesting of doc, at most BENCODE_DEPTH_MAX, bounds the recursion. */
static int
tree_walk(struct metainfo_parser *parser, struct metainfo_files *files, uint32_t dict,
	  struct metainfo_path *path)
{
	const struct bencode *doc = &parser->doc;
	uint32_t i, key = dict + 1, path_len = path->len, leaf;
	int err = 0;

	if (!bencode_is(doc, dict, BENCODE_DICT) || doc->node[dict].unsorted)
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"file tree\" is missing, no dictionary or unsorted");
	for (i = 0; i < doc->node[dict].cnt && err == 0; i++) {
		err = metainfo_path_push(parser, path, key, "info.\"file tree\"");
		if (err < 0)
			return err;
		leaf = bencode_get(doc, key + 1, "");
		if (leaf == BENCODE_NONE)
			err = tree_walk(parser, files, key + 1, path);
		else if (doc->node[key + 1].cnt != 1 || doc->node[leaf].type != BENCODE_DICT)
			err = metainfo_refuse(parser, -EINVAL,
					      "info.\"file tree\" has \"%.80s\" as file and folder",
					      path->bytes);
		else
			err = leaf_add(parser, files, leaf, path);
		path->len = path_len;
		path->bytes[path_len] = '\0';
		key = doc->node[key + 1].next;
	}
	return err;
}

static int
root_compare(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;

	return memcmp(x->root, y->root, MERKLE_HASH_LEN);
}

static int
layers_open(struct metainfo_parser *parser, struct layers *layers)
{
	const struct bencode *doc = &parser->doc;
	uint32_t dict = bencode_get_type(doc, 0, "piece layers", BENCODE_DICT), i, key = dict + 1;
	uint32_t len_max = 0;
	int err = merkle_pad(parser->sha256, parser->meta->piece_len / MERKLE_BLOCK_LEN,
			     layers->pad);

	if (err < 0)
		return metainfo_refuse(parser, err, "hashing failed");
	if (dict == BENCODE_NONE)
		return 0;
	layers->layer = calloc((size_t)doc->node[dict].cnt + 1, sizeof(*layers->layer));
	if (layers->layer == NULL)
		return metainfo_refuse(parser, -ENOMEM, "out of memory");
	for (i = 0; i < doc->node[dict].cnt; i++, key = doc->node[key + 1].next) {
		if (doc->node[key].cnt != MERKLE_HASH_LEN ||
		    doc->node[key + 1].type != BENCODE_STR)
			return metainfo_refuse(parser, -EINVAL,
					       "\"piece layers\" has an entry that is no layer");
		layers->layer[layers->cnt++] =
			(struct layer){ .root = bencode_str(doc, key), .value = key + 1 };
		if (doc->node[key + 1].cnt > len_max)
			len_max = doc->node[key + 1].cnt;
	}
	qsort(layers->layer, layers->cnt, sizeof(*layers->layer), root_compare);
	layers->scratch = malloc((size_t)len_max + 1);
	if (layers->scratch == NULL)
		return metainfo_refuse(parser, -ENOMEM, "out of memory");
	return 0;
}

/* Holds one file against its layer and gives it to it. Equal files share a layer, which is hashed
 * once. */
static int
layer_check(struct metainfo_parser *parser, struct layers *layers, struct metainfo_file *file)
{
	const struct layer want = { .root = file->pieces_root };
	uint64_t cnt = (file->len + parser->meta->piece_len - 1) / parser->meta->piece_len;
	uint8_t root[MERKLE_HASH_LEN];
	struct layer *layer = NULL;
	int err;

	if (layers->cnt > 0)
		layer = bsearch(&want, layers->layer, layers->cnt, sizeof(want), root_compare);
	if (layer == NULL)
		return metainfo_refuse(parser, -EINVAL, "\"piece layers\" lacks \"%.80s\"",
				       file->path);
	if (parser->doc.node[layer->value].cnt != cnt * MERKLE_HASH_LEN)
		return metainfo_refuse(parser, -EINVAL,
				       "\"piece layers\" of \"%.80s\" has a wrong length",
				       file->path);
	file->piece_layer = bencode_str(&parser->doc, layer->value);
	if (layer->right)
		return 0;
	memcpy(layers->scratch, file->piece_layer, cnt * MERKLE_HASH_LEN);
	err = merkle_root(parser->sha256, layers->scratch, (uint32_t)cnt, layers->pad, root);
	if (err < 0)
		return metainfo_refuse(parser, err, "hashing failed");
	if (memcmp(root, file->pieces_root, sizeof(root)) != 0)
		return metainfo_refuse(parser, -EINVAL,
				       "\"piece layers\" of \"%.80s\" does not match its root",
				       file->path);
	layer->right = true;
	return 0;
}

static int
layers_check(struct metainfo_parser *parser, struct metainfo_files *files)
{
	struct layers layers = { 0 };
	uint32_t i;
	int err;

	err = layers_open(parser, &layers);
	for (i = 0; i < files->cnt && err == 0; i++)
		if (files->file[i].len > parser->meta->piece_len)
			err = layer_check(parser, &layers, &files->file[i]);
	free(layers.layer);
	free(layers.scratch);
	return err;
}

/* BEP 52: a tree of one file that bears the torrent's name is a single-file torrent. */
static bool
tree_is_single(const struct metainfo_parser *parser, uint32_t tree)
{
	const struct bencode *doc = &parser->doc;

	return bencode_is(doc, tree, BENCODE_DICT) && doc->node[tree].cnt == 1 &&
	       bencode_str_is(doc, tree + 1, parser->meta->name) &&
	       bencode_get(doc, tree + 2, "") != BENCODE_NONE;
}

int
metainfo_files_v2(struct metainfo_parser *parser, struct metainfo_files *files)
{
	const struct bencode *doc = &parser->doc;
	uint32_t tree = bencode_get(doc, parser->info, "file tree");
	struct metainfo_path path = { 0 };
	int err = 0;

	if (!parser->meta->has_v1)
		parser->meta->multi_file = !tree_is_single(parser, tree);
	if (parser->meta->multi_file)
		err = metainfo_path_push(parser, &path,
					 bencode_get(doc, parser->info, "name"), "info.name");
	if (err == 0)
		err = tree_walk(parser, files, tree, &path);
	if (err == 0)
		err = layers_check(parser, files);
	return err;
}
