/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_torrent.h: what the load generator needs to know of a torrent, and in which order a
 * connection walks it.
 *
 * Single thread. A cursor belongs to one connection; the torrent is constant and outlives it.
 */
#ifndef SPILLWAY_PERF_LEECH_TORRENT_H
#define SPILLWAY_PERF_LEECH_TORRENT_H

#include "perf/leech_options.h"

#include <stdbool.h>
#include <stdint.h>

struct leech_torrent {
	uint64_t total_len;
	uint32_t piece_len;
	uint32_t piece_cnt;
	const uint8_t *piece_hashes; /* piece_cnt SHA-1 values of 20 bytes; NULL: none known */
	uint8_t info_hash[20];
	const char *name;
	bool single_file;
	void *metainfo;              /* owner of piece_hashes and name; NULL: none */
};

struct leech_block {
	uint32_t piece;
	uint32_t begin; /* bytes into the piece */
	uint32_t len;   /* bytes, > 0 */
};

/* struct leech_place is a connection's among all, and among those that have the same torrent. */
struct leech_place {
	uint32_t index;
	uint32_t nth;   /* in [0, cnt) */
	uint32_t cnt;
};

/* struct leech_cursor says which block a connection asks for next. */
struct leech_cursor {
	uint32_t piece;
	uint32_t begin;
	uint32_t step;   /* pieces begun in this round over the torrent */
	uint64_t random; /* xorshift state, never 0 */
};

/* leech_torrent_load reads and checks a .torrent file.
 *
 * Returns 0 and fills torrent, to be given to leech_torrent_unload; or -1 after one clear line on
 * stderr (unreadable, refused by the parser, or without a v1 part). */
int
leech_torrent_load(struct leech_torrent *torrent, const char *path);

/* leech_torrents_load reads every torrent that is named in a list: a path on each line, beside the
 * list when it does not begin with '/'; empty lines and those that begin with '#' are skipped.
 *
 * torrents  out: cnt of them, > 0, from malloc; to be given to leech_torrents_unload in any case.
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_torrents_load(struct leech_torrent **torrents, uint32_t *cnt, const char *list_path);

/* leech_torrents_unload frees what leech_torrents_load took. */
void
leech_torrents_unload(struct leech_torrent *torrents, uint32_t cnt);

/* leech_torrent_unload frees what leech_torrent_load took. */
void
leech_torrent_unload(struct leech_torrent *torrent);

/* leech_torrent_piece_len gives the bytes of a piece; the last may be short.
 *
 * piece    in [0, piece_cnt). */
uint32_t
leech_torrent_piece_len(const struct leech_torrent *torrent, uint32_t piece);

/* leech_mix64 scatters a number over 64 bits, the same way each time. */
uint64_t
leech_mix64(uint64_t x);

/* leech_cursor_init puts a connection's cursor at its first piece, by the order asked for.
 *
 * Two connections of the same seed and place walk alike. */
void
leech_cursor_init(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, const struct leech_place *place);

/* leech_cursor_next gives the next block and moves the cursor past it.
 *
 * have     the peer's bitfield (BEP 3 bit order, piece_cnt bits), or NULL: it has every piece.
 * Returns false when the peer has no piece at all. */
bool
leech_cursor_next(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, const uint8_t *have,
		  struct leech_block *block);

#endif
