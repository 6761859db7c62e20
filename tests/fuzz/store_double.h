/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* store_double.h stands in for the store at link time: content in memory, reads that end when the
 * test says so. It keeps store.h's contract toward wire: references, BUSY, ABSENT, cancel.
 *
 * Content. Byte i of torrent t is double_byte(t, i). Spans are cut at odd places.
 * Memory. Blocks take buffers of a pool that the test sizes; store_double_destroy asserts that all
 * are back and that no peer is left.
 */
#ifndef SPILLWAY_TESTS_FUZZ_STORE_DOUBLE_H
#define SPILLWAY_TESTS_FUZZ_STORE_DOUBLE_H

#include "dataplane/store/store.h"

enum {
	DOUBLE_TORRENTS = 4,
	DOUBLE_BUF_LEN = 64 * 1024,
};

/* struct double_torrent says what a torrent is; its info_hash is 20 times 'A' + its index. */
struct double_torrent {
	uint32_t piece_len;
	uint64_t total_len;
	uint32_t metadata_len;
	bool private_flag;
	bool active; /* from the start */
};

/* store_double_create makes the store. read_ready: reads end at once. */
struct store *
store_double_create(struct counters *ctr, const struct double_torrent *torrents, uint32_t cnt,
                    uint32_t buf_cnt, bool read_ready);
void
store_double_destroy(struct store *store);

/* store_double_restore has every piece again that was there at first, and the first states. No peer
 * may be left. */
void
store_double_restore(struct store *store);

/* store_double_torrent returns a torrent by index. */
struct torrent *
store_double_torrent(struct store *store, uint32_t index);

/* store_double_set moves a torrent to ACTIVE, or to COLD; nothing else happens. */
void
store_double_set(struct store *store, uint32_t index, enum torrent_state state);

/* store_double_lack makes a piece one that was never had; store_double_withdraw takes it away. */
void
store_double_lack(struct store *store, uint32_t index, uint32_t piece);
void
store_double_withdraw(struct store *store, uint32_t index, uint32_t piece);

/* store_double_ready chooses whether later reads end at once. */
void
store_double_ready(struct store *store, bool read_ready);

/* store_double_finish ends up to cnt pending reads, oldest first or newest first. Reads of pieces
 * withdrawn meanwhile end ABSENT. Returns how many ended. */
uint32_t
store_double_finish(struct store *store, uint32_t cnt, bool newest_first);

/* store_double_byte is the content. */
static inline uint8_t
store_double_byte(uint32_t torrent, uint64_t at)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15u + torrent;

	return (uint8_t)(x >> 56 ^ x >> 24);
}

#endif
