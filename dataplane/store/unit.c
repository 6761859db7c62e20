/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One read unit: its read, the check of its fingerprint, and those who wait for it. */
#include "dataplane/store/state.h"

#include "dataplane/base/hash.h"

#include <errno.h>

/* read_rest queues the read of what is missing, whole sectors as O_DIRECT wants it. */
static void
read_rest(struct store *store, struct unit *unit)
{
	uint32_t len = (unit->len - unit->done + STORE_ALIGN - 1) & ~(uint32_t)(STORE_ALIGN - 1);
	struct ring_read read = {
		.file = unit->place,
		.len = len,
		.off = unit->file_off + unit->done,
		.data = unit->buf->data + unit->done,
		.user = unit,
		.polled = unit->content->polled,
	};

	if (read.polled)
		count(store->ctr, CTR_disk_polled);
	dp_assert(unit->done % STORE_ALIGN == 0 && unit->done + len <= store->cache.pool->buf_len);
	ring_read(store->ring, &read);
	count(store->ctr, CTR_disk_reads);
	count_add(store->ctr, CTR_disk_bytes, len);
}

struct unit *
unit_read(struct store *store, struct content *content, const struct abi_extent *extent,
          uint32_t index)
{
	struct unit *unit = cache_take(&store->cache, content, index);
	uint64_t left;

	dp_assert(extent->file < content->active.layout->file_cnt);
	content->reading_cnt++;
	unit->extent = extent;
	unit->place = content->places[extent->file];
	unit->file_off = (uint64_t)(index - extent->unit_first) << content->unit_shift;
	dp_assert(unit->file_off < extent->len);
	left = extent->len - unit->file_off;
	unit->len = (uint32_t)MIN(left, content->active.layout->unit_len);
	unit->read_us = (uint32_t)store->now_us;
	read_rest(store, unit);
	return unit;
}

void
unit_wait(struct unit *unit, struct store_wait *wait)
{
	dp_assert(unit->state == UNIT_READING && wait->unit == NULL);
	wait->unit = unit;
	wait->next = NULL;
	wait->prev = unit->wait_last;
	if (unit->wait_last != NULL)
		unit->wait_last->next = wait;
	else
		unit->wait_first = wait;
	unit->wait_last = wait;
}

void
unit_unwait(struct store_wait *wait)
{
	struct unit *unit = wait->unit;

	if (wait->prev != NULL)
		wait->prev->next = wait->next;
	else
		unit->wait_first = wait->next;
	if (wait->next != NULL)
		wait->next->prev = wait->prev;
	else
		unit->wait_last = wait->prev;
	wait->unit = NULL;
}

/* unit_read_over notes that a unit's read has ended for good, well or not. */
static void
unit_read_over(struct unit *unit)
{
	dp_assert(unit->content->reading_cnt > 0);
	unit->content->reading_cnt--;
}

static COLD void
unit_fail(struct store *store, struct unit *unit, enum abi_reason reason, int sys_errno)
{
	static const enum counter reason_counter[ABI_REASON_CNT] = {
		[ABI_REASON_CHANGED] = CTR_integrity_changed,
		[ABI_REASON_SHORT] = CTR_disk_short,
		[ABI_REASON_IO] = CTR_disk_errors,
	};

	unit_read_over(unit);
	count(store->ctr, reason_counter[reason]);
	content_withdraw(store, unit, reason, sys_errno);
	while (unit->wait_first != NULL)
		store_request_absent(store, unit->wait_first->req);
	cache_drop(&store->cache, unit);
}

/* is_checked decides whether a read is checked. The lot makes it so that none who asks for blocks
 * can tell which, and no unit is spared for ever. What happened to a file while it was not active
 * needs no sample: control compares size, time and inode when it opens it. */
static bool
is_checked(struct store *store, const struct content *content)
{
	if (LIKELY(store->integrity == STORE_INTEGRITY_ALWAYS) || content->suspect)
		return true;
	if (store->integrity == STORE_INTEGRITY_OFF)
		return false;
	store->lot = store->lot * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return store->lot >> (64 - STORE_SAMPLE_SHIFT) == 0;
}

/* is_as_verified tells whether a unit's bytes are those that were verified, as far as is asked. */
static bool
is_as_verified(struct store *store, const struct unit *unit)
{
	if (!is_checked(store, unit->content)) {
		count(store->ctr, CTR_integrity_unchecked);
		return true;
	}
	count(store->ctr, CTR_integrity_checked);
	return hash_unit(unit->buf->data, unit->len) ==
	       unit->content->active.fingerprints[unit->index];
}

/* unit_complete checks a unit that was read whole, and lets those who wait have it. */
static void
unit_complete(struct store *store, struct unit *unit)
{
	struct buf *buf = unit->buf;

	if (UNLIKELY(!is_as_verified(store, unit))) {
		unit->content->suspect = true;
		unit_fail(store, unit, ABI_REASON_CHANGED, 0);
		return;
	}
	unit_read_over(unit);
	histogram_record(&store->ctr->histogram[HIST_disk_read],
	                 (uint32_t)store->now_us - unit->read_us);
	/* A request that goes on takes buffers: not this one, before all have been served. */
	buf_ref(buf);
	cache_ready(unit);
	while (unit->wait_first != NULL) {
		struct store_req *req = unit->wait_first->req;

		unit_unwait(unit->wait_first);
		request_unit_ready(store, req);
	}
	buf_put(buf);
}

static bool
is_transient(int32_t res)
{
	return res == -EINTR || res == -EAGAIN || res == -ENOMEM;
}

/* poll_refused tells whether a read failed only because it was polled; the torrent's are not, from
 * then on. Others of it may be in flight: content->polled does not tell how this one was read. */
static bool
poll_refused(struct store *store, struct unit *unit, int32_t res)
{
	if (LIKELY(res != -EOPNOTSUPP) || !ring_polls(store->ring))
		return false;
	if (unit->content->polled)
		count(store->ctr, CTR_disk_poll_refused);
	unit->content->polled = false;
	return true;
}

void
unit_ended(struct store *store, struct unit *unit, int32_t res)
{
	if (UNLIKELY(unit->state == UNIT_DETACHED)) {
		cache_drop(&store->cache, unit);
		return;
	}
	dp_assert(unit->state == UNIT_READING);
	if (UNLIKELY(res < 0)) {
		if ((is_transient(res) || poll_refused(store, unit, res)) &&
		    unit->retry_cnt++ < STORE_RETRIES_MAX)
			read_rest(store, unit);
		else
			unit_fail(store, unit, ABI_REASON_IO, -res);
		return;
	}
	unit->done += (uint32_t)res;
	if (LIKELY(unit->done >= unit->len))
		unit_complete(store, unit);
	else if (res > 0 && unit->done % STORE_ALIGN == 0)
		read_rest(store, unit);
	else
		unit_fail(store, unit, ABI_REASON_SHORT, 0); /* only a file's end is not aligned */
}

void
unit_abandon(struct store *store, struct unit *unit)
{
	while (unit->wait_first != NULL)
		store_request_absent(store, unit->wait_first->req);
	if (unit->state == UNIT_READING) {
		unit_read_over(unit);
		cache_detach(&store->cache, unit);
	} else {
		cache_drop(&store->cache, unit);
	}
}
