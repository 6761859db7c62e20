/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A store in memory. */
#include "tests/fuzz/store_double.h"

#include <stdlib.h>
#include <string.h>

struct double_content {
	struct torrent torrent;
	struct active active;
	struct abi_torrent_stat stat;
	struct abi_layout *layout; /* and the bitfield of what was offered behind it */
	bool first_active;
};

struct store {
	struct counters *ctr;
	struct buf_pool *bufs;
	uint8_t *memory;
	bool read_ready;
	uint32_t cnt;
	struct double_content content[DOUBLE_TORRENTS];
	struct store_req pending; /* list heads */
	struct store_req done;
};

static void
req_list_init(struct store_req *head)
{
	head->next = head;
	head->prev = head;
}

static void
req_list_add(struct store_req *head, struct store_req *req)
{
	req->next = head;
	req->prev = head->prev;
	head->prev->next = req;
	head->prev = req;
}

static void
req_list_take(struct store_req *req)
{
	req->prev->next = req->next;
	req->next->prev = req->prev;
}

static void
content_create(struct store *store, uint32_t index, const struct double_torrent *torrent)
{
	struct double_content *content = &store->content[index];
	uint32_t piece_cnt =
		(uint32_t)((torrent->total_len + torrent->piece_len - 1) / torrent->piece_len);
	uint32_t have_len = (piece_cnt + 7) / 8;
	struct abi_layout *layout = calloc(1, sizeof(*layout) + have_len);
	uint8_t *have = malloc(have_len), *metadata = malloc(torrent->metadata_len + 1);

	dp_assert(layout != NULL && have != NULL && metadata != NULL);
	layout->total_len = torrent->total_len;
	layout->piece_len = torrent->piece_len;
	layout->piece_cnt = piece_cnt;
	layout->metadata_len = torrent->metadata_len;
	layout->private_flag = torrent->private_flag;
	layout->have_off = sizeof(*layout);
	memset(have, 0xff, have_len);
	if (piece_cnt % 8 != 0)
		have[have_len - 1] = (uint8_t)(0xff << (8 - piece_cnt % 8));
	memcpy(layout + 1, have, have_len);
	for (uint32_t i = 0; i < torrent->metadata_len; i++)
		metadata[i] = (uint8_t)(i * 7 + i / 251);
	content->layout = layout;
	content->active = (struct active){ .layout = layout, .metadata = metadata, .have = have,
		                           .have_cnt = piece_cnt, .stat = &content->stat };
	memset(content->torrent.info_hash, 'A' + (int)index, 20);
	content->torrent.id = index + 1;
	content->first_active = torrent->active;
	store_double_set(store, index, torrent->active ? TORRENT_ACTIVE : TORRENT_COLD);
}

struct store *
store_double_create(struct counters *ctr, const struct double_torrent *torrents, uint32_t cnt,
                    uint32_t buf_cnt, bool read_ready)
{
	struct store *store = calloc(1, sizeof(*store));

	dp_assert(store != NULL && cnt <= DOUBLE_TORRENTS);
	store->ctr = ctr;
	store->cnt = cnt;
	store->read_ready = read_ready;
	store->memory = malloc((size_t)buf_cnt * DOUBLE_BUF_LEN + 1);
	dp_assert(store->memory != NULL);
	store->bufs = buf_pool_create(store->memory, DOUBLE_BUF_LEN, buf_cnt);
	dp_assert(store->bufs != NULL);
	req_list_init(&store->pending);
	req_list_init(&store->done);
	for (uint32_t i = 0; i < cnt; i++)
		content_create(store, i, &torrents[i]);
	return store;
}

void
store_double_destroy(struct store *store)
{
	dp_assert(store->pending.next == &store->pending && store->done.next == &store->done);
	for (uint32_t i = 0; i < store->cnt; i++) {
		dp_assert(store->content[i].torrent.peer_cnt == 0);
		free(store->content[i].layout);
		free(store->content[i].active.have);
		free((void *)(uintptr_t)store->content[i].active.metadata);
	}
	buf_pool_destroy(store->bufs);
	free(store->memory);
	free(store);
}

struct torrent *
store_double_torrent(struct store *store, uint32_t index)
{
	dp_assert(index < store->cnt);
	return &store->content[index].torrent;
}

void
store_double_set(struct store *store, uint32_t index, enum torrent_state state)
{
	struct double_content *content = &store->content[index];

	content->torrent.state = state;
	content->torrent.active = state == TORRENT_ACTIVE ? &content->active : NULL;
}

void
store_double_withdraw(struct store *store, uint32_t index, uint32_t piece)
{
	struct active *active = &store->content[index].active;

	if (!active_has(active, piece))
		return;
	active->have[piece / 8] &= (uint8_t)~(0x80 >> piece % 8);
	active->have_cnt--;
	active->withdrawn_cnt++;
}

