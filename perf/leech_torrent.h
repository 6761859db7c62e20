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
	const uint8_t *piece_hashes; /* piece_cnt SHA-1 values of 20 bytes */
	uint8_t info_hash[20];
	void *metainfo;              /* owner of piece_hashes */
};

struct leech_block {
	uint32_t piece;
	uint32_t begin; /* bytes into the piece */
	uint32_t len;   /* bytes, > 0 */
};

/* struct leech_cursor says which block a connection asks for next. */
struct leech_cursor {
	uint32_t piece;
	uint32_t begin;
	uint64_t random; /* xorshift state, never 0 */
};

/* leech_torrent_load reads and checks a .torrent file.
 *
 * Returns 0 and fills torrent, to be given to leech_torrent_unload; or -1 after one clear line on
 * stderr (unreadable, refused by the parser, or without a v1 part). */
int
leech_torrent_load(struct leech_torrent *torrent, const char *path);

/* leech_torrent_unload frees what leech_torrent_load took. */
void
leech_torrent_unload(struct leech_torrent *torrent);

/* leech_torrent_piece_len gives the bytes of a piece; the last may be short.
 *
 * piece    in [0, piece_cnt). */
uint32_t
leech_torrent_piece_len(const struct leech_torrent *torrent, uint32_t piece);

/* leech_mix64 scatters a number over 64 bits, the same way each time (splitmix64). */
uint64_t
leech_mix64(uint64_t x);

/* leech_cursor_init puts a connection's cursor at its first piece, by the order asked for.
 *
 * index    the connection's, in [0, options->connection_cnt). */
void
leech_cursor_init(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, uint32_t index);

/* leech_cursor_next gives the next block and moves the cursor past it.
 *
 * have     the peer's bitfield (BEP 3 bit order, piece_cnt bits), or NULL: it has every piece.
 * Returns false when the peer has no piece at all. */
bool
leech_cursor_next(struct leech_cursor *cursor, const struct leech_torrent *torrent,
		  const struct leech_options *options, const uint8_t *have,
		  struct leech_block *block);

#endif
