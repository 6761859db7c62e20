/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the tests of the store have in common. */
#include "tests/unit/store_lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	SKIPPED = 77,
	TURN_US = 100,
	TURNS_MAX = 100 * 1000,
};

/* shop_kept returns the buffers that are for content to be sent again. */
static uint32_t
shop_kept(uint32_t buf_cnt)
{
	return buf_cnt >> STORE_AGAIN_SHIFT < STORE_BUFFERS_MIN ? 0 : buf_cnt >> STORE_AGAIN_SHIFT;
}

void
shop_open(struct shop *shop, uint32_t buf_cnt, uint32_t active_max)
{
	struct store_config config = {.torrents_max = 64, .active_max = active_max};

	shop_open_as(shop, buf_cnt, &config);
}

void
shop_open_as(struct shop *shop, uint32_t buf_cnt, const struct store_config *wanted)
{
	struct store_config config = *wanted;

	memset(shop, 0, sizeof(*shop));
	if (config.buffer_len == 0)
		config.buffer_len = ABI_BUFFER_MIN;
	config.arena_len = (uint64_t)buf_cnt * config.buffer_len;
	config.ctr = &shop->ctr;
	config.stats = shop->stats;
	shop->arena = aligned_alloc(STORE_ALIGN, config.arena_len);
	assert_non_null(shop->arena);
	config.arena = shop->arena;
	shop->store = store_create(&config);
	if (shop->store == NULL && (errno == EPERM || errno == ENOSYS)) {
		perror("store_create");
		exit(SKIPPED);
	}
	assert_non_null(shop->store);
	assert_int_equal(store_free_buffers(shop->store), buf_cnt - shop_kept(buf_cnt));
}

void
shop_close(struct shop *shop)
{
	shop_settle(shop);
	assert_int_equal(store_free_buffers(shop->store),
	                 shop_count(shop, CTR_arena_buffers) -
	                         shop_kept((uint32_t)shop_count(shop, CTR_arena_buffers)));
	store_destroy(shop->store);
	free(shop->arena);
}

uint64_t
shop_count(const struct shop *shop, enum counter which)
{
	return shop->ctr.value[which];
}

struct store_req
block_of(struct torrent *torrent, uint32_t piece, uint32_t begin, uint32_t len)
{
	struct store_req req;

	memset(&req, 0xa5, sizeof(req)); /* the asker owes the store no clean memory */
	req.torrent = torrent;
	req.piece = piece;
	req.begin = begin;
	req.len = len;
	req.again = false;
	return req;
}

uint32_t
shop_turn(struct shop *shop, struct store_req **reqs, uint32_t max)
{
	store_submit(shop->store);
	return store_reap(shop->store, reqs, max);
}

void
shop_reap(struct shop *shop, struct store_req **reqs, uint32_t cnt)
{
	uint32_t done = 0;

	for (int turn = 0; turn < TURNS_MAX; turn++) {
		done += shop_turn(shop, reqs + done, cnt - done);
		if (done == cnt)
			return;
		usleep(TURN_US);
	}
	fail_msg("only %u of %u requests came back", done, cnt);
}

void
shop_settle(struct shop *shop)
{
	struct store_req *over;

	for (int turn = 0; turn < TURNS_MAX && store_reading(shop->store) > 0; turn++) {
		assert_int_equal(shop_turn(shop, &over, 1), 0);
		usleep(TURN_US);
	}
	assert_int_equal(store_reading(shop->store), 0);
}

enum store_status
shop_get(struct shop *shop, struct store_req *req)
{
	enum store_status status = store_read(shop->store, req);
	struct store_req *over;

	assert_int_not_equal(status, STORE_BUSY);
	assert_int_equal(status, req->status);
	if (status != STORE_PENDING)
		return status;
	shop_reap(shop, &over, 1);
	assert_ptr_equal(over, req);
	return req->status;
}

bool
spans_equal(const struct store_req *req, const uint8_t *data)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < req->span_cnt; i++) {
		const struct span *span = &req->spans[i];

		if (span->len == 0 || span->len > req->len - done ||
		    memcmp(span->data, data + done, span->len) != 0)
			return false;
		done += span->len;
	}
	return done == req->len;
}

void
spans_drop(struct store_req *req)
{
	for (uint32_t i = 0; i < req->span_cnt; i++)
		span_release(&req->spans[i]);
}

void
shop_walk(struct shop *shop, const struct lab *lab, struct torrent *torrent, uint32_t block_len)
{
	for (uint32_t piece = 0; piece < lab->layout->piece_cnt; piece++) {
		uint32_t piece_len = active_piece_len(torrent->active, piece);
		const uint8_t *data = lab->content + (uint64_t)piece * lab->layout->piece_len;

		for (uint32_t at = 0; at < piece_len; at += block_len) {
			struct store_req req =
			    block_of(torrent, piece, at, MIN(block_len, piece_len - at));

			assert_int_equal(shop_get(shop, &req), STORE_READY);
			assert_true(spans_equal(&req, data + at));
			spans_drop(&req);
		}
	}
}
