/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Requests for blocks, from store_read to store_reap. A block of a few units waits for all of them
 * at once and is handed out as spans over their buffers. Any other is gathered: a window of units
 * at a time is awaited, copied into the request's own buffers, and let go.
 *
 * Who waits for whom. A window's buffers are taken all at once, and a stalled request holds none
 * but those that it gathers into, which are at most half of all: the others come back as reads and
 * peers end, and stalled requests have them before new ones. New requests of a torrent may have as
 * many reads in flight as there is room for more, if others are active: one on a slow disk comes to
 * half of all, two to a third each, and whoever reads from a fast one goes on. */
#include "dataplane/store/block.h"

#include <string.h>

enum { GATHER_MAX = (WIRE_REQUEST_LEN_MAX + ABI_BUFFER_MIN - 1) / ABI_BUFFER_MIN };

static_assert((int)GATHER_MAX <= (int)STORE_SPANS_MAX, "a gathered block has spans enough");
static_assert((int)STORE_BUFFERS_MIN / 2 >= (int)GATHER_MAX, "the longest block can be gathered");
static_assert((int)STORE_BUFFERS_MIN - (int)GATHER_MAX >= (int)STORE_SPANS_MAX,
              "with a window beside it");

/* What the spans of pads show. Written by nobody. */
static uint8_t zeros[WIRE_REQUEST_LEN_MAX];

/* ---- lists */

static void
list_push(struct req_list *list, struct store_req *req)
{
	req->next = NULL;
	req->prev = list->last;
	if (list->last != NULL)
		list->last->next = req;
	else
		list->first = req;
	list->last = req;
	list->cnt++;
}

static void
list_remove(struct req_list *list, struct store_req *req)
{
	if (req->prev != NULL)
		req->prev->next = req->next;
	else
		list->first = req->next;
	if (req->next != NULL)
		req->next->prev = req->prev;
	else
		list->last = req->prev;
	list->cnt--;
}

/* ---- windows: the units that a request waits for together */

struct window {
	struct block_part parts[STORE_SPANS_MAX];
	struct unit *units[STORE_SPANS_MAX]; /* in the cache, else NULL; READY ones referenced */
	uint32_t cnt;
	uint32_t misses;
};

static bool
is_pad(const struct block_part *part)
{
	return part->extent->file == ABI_FILE_PAD;
}

/* kept_again returns the buffers for what is to be sent again: enough for whole blocks, or none. */
static uint32_t
kept_again(const struct store *store)
{
	uint32_t cnt = store->cache.pool->cnt >> STORE_AGAIN_SHIFT;

	return cnt < STORE_BUFFERS_MIN ? 0 : cnt;
}

/* spare returns the buffers that a request must leave alone. */
static uint32_t
spare(const struct store *store, const struct store_req *req)
{
	return req->again ? 0 : kept_again(store);
}

/* reads_possible returns how many units can be read now, beside extra buffers. */
static uint32_t
reads_possible(const struct store *store, uint32_t extra)
{
	uint32_t available = cache_available(&store->cache);

	if (available <= extra)
		return 0;
	return MIN(available - extra, ring_room(store->ring));
}

/* has_share tells whether a new request of a torrent, which is not the only one, may read as many
 * units more. The first is always allowed, and what is read again. */
static bool
has_share(const struct store *store, const struct content *content, const struct store_req *req,
          uint32_t unit_cnt)
{
	uint32_t room = MIN(cache_available(&store->cache), ring_room(store->ring));

	return LIKELY(content->reading_cnt + unit_cnt <= room) || content->reading_cnt == 0 ||
	       store->active_cnt == 1 || req->again;
}

/* window_pin looks the parts' units up and holds on to those that are READY. It stops, with cnt
 * cut, where the buffers (extra of which are wanted for something else) or the ring end. */
static void
window_pin(struct store *store, struct content *content, struct window *window, uint32_t extra)
{
	window->misses = 0;
	for (uint32_t i = 0; i < window->cnt; i++) {
		const struct block_part *part = &window->parts[i];
		struct unit *unit = NULL;
		bool miss = false;

		if (!is_pad(part)) {
			unit = cache_find(&store->cache, content, part->unit);
			miss = unit == NULL;
		}
		if (unit != NULL && unit->state == UNIT_READY)
			buf_ref(unit->buf);
		window->units[i] = unit;
		window->misses += miss;
		if (UNLIKELY(window->misses > 0 && reads_possible(store, extra) < window->misses)) {
			window->misses -= miss;
			if (unit != NULL && unit->state == UNIT_READY)
				buf_put(unit->buf);
			window->cnt = i;
		}
	}
}

