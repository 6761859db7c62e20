/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Activations: a layout, then descriptors, until a torrent can be read; what happens when its bytes
 * are not what was verified; and the way back to cold. */
#include "dataplane/store/state.h"

#include "dataplane/store/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDLE_ENDS_MAX = 4 }; /* torrents let go in one tick */

int
content_init(struct store *store, uint32_t active_max)
{
	uint32_t file_cnt = ring_file_cnt(store->ring);

	store->active_max = active_max;
	store->contents = calloc(active_max, sizeof(*store->contents));
	store->places.free = calloc(file_cnt, sizeof(*store->places.free));
	if (store->contents == NULL || store->places.free == NULL)
		return -ENOMEM;
	for (uint32_t i = active_max; i-- > 0;) {
		store->contents[i].slot = i;
		store->contents[i].next = store->contents_free;
		store->contents_free = &store->contents[i];
	}
	for (uint32_t i = file_cnt; i-- > 0;)
		store->places.free[store->places.free_cnt++] = i;
	return 0;
}

void
content_fini(struct store *store)
{
	for (uint32_t i = 0; store->contents != NULL && i < store->active_max; i++)
		if (store->contents[i].torrent != NULL)
			content_end(store, store->contents[i].torrent, false);
	free(store->contents);
	free(store->places.free);
}

/* ---- the way back */

/* clear_files empties the files' places in the ring, in runs of neighbours. */
static COLD void
clear_files(struct store *store, const struct content *content)
{
	int none[ABI_FDS_MAX];
	uint32_t run;

	memset(none, 0xff, sizeof(none));
	for (uint32_t i = 0; i < content->files_got; i += run) {
		const uint32_t *places = content->places + i;
		uint32_t max = MIN(ABI_FDS_MAX, content->files_got - i);

		for (run = 1; run < max && places[run] == places[0] + run; run++)
			;
		/* A place that cannot be cleared keeps its file until it is filled again. */
		(void)ring_files_set(store->ring, places[0], none, run);
	}
}

/* content_free gives back all that an activation holds, units and requests aside. */
static COLD void
content_free(struct store *store, struct content *content)
{
	const struct abi_layout *layout = content->active.layout;
	uint32_t slot = content->slot;

	clear_files(store, content);
	for (uint32_t i = layout->file_cnt; content->places != NULL && i-- > 0;)
		store->places.free[store->places.free_cnt++] = content->places[i];
	if (content->places != NULL)
		munmap(content->places, content->own_len);
	layout_unmap(layout, content->map_len);
	memset(content, 0, sizeof(*content));
	content->slot = slot;
	content->next = store->contents_free;
	store->contents_free = content;
}

static COLD void
tell_deactivated(struct store *store, const struct content *content)
{
	struct store_event event = {
		.type = STORE_EV_DEACTIVATED,
		.id = content->torrent->id,
		.deactivated = {
			.id = content->torrent->id,
			.slot = content->slot,
			.uploaded_bytes = content->active.stat->uploaded_bytes,
			.request_cnt = content->active.stat->request_cnt,
		},
	};

	(void)catalogue_event(store, &event);
}

void
content_end(struct store *store, struct torrent *torrent, bool tell)
{
	struct content *content = torrent->content;
	bool was_active = torrent->state == TORRENT_ACTIVE;

	dp_assert(content != NULL && content->torrent == torrent);
	if (was_active && tell)
		tell_deactivated(store, content);
	torrent->state = TORRENT_COLD;
	torrent->active = NULL;
	torrent->content = NULL;
	catalogue_busy(torrent);
	store_requests_abandon(store, torrent);
	while (content->units != NULL)
		unit_abandon(store, content->units);
	memset(&store->stats[content->slot], 0, sizeof(store->stats[0]));
	content_free(store, content);
	if (!was_active)
		return;
	count(store->ctr, CTR_deactivations);
	gauge_set(store->ctr, CTR_torrents_active, --store->active_cnt);
}

void
store_tick(struct store *store, uint64_t now_us)
{
	struct torrent *oldest = store->idle.lru_next;

	store->now_us = MAX(store->now_us, now_us);
	for (uint32_t i = 0; i < IDLE_ENDS_MAX && oldest != &store->idle; i++) {
		if (store->now_us - oldest->used_us < STORE_IDLE_US)
			return;
		content_end(store, oldest, true);
		oldest = store->idle.lru_next;
	}
}

/* ---- activation */

/* make_room lets idle torrents go until there is a place, and file_cnt of the file table. */
static COLD bool
make_room(struct store *store, uint32_t file_cnt)
{
	if (file_cnt > ring_file_cnt(store->ring))
		return false;
	while (store->contents_free == NULL || store->places.free_cnt < file_cnt) {
		if (store->idle.lru_next == &store->idle)
			return false;
		content_end(store, store->idle.lru_next, true);
	}
	return true;
}

