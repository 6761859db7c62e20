/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A torrent as the load generator sees it: the metainfo is read by control's parser. */
#include "perf/leech_torrent.h"

#include "perf/leech_perm.h"

#include "control/content/metainfo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
leech_torrent_load(struct leech_torrent *torrent, const char *path)
{
	struct metainfo_error err;
	struct metainfo *meta;

	if (metainfo_load(&meta, path, &err) != 0) {
		fprintf(stderr, "spillway-leech: %s\n", err.text);
		return -1;
	}
	if (!meta->has_v1) {
		fprintf(stderr, "spillway-leech: %s: v2 only, a v1 part is needed\n", path);
		metainfo_free(meta);
		return -1;
	}
	torrent->total_len = meta->total_len;
	torrent->piece_len = meta->piece_len;
	torrent->piece_cnt = meta->piece_cnt;
	torrent->piece_hashes = meta->pieces;
	torrent->name = meta->name;
	torrent->single_file = !meta->multi_file;
	torrent->metainfo = meta;
	memcpy(torrent->info_hash, meta->info_hash, sizeof(torrent->info_hash));
	return 0;
}

/* ---- a list of them */

static int
list_add(struct leech_torrent **torrents, uint32_t *cnt, const char *path)
{
	struct leech_torrent *more = *torrents;

	if ((*cnt & (*cnt - 1)) == 0) { /* full: it grows by doubling */
		more = realloc(*torrents, (*cnt == 0 ? 1 : 2 * *cnt) * sizeof(*more));
		if (more == NULL)
			return -1;
		*torrents = more;
	}
	if (leech_torrent_load(&more[*cnt], path) != 0)
		return -1;
	(*cnt)++;
	return 0;
}

static int
line_take(struct leech_torrent **torrents, uint32_t *cnt, const char *list_path, char *line)
{
	const char *slash = strrchr(list_path, '/');
	int folder_len = slash != NULL ? (int)(slash - list_path) + 1 : 0;
	char path[PATH_MAX];

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	if (line[0] == '/')
		return list_add(torrents, cnt, line);
	if (snprintf(path, sizeof(path), "%.*s%s", folder_len, list_path, line) >=
	    (int)sizeof(path)) {
		fprintf(stderr, "spillway-leech: %s: too long a path: %s\n", list_path, line);
		return -1;
	}
	return list_add(torrents, cnt, path);
}

int
leech_torrents_load(struct leech_torrent **torrents, uint32_t *cnt, const char *list_path)
{
	FILE *list = fopen(list_path, "re");
	char line[PATH_MAX];
	int err = 0;

	*torrents = NULL;
	*cnt = 0;
	if (list == NULL) {
		fprintf(stderr, "spillway-leech: %s: %s\n", list_path, strerror(errno));
		return -1;
	}
	while (err == 0 && fgets(line, sizeof(line), list) != NULL)
		err = line_take(torrents, cnt, list_path, line);
	fclose(list);
	if (err == 0 && *cnt == 0) {
		fprintf(stderr, "spillway-leech: %s: names no torrent\n", list_path);
		err = -1;
	}
	return err;
}

void
leech_torrents_unload(struct leech_torrent *torrents, uint32_t cnt)
{
	uint32_t i;

	for (i = 0; i < cnt; i++)
		leech_torrent_unload(&torrents[i]);
	free(torrents);
}

void
leech_torrent_unload(struct leech_torrent *torrent)
{
	metainfo_free(torrent->metainfo);
	torrent->metainfo = NULL;
}

uint32_t
leech_torrent_piece_len(const struct leech_torrent *torrent, uint32_t piece)
{
	uint64_t rest = torrent->total_len - (uint64_t)piece * torrent->piece_len;

	return rest < torrent->piece_len ? (uint32_t)rest : torrent->piece_len;
}

uint64_t
leech_mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static uint32_t
random_below(struct leech_cursor *cursor, uint32_t bound)
{
	cursor->random ^= cursor->random << 13;
	cursor->random ^= cursor->random >> 7;
	cursor->random ^= cursor->random << 17;
	return (uint32_t)(((cursor->random >> 32) * bound) >> 32);
}

/* piece_set puts the cursor at the piece of its step, which is in [0, piece_cnt). */
static void
piece_set(struct leech_cursor *cursor, const struct leech_torrent *torrent,
	  const struct leech_options *options)
{
	cursor->begin = 0;
	switch (options->order) {
	case LEECH_ORDER_SEQUENTIAL:
	case LEECH_ORDER_SAME:
		cursor->piece = cursor->step;
		break;
	case LEECH_ORDER_RANDOM:
		cursor->piece = random_below(cursor, torrent->piece_cnt);
		break;
	case LEECH_ORDER_RAREST:
		cursor->piece = leech_perm_rarest(torrent->piece_cnt, options->seed,
						  cursor->random, cursor->step);
		break;
	}
}

void
leech_cursor_init(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, const struct leech_place *place)
{
	cursor->step = 0;
	cursor->random = leech_mix64(leech_mix64(options->seed) + place->index) | 1;
	if (options->order == LEECH_ORDER_SEQUENTIAL)
		cursor->step = (uint32_t)((uint64_t)place->nth * torrent->piece_cnt / place->cnt);
	piece_set(cursor, torrent, options);
}

static bool
piece_is_had(const uint8_t *have, uint32_t piece)
{
	return have == NULL || (have[piece / 8] & (0x80u >> (piece % 8))) != 0;
}

static void
piece_next(struct leech_cursor *cursor, const struct leech_torrent *torrent,
	   const struct leech_options *options)
{
	cursor->step = cursor->step + 1 < torrent->piece_cnt ? cursor->step + 1 : 0;
	piece_set(cursor, torrent, options);
}

/* piece_seek goes on to a piece that the peer has; those drawn at random are sought upwards. */
static bool
piece_seek(struct leech_cursor *cursor, const struct leech_torrent *torrent,
	   const struct leech_options *options, const uint8_t *have)
{
	uint32_t tries;

	for (tries = 0; !piece_is_had(have, cursor->piece); tries++) {
		if (tries == torrent->piece_cnt)
			return false;
		if (options->order != LEECH_ORDER_RANDOM)
			piece_next(cursor, torrent, options);
		else
			cursor->piece = cursor->piece + 1 < torrent->piece_cnt
						? cursor->piece + 1 : 0;
	}
	return true;
}

bool
leech_cursor_next(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, const uint8_t *have,
		  struct leech_block *block)
{
	uint32_t piece_len;

	if (!piece_seek(cursor, torrent, options, have))
		return false;
	piece_len = leech_torrent_piece_len(torrent, cursor->piece);
	block->piece = cursor->piece;
	block->begin = cursor->begin;
	block->len = piece_len - cursor->begin;
	if (block->len > options->block_bytes)
		block->len = options->block_bytes;
	cursor->begin += block->len;
	if (cursor->begin == piece_len)
		piece_next(cursor, torrent, options);
	return true;
}