static COLD void
window_unpin(struct window *window)
{
	for (uint32_t i = 0; i < window->cnt; i++)
		if (window->units[i] != NULL && window->units[i]->state == UNIT_READY)
			buf_put(window->units[i]->buf);
}

/* unit_for returns a part's unit with a reference for the request, reading it if need be. */
static struct unit *
unit_for(struct store *store, struct content *content, const struct block_part *part,
         struct unit *unit)
{
	if (unit == NULL) {
		unit = unit_read(store, content, part->extent, part->unit);
		count(store->ctr, CTR_cache_misses);
		buf_ref(unit->buf);
	} else if (unit->state == UNIT_READING) {
		count(store->ctr, CTR_cache_shared);
		buf_ref(unit->buf);
	} else {
		count(store->ctr, CTR_cache_hits);
	}
	cache_use(&store->cache, unit, part->begin, part->begin + part->len);
	return unit;
}

/* window_start makes the window the request's spans, and waits for what is not READY. */
static void
window_start(struct store *store, struct content *content, struct store_req *req,
             struct window *window)
{
	req->span_cnt = window->cnt;
	for (uint32_t i = 0; i < window->cnt; i++) {
		const struct block_part *part = &window->parts[i];
		struct unit *unit;

		req->wait[i].req = req;
		req->wait[i].unit = NULL;
		if (is_pad(part)) { /* BEP 47 */
			req->spans[i] = (struct span){NULL, zeros, part->len};
			continue;
		}
		unit = unit_for(store, content, part, window->units[i]);
		req->spans[i] = (struct span){unit->buf, unit->buf->data + part->begin, part->len};
		if (unit->state == UNIT_READY)
			continue;
		unit_wait(unit, &req->wait[i]);
		req->waiting_cnt++;
	}
}

/* ---- the end of requests */

static void
release_spans(struct store_req *req)
{
	for (uint32_t i = 0; i < req->span_cnt; i++)
		span_release(&req->spans[i]);
	req->span_cnt = 0;
}

static void
release_gather(struct store *store, struct store_req *req)
{
	while (req->gather != NULL) {
		struct buf *buf = req->gather;

		req->gather = buf->next;
		buf_put(buf);
		store->gather_cnt--;
	}
}

/* leave_place takes a request out of whatever it waits in. */
static void
leave_place(struct store *store, struct store_req *req)
{
	if (req->place == REQ_READY || req->place == REQ_ABSENT)
		list_remove(&store->over, req);
	else if (req->place == REQ_STALLED)
		list_remove(&store->stalled, req);
	for (uint32_t i = 0; req->waiting_cnt > 0; i++) {
		dp_assert(i < req->span_cnt);
		if (req->wait[i].unit == NULL)
			continue;
		unit_unwait(&req->wait[i]);
		req->waiting_cnt--;
	}
	req->place = REQ_NOWHERE;
}

static void
request_drop(struct store *store, struct store_req *req)
{
	leave_place(store, req);
	release_spans(req);
	release_gather(store, req);
}

void
store_cancel(struct store *store, struct store_req *req)
{
	dp_assert(req->status == STORE_PENDING && req->place != REQ_NOWHERE);
	request_drop(store, req);
}

void
store_request_absent(struct store *store, struct store_req *req)
{
	request_drop(store, req);
	req->place = REQ_ABSENT;
	list_push(&store->over, req);
}

/* request_ready ends a request whose spans hold the block, unless its piece was withdrawn. */
static void
request_ready(struct store *store, struct store_req *req)
{
	if (UNLIKELY(!active_has(req->torrent->active, req->piece))) {
		store_request_absent(store, req);
		return;
	}
	req->place = REQ_READY;
	list_push(&store->over, req);
}

void
store_requests_abandon(struct store *store, const struct torrent *torrent)
{
	struct store_req *req, *next;

	for (req = store->stalled.first; req != NULL; req = next) {
		next = req->next;
		if (req->torrent == torrent)
			store_request_absent(store, req);
	}
}

/* ---- gathering */