/* content_map makes a mapping for the places of the files and for the bitfield that pieces are
 * withdrawn from: what an activation needs beside its layout, gone with it. */
static COLD bool
content_map(struct content *content)
{
	const struct abi_layout *layout = content->active.layout;
	size_t places_len = (size_t)layout->file_cnt * sizeof(*content->places);
	size_t have_len = ((size_t)layout->piece_cnt + 7) / 8;
	uint8_t *own = mmap(NULL, places_len + have_len, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (own == MAP_FAILED)
		return false;
	content->own_len = places_len + have_len;
	content->places = (uint32_t *)(void *)own;
	content->active.have = own + places_len;
	memcpy(content->active.have, (const uint8_t *)layout + layout->have_off, have_len);
	for (size_t i = 0; i < have_len; i++)
		content->active.have_cnt +=
		    (uint32_t)__builtin_popcount(content->active.have[i]);
	return true;
}

/* content_begin makes a cold torrent FILLING with a checked layout, which it takes over. */
static COLD enum abi_status
content_begin(struct store *store, struct torrent *torrent, const struct abi_layout *layout,
              size_t map_len)
{
	const uint8_t *base = (const uint8_t *)layout;
	struct content *content;

	if (!make_room(store, layout->file_cnt)) {
		layout_unmap(layout, map_len);
		return ABI_ERR_FULL;
	}
	content = store->contents_free;
	store->contents_free = content->next;
	content->active.layout = layout;
	content->map_len = map_len;
	if (!content_map(content)) {
		content_free(store, content);
		errno = ENOMEM;
		return ABI_ERR_SYSTEM;
	}
	for (uint32_t i = 0; i < layout->file_cnt; i++)
		content->places[i] = store->places.free[--store->places.free_cnt];
	content->torrent = torrent;
	content->unit_shift = (uint8_t)__builtin_ctz(layout->unit_len);
	content->active.extents = (const struct abi_extent *)(base + layout->extent_off);
	content->active.fingerprints = (const uint64_t *)(base + layout->fingerprint_off);
	content->active.metadata = base + layout->metadata_off;
	content->active.stat = &store->stats[content->slot];
	torrent->content = content;
	torrent->state = TORRENT_FILLING;
	torrent->used_us = store->now_us;
	if (torrent->peer_cnt == 0)
		catalogue_idle(store, torrent);
	return ABI_OK;
}

/* content_complete makes a FILLING torrent ACTIVE once its last descriptor is here. */
static COLD void
content_complete(struct store *store, struct torrent *torrent)
{
	struct content *content = torrent->content;

	if (content->files_got < content->active.layout->file_cnt)
		return;
	*content->active.stat = (struct abi_torrent_stat){
		.id = torrent->id,
		.peer_cnt = torrent->peer_cnt,
	};
	torrent->active = &content->active;
	torrent->state = TORRENT_ACTIVE;
	count(store->ctr, CTR_activations);
	gauge_set(store->ctr, CTR_torrents_active, ++store->active_cnt);
}

enum abi_status
store_layout(struct store *store, uint32_t id, int fd)
{
	struct torrent *torrent = store_by_id(store, id);
	const struct abi_layout *layout;
	enum abi_status status = ABI_OK;
	size_t map_len;
	int err;

	if (torrent == NULL)
		status = ABI_ERR_UNKNOWN;
	else if (torrent->state == TORRENT_ACTIVE)
		status = ABI_ERR_STATE;
	if (status != ABI_OK) {
		close(fd);
		return status;
	}
	if (torrent->content != NULL)
		content_end(store, torrent, false);
	torrent->state = TORRENT_COLD;
	layout = layout_map(fd, torrent->info_hash, &map_len);
	err = errno;
	if (layout != NULL && layout->unit_len > store->cache.pool->buf_len) {
		layout_unmap(layout, map_len);
		layout = NULL;
		err = EINVAL;
	}
	close(fd);
	if (layout == NULL) {
		errno = err;
		return err == EINVAL ? ABI_ERR_LAYOUT : ABI_ERR_SYSTEM;
	}
	status = content_begin(store, torrent, layout, map_len);
	if (status == ABI_OK)
		content_complete(store, torrent);
	return status;
}

/* all_regular tells whether the descriptors are files that a read always ends on. */
static COLD bool
all_regular(const int *fds, uint32_t cnt)
{
	struct stat st;

	for (uint32_t i = 0; i < cnt; i++)
		if (fstat(fds[i], &st) != 0 || !S_ISREG(st.st_mode)) {
			errno = EINVAL;
			return false;
		}
	return true;
}

/* set_files registers the next descriptors, in runs of neighbouring places. */
static COLD enum abi_status
set_files(struct store *store, struct content *content, const int *fds, uint32_t cnt)
{
	uint32_t run;

	if (!all_regular(fds, cnt))
		return ABI_ERR_SYSTEM;
	for (uint32_t i = 0; i < cnt; i += run) {
		const uint32_t *places = content->places + content->files_got;
		int err;

		for (run = 1; run < cnt - i && places[run] == places[0] + run; run++)
			;
		err = ring_files_set(store->ring, places[0], fds + i, run);
		content->files_got += run;
		if (err != 0) {
			errno = -err;
			return ABI_ERR_SYSTEM;
		}
	}
	return ABI_OK;
}

static COLD void
close_all(const int *fds, uint32_t cnt)
{
	int err = errno;

	for (uint32_t i = 0; i < cnt; i++)
		close(fds[i]);
	errno = err;
}

enum abi_status
store_files(struct store *store, const struct abi_files *files, const int *fds, uint32_t cnt)
{
	struct torrent *torrent = store_by_id(store, files->id);
	enum abi_status status = ABI_ERR_MESSAGE;
	struct content *content;

	if (torrent == NULL || torrent->state != TORRENT_FILLING) {
		close_all(fds, cnt);
		return torrent == NULL ? ABI_ERR_UNKNOWN : ABI_ERR_STATE;
	}
	content = torrent->content;
	if (cnt > 0 && cnt == files->file_cnt && files->file_first == content->files_got &&
	    cnt <= content->active.layout->file_cnt - content->files_got) {
		content->polled = (files->flags & ABI_FILES_POLLED) != 0 &&
		                  (files->file_first == 0 || content->polled) &&
		                  ring_polls(store->ring);
		status = set_files(store, content, fds, cnt);
	}
	close_all(fds, cnt);
	if (status == ABI_OK)
		content_complete(store, torrent);
	else
		content_end(store, torrent, false);
	return status;
}

enum abi_status
store_refuse(struct store *store, uint32_t id)
{
	struct torrent *torrent = store_by_id(store, id);

	if (torrent == NULL)
		return ABI_ERR_UNKNOWN;
	if (torrent->state == TORRENT_ACTIVE)
		return ABI_ERR_STATE;
	if (torrent->content != NULL)
		content_end(store, torrent, false);
	torrent->state = TORRENT_COLD;
	return ABI_OK;
}

/* ---- withdrawal */

/* take_pieces clears [first, last] in the bitfield and counts those that were had. */
static COLD void
take_pieces(struct store *store, struct active *active, uint32_t first, uint32_t last)
{
	for (uint32_t piece = first; piece <= last; piece++) {
		if (!active_has(active, piece))
			continue;
		active->have[piece / 8] &= (uint8_t)~(0x80 >> piece % 8);
		active->have_cnt--;
		active->withdrawn_cnt++;
		active->stat->withdrawn_cnt++;
		count(store->ctr, CTR_pieces_withdrawn);
	}
}

void
content_withdraw(struct store *store, const struct unit *unit, enum abi_reason reason,
                 int sys_errno)
{
	struct content *content = unit->content;
	struct active *active = &content->active;
	uint64_t begin = unit->extent->torrent_off + unit->file_off;
	uint32_t first = (uint32_t)(begin / active->layout->piece_len);
	uint32_t last = (uint32_t)((begin + unit->len - 1) / active->layout->piece_len);
	struct store_event event = {
		.type = STORE_EV_WITHDRAWN,
		.id = content->torrent->id,
		.withdrawn = {
			.id = content->torrent->id,
			.file = unit->extent->file,
			.piece_first = first,
			.piece_cnt = last - first + 1,
			.file_off = unit->file_off,
			.reason = reason,
			.sys_errno = sys_errno,
		},
	};

	take_pieces(store, active, first, last);
	(void)catalogue_event(store, &event);
}

enum abi_status
store_withdraw(struct store *store, const struct abi_withdraw *withdraw)
{
	const struct torrent *torrent = store_by_id(store, withdraw->id);
	uint32_t piece_cnt;

	if (torrent == NULL)
		return ABI_ERR_UNKNOWN;
	if (torrent->active == NULL)
		return ABI_OK;
	piece_cnt = torrent->active->layout->piece_cnt;
	if (withdraw->piece_cnt == 0 || withdraw->piece_first >= piece_cnt ||
	    withdraw->piece_cnt > piece_cnt - withdraw->piece_first)
		return ABI_ERR_MESSAGE;
	take_pieces(store, torrent->active, withdraw->piece_first,
	            withdraw->piece_first + withdraw->piece_cnt - 1);
	return ABI_OK;
}