void
store_double_lack(struct store *store, uint32_t index, uint32_t piece)
{
	struct active *active = &store->content[index].active;
	uint8_t *offered = (uint8_t *)(store->content[index].layout + 1);

	store_double_withdraw(store, index, piece);
	offered[piece / 8] = active->have[piece / 8];
	active->withdrawn_cnt = 0;
}

void
store_double_restore(struct store *store)
{
	for (uint32_t i = 0; i < store->cnt; i++) {
		struct double_content *content = &store->content[i];
		uint32_t have_len = (content->layout->piece_cnt + 7) / 8;

		dp_assert(content->torrent.peer_cnt == 0);
		memcpy(content->active.have, content->layout + 1, have_len);
		content->active.have_cnt = 0;
		for (uint32_t at = 0; at < have_len; at++)
			content->active.have_cnt +=
				(uint32_t)__builtin_popcount(content->active.have[at]);
		content->active.withdrawn_cnt = 0;
		store_double_set(store, i, content->first_active ? TORRENT_ACTIVE : TORRENT_COLD);
	}
	store->read_ready = false;
}

void
store_double_ready(struct store *store, bool read_ready)
{
	store->read_ready = read_ready;
}

uint32_t
store_double_finish(struct store *store, uint32_t cnt, bool newest_first)
{
	uint32_t ended_cnt = 0;

	while (ended_cnt < cnt && store->pending.next != &store->pending) {
		struct store_req *req = newest_first ? store->pending.prev : store->pending.next;

		req_list_take(req);
		req->status = STORE_READY;
		if (!active_has(req->torrent->active, req->piece)) {
			req->status = STORE_ABSENT;
			for (uint32_t i = 0; i < req->span_cnt; i++)
				span_release(&req->spans[i]);
			req->span_cnt = 0;
		}
		req_list_add(&store->done, req);
		ended_cnt++;
	}
	return ended_cnt;
}

/* ---- store.h, as far as wire calls it */

struct torrent *
store_find(struct store *store, const uint8_t info_hash[20])
{
	for (uint32_t i = 0; i < store->cnt; i++)
		if (memcmp(store->content[i].torrent.info_hash, info_hash, 20) == 0)
			return &store->content[i].torrent;
	return NULL;
}

void
store_join(struct store *store, struct torrent *torrent)
{
	(void)store;
	torrent->peer_cnt++;
	if (torrent->state == TORRENT_COLD)
		torrent->state = TORRENT_ASKED;
}

void
store_leave(struct store *store, struct torrent *torrent, uint64_t now_us)
{
	(void)store;
	dp_assert(torrent->peer_cnt > 0);
	torrent->peer_cnt--;
	torrent->used_us = now_us;
}

/* spans_fill cuts a block into spans of at most a third of it, and of a buffer. */
static void
spans_fill(struct store *store, struct store_req *req)
{
	uint32_t index = req->torrent->id - 1, left = req->len;
	uint64_t at = (uint64_t)req->piece * req->torrent->active->layout->piece_len + req->begin;

	req->span_cnt = 0;
	while (left > 0) {
		uint32_t n = MIN(MIN(left, req->len / 3 + 1), (uint32_t)DOUBLE_BUF_LEN);
		struct buf *buf = buf_get(store->bufs);

		dp_assert(buf != NULL && req->span_cnt < STORE_SPANS_MAX);
		for (uint32_t i = 0; i < n; i++)
			buf->data[i] = store_double_byte(index, at + i);
		req->spans[req->span_cnt++] =
			(struct span){ .buf = buf, .data = buf->data, .len = n };
		at += n;
		left -= n;
	}
}

enum store_status
store_read(struct store *store, struct store_req *req)
{
	const struct active *active = req->torrent->active;

	dp_assert(req->torrent->state == TORRENT_ACTIVE && req->piece < active->layout->piece_cnt);
	dp_assert(req->len > 0 && (uint64_t)req->begin + req->len <=
	                                  active_piece_len(active, req->piece));
	if (!active_has(active, req->piece))
		return req->status = STORE_ABSENT;
	if (store->bufs->free_cnt < 3)
		return req->status = STORE_BUSY;
	spans_fill(store, req);
	req->status = store->read_ready ? STORE_READY : STORE_PENDING;
	if (!store->read_ready)
		req_list_add(&store->pending, req);
	return req->status;
}

void
store_cancel(struct store *store, struct store_req *req)
{
	(void)store;
	req_list_take(req);
	for (uint32_t i = 0; i < req->span_cnt; i++)
		span_release(&req->spans[i]);
}

void
store_clock(struct store *store, uint64_t now_us)
{
	(void)store;
	(void)now_us;
}

uint32_t
store_reap(struct store *store, struct store_req **reqs, uint32_t max)
{
	uint32_t cnt = 0;

	while (cnt < max && store->done.next != &store->done) {
		reqs[cnt] = store->done.next;
		req_list_take(reqs[cnt++]);
	}
	return cnt;
}

uint32_t
store_free_buffers(const struct store *store)
{
	return store->bufs->free_cnt < 3 ? 0 : store->bufs->free_cnt;
}