/* copy_window moves what the spans show to the end of what is gathered, and lets the units go. */
static void
copy_window(const struct store *store, struct store_req *req)
{
	uint32_t buf_len = store->cache.pool->buf_len;

	for (uint32_t i = 0; i < req->span_cnt; i++) {
		const uint8_t *from = req->spans[i].data;
		uint32_t left = req->spans[i].len;

		while (left > 0) {
			uint32_t at = req->done & (buf_len - 1);
			uint32_t len = MIN(left, buf_len - at);
			struct buf *buf = req->gather;

			if (req->done >= buf_len)
				buf = buf->next;
			memcpy(buf->data + at, from, len);
			req->done += len;
			from += len;
			left -= len;
		}
	}
	release_spans(req);
}

/* gather_finish makes the gathered buffers the request's spans. */
static void
gather_finish(struct store *store, struct store_req *req)
{
	uint32_t left = req->len;

	while (req->gather != NULL) {
		struct buf *buf = req->gather;
		uint32_t len = MIN(left, store->cache.pool->buf_len);

		req->gather = buf->next;
		buf->next = NULL;
		req->spans[req->span_cnt++] = (struct span){buf, buf->data, len};
		left -= len;
		store->gather_cnt--;
	}
	dp_assert(left == 0);
	request_ready(store, req);
}

/* block_off returns the block's place in the torrent. */
static uint64_t
block_off(const struct active *active, const struct store_req *req)
{
	return (uint64_t)req->piece * active->layout->piece_len + req->begin;
}

/* gather_on takes windows until it has to wait for one, or the block is complete. */
static void
gather_on(struct store *store, struct store_req *req)
{
	struct content *content = content_of(req->torrent->active);

	while (req->done < req->len) {
		uint64_t off = block_off(&content->active, req) + req->done;
		struct block_walk walk = block_open(content, off, req->len - req->done);
		struct window window;

		window.cnt = block_parts(&walk, window.parts, STORE_SPANS_MAX);
		window_pin(store, content, &window, 0);
		if (window.cnt == 0) {
			req->place = REQ_STALLED;
			list_push(&store->stalled, req);
			return;
		}
		req->place = REQ_WAITING;
		window_start(store, content, req, &window);
		if (req->waiting_cnt > 0)
			return;
		copy_window(store, req);
	}
	gather_finish(store, req);
}

void
request_unit_ready(struct store *store, struct store_req *req)
{
	dp_assert(req->waiting_cnt > 0 && req->place == REQ_WAITING);
	if (--req->waiting_cnt > 0)
		return;
	if (LIKELY(req->gather == NULL)) {
		request_ready(store, req);
		return;
	}
	copy_window(store, req);
	gather_on(store, req);
}

/* stalled_retry lets stalled requests go on, oldest first, as far as the buffers go. */
static void
stalled_retry(struct store *store)
{
	for (uint32_t i = store->stalled.cnt; i > 0 && reads_possible(store, 0) > 0; i--) {
		struct store_req *req = store->stalled.first;

		list_remove(&store->stalled, req);
		req->place = REQ_NOWHERE;
		gather_on(store, req);
	}
}

/* ---- asking */

/* is_gathered tells whether a block has more parts than spans, or pins more units than a block of
 * its length in one file would. */
static bool
is_gathered(const struct content *content, const struct block_walk *rest,
            const struct window *window, uint32_t len)
{
	uint32_t unit_cnt = 0;

	if (rest->left > 0)
		return true;
	for (uint32_t i = 0; i < window->cnt; i++)
		unit_cnt += !is_pad(&window->parts[i]);
	return unit_cnt > 2 + (len >> content->unit_shift);
}

/* refuse_busy counts why a request was not taken. */
static COLD enum store_status
refuse_busy(struct store *store, struct store_req *req)
{
	count(store->ctr, ring_room(store->ring) < STORE_SPANS_MAX ? CTR_disk_ring_full
	                                                           : CTR_arena_empty);
	return req->status = STORE_BUSY;
}

/* refuse_share is refuse_busy where only this torrent has to wait. */
static COLD enum store_status
refuse_share(struct store *store, struct store_req *req, struct window *window)
{
	window_unpin(window);
	count(store->ctr, CTR_disk_share_full);
	return req->status = STORE_SHARE;
}

