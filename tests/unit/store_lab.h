/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* store_lab.h is a store with an arena, counters and stats of its own, and short ways to ask it for
 * blocks and to wait for them.
 *
 * Lifecycle. shop_open; then the store's functions; shop_close, which checks that every buffer is
 * back. A system without io_uring (EPERM, ENOSYS) ends the program with 77: skipped.
 */
#ifndef SPILLWAY_TESTS_UNIT_STORE_LAB_H
#define SPILLWAY_TESTS_UNIT_STORE_LAB_H

#include "tests/unit/layout_lab.h"

enum { SHOP_ACTIVE_MAX = 4 };

struct shop {
	struct store *store;
	void *arena;
	struct counters ctr;
	struct abi_torrent_stat stats[SHOP_ACTIVE_MAX];
};

/* shop_open makes a store with an arena of that many buffers. active_max: [1, SHOP_ACTIVE_MAX]. */
void
shop_open(struct shop *shop, uint32_t buf_cnt, uint32_t active_max);

/* shop_open_as is shop_open with the rest of the store's configuration as the test wants it: it
 * fills in arena, counters and stats, and the shortest buffers if there is no length. */
void
shop_open_as(struct shop *shop, uint32_t buf_cnt, const struct store_config *wanted);

void
shop_close(struct shop *shop);

/* shop_count returns a counter. */
uint64_t
shop_count(const struct shop *shop, enum counter which);

/* block_of makes a request. */
struct store_req
block_of(struct torrent *torrent, uint32_t piece, uint32_t begin, uint32_t len);

/* shop_turn submits and reaps, as a worker does once a turn. */
uint32_t
shop_turn(struct shop *shop, struct store_req **reqs, uint32_t max);

/* shop_reap takes turns until cnt requests are over. Asserts that it does not take seconds. */
void
shop_reap(struct shop *shop, struct store_req **reqs, uint32_t cnt);

/* shop_settle takes turns until nothing is being read. Asserts that no request ends meanwhile. */
void
shop_settle(struct shop *shop);

/* shop_get asks for one block and waits for it. Asserts that it is taken. Returns its status. */
enum store_status
shop_get(struct shop *shop, struct store_req *req);

/* spans_equal tells whether the request's spans are these bytes. */
bool
spans_equal(const struct store_req *req, const uint8_t *data);

/* spans_drop releases them. */
void
spans_drop(struct store_req *req);

/* shop_walk reads a whole torrent, block after block, and asserts each one's bytes. */
void
shop_walk(struct shop *shop, const struct lab *lab, struct torrent *torrent, uint32_t block_len);

#endif
