/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A torrent as the load generator sees it: the metainfo is read by control's parser. */
#include "perf/leech_torrent.h"

#include "control/metainfo.h"

#include <stdio.h>
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
	torrent->metainfo = meta;
	memcpy(torrent->info_hash, meta->info_hash, sizeof(torrent->info_hash));
	return 0;
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

void
leech_cursor_init(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, uint32_t index)
{
	cursor->begin = 0;
	cursor->piece = 0;
	cursor->random = leech_mix64(leech_mix64(options->seed) + index) | 1;
	if (options->order == LEECH_ORDER_SEQUENTIAL)
		cursor->piece = (uint32_t)((uint64_t)index * torrent->piece_cnt /
					   options->connection_cnt);
	if (options->order == LEECH_ORDER_RANDOM)
		cursor->piece = random_below(cursor, torrent->piece_cnt);
}

static bool
piece_is_had(const uint8_t *have, uint32_t piece)
{
	return have == NULL || (have[piece / 8] & (0x80u >> (piece % 8))) != 0;
}

static void
cursor_piece_step(struct leech_cursor *cursor, const struct leech_torrent *torrent)
{
	cursor->begin = 0;
	cursor->piece = cursor->piece + 1 < torrent->piece_cnt ? cursor->piece + 1 : 0;
}

static void
cursor_piece_next(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options)
{
	cursor_piece_step(cursor, torrent);
	if (options->order == LEECH_ORDER_RANDOM)
		cursor->piece = random_below(cursor, torrent->piece_cnt);
}

bool
leech_cursor_next(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, const uint8_t *have,
		  struct leech_block *block)
{
	uint32_t piece_len, tries;

	for (tries = 0; !piece_is_had(have, cursor->piece); tries++) {
		if (tries == torrent->piece_cnt)
			return false;
		cursor_piece_step(cursor, torrent);
	}
	piece_len = leech_torrent_piece_len(torrent, cursor->piece);
	block->piece = cursor->piece;
	block->begin = cursor->begin;
	block->len = piece_len - cursor->begin;
	if (block->len > options->block_bytes)
		block->len = options->block_bytes;
	cursor->begin += block->len;
	if (cursor->begin == piece_len)
		cursor_piece_next(cursor, torrent, options);
	return true;
}