/* read_gathered takes the request's own buffers together with the first window, or nothing. */
static enum store_status
read_gathered(struct store *store, struct content *content, struct store_req *req,
              struct window *window)
{
	uint32_t buf_cnt = ((req->len - 1) >> store->cache.buf_shift) + 1;
	uint32_t extra = buf_cnt + spare(store, req);

	window_pin(store, content, window, extra);
	if (UNLIKELY(window->misses > 0 && !has_share(store, content, req, window->misses)))
		return refuse_share(store, req, window);
	if (window->cnt == 0 || cache_available(&store->cache) < extra + window->misses ||
	    store->gather_cnt + buf_cnt > store->cache.pool->cnt / 2) {
		window_unpin(window);
		return refuse_busy(store, req);
	}
	for (uint32_t i = 0; i < buf_cnt; i++) {
		struct buf *buf = cache_buf_get(&store->cache);

		buf->next = req->gather;
		req->gather = buf;
	}
	store->gather_cnt += buf_cnt;
	req->place = REQ_WAITING;
	req->status = STORE_PENDING;
	window_start(store, content, req, window);
	if (req->waiting_cnt > 0)
		return STORE_PENDING;
	copy_window(store, req);
	gather_on(store, req);
	return STORE_PENDING;
}

static enum store_status
read_direct(struct store *store, struct content *content, struct store_req *req,
            struct window *window)
{
	uint32_t part_cnt = window->cnt;

	window_pin(store, content, window, spare(store, req));
	if (UNLIKELY(window->cnt < part_cnt)) {
		window_unpin(window);
		return refuse_busy(store, req);
	}
	if (UNLIKELY(window->misses > 0 && !has_share(store, content, req, window->misses)))
		return refuse_share(store, req, window);
	window_start(store, content, req, window);
	if (req->waiting_cnt == 0)
		return req->status = STORE_READY;
	req->place = REQ_WAITING;
	return req->status = STORE_PENDING;
}

enum store_status
store_read(struct store *store, struct store_req *req)
{
	struct active *active = req->torrent->active;
	struct block_walk walk;
	struct content *content;
	struct window window;

	req->span_cnt = 0;
	req->waiting_cnt = 0;
	req->done = 0;
	req->gather = NULL;
	req->place = REQ_NOWHERE;
	if (UNLIKELY(active == NULL || !active_has(active, req->piece)))
		return req->status = STORE_ABSENT;
	dp_assert(req->len > 0 && req->len <= WIRE_REQUEST_LEN_MAX);
	dp_assert((uint64_t)req->begin + req->len <= active_piece_len(active, req->piece));
	if (UNLIKELY(store->stalled.cnt > 0))
		return refuse_busy(store, req);
	content = content_of(active);
	walk = block_open(content, block_off(active, req), req->len);
	window.cnt = block_parts(&walk, window.parts, STORE_SPANS_MAX);
	if (UNLIKELY(is_gathered(content, &walk, &window, req->len)))
		return read_gathered(store, content, req, &window);
	return read_direct(store, content, req, &window);
}

/* ---- the turn */

void
store_submit(struct store *store)
{
	if (UNLIKELY(store->stalled.cnt > 0))
		stalled_retry(store);
	ring_submit(store->ring);
	gauge_set(store->ctr, CTR_disk_reading, ring_reading(store->ring));
	gauge_set(store->ctr, CTR_arena_free, cache_available(&store->cache));
}

void
store_clock(struct store *store, uint64_t now_us)
{
	store->now_us = MAX(store->now_us, now_us);
}

uint32_t
store_reap(struct store *store, struct store_req **reqs, uint32_t max)
{
	struct ring_end end;
	uint32_t cnt = 0;

	while (store->over.cnt < max && ring_take(store->ring, &end))
		unit_ended(store, end.user, end.res);
	for (; cnt < max && store->over.first != NULL; cnt++) {
		struct store_req *req = store->over.first;

		list_remove(&store->over, req);
		req->status = req->place == REQ_READY ? STORE_READY : STORE_ABSENT;
		req->place = REQ_NOWHERE;
		reqs[cnt] = req;
	}
	return cnt;
}

uint32_t
store_reading(const struct store *store)
{
	return ring_reading(store->ring);
}

uint32_t
store_free_buffers(const struct store *store)
{
	uint32_t available = cache_available(&store->cache);

	return available - MIN(available, kept_again(store));
}
