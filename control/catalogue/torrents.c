/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The set of torrents: two sorted arrays of pointers and a queue for each worker. */
#include "control/catalogue/torrents_set.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HASH_PREFIX_MIN = 8, /* hex digits */
	HOLES_MIN = 64,      /* freed torrents that are not worth the work */
};

int
torrents_create(struct torrents **torrents, uint32_t worker_cnt)
{
	*torrents = calloc(1, sizeof(**torrents));
	if (*torrents == NULL)
		return -ENOMEM;
	(*torrents)->worker_cnt = worker_cnt;
	return 0;
}

/* Most torrents have nothing to say: those share one text. */
static char nothing[] = "";

static char *
text_keep(const char *text)
{
	return text[0] != '\0' ? strdup(text) : nothing;
}

static void
text_drop(char *text)
{
	if (text != nothing)
		free(text);
}

static void
torrent_free(struct torrent *torrent)
{
	free(torrent->name);
	text_drop(torrent->reason);
	text_drop(torrent->labels);
	free(torrent);
}

void
torrents_destroy(struct torrents *torrents)
{
	if (torrents == NULL)
		return;
	for (uint32_t i = 0; i < torrents->id_cnt; i++)
		if (torrents->by_id[i] != NULL)
			torrent_free(torrents->by_id[i]);
	free(torrents->ids);
	free(torrents->by_id);
	free(torrents->by_hash);
	free(torrents);
}

/* ---- Positions in the arrays. */

/* id_position returns the index of the first id of at least id. */
static uint32_t
id_position(const struct torrents *t, uint32_t id)
{
	uint32_t low = 0, high = t->id_cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (t->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* hash_position returns the index of the first torrent with an info_hash of at least that. */
static uint32_t
hash_position(const struct torrents *t, const uint8_t info_hash[20])
{
	uint32_t low = 0, high = t->hash_cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (memcmp(t->by_hash[middle]->info_hash, info_hash, 20) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
array_insert(struct torrent **array, uint32_t *cnt, uint32_t at, struct torrent *torrent)
{
	memmove(&array[at + 1], &array[at], (*cnt - at) * sizeof(*array));
	array[at] = torrent;
	(*cnt)++;
}

static void
array_remove(struct torrent **array, uint32_t *cnt, uint32_t at)
{
	(*cnt)--;
	memmove(&array[at], &array[at + 1], (*cnt - at) * sizeof(*array));
}

static bool
room_make(struct torrents *t)
{
	if (t->id_cnt < t->room)
		return true;
	uint32_t room = t->room ? 2 * t->room : 64;
	uint32_t *ids = realloc(t->ids, room * sizeof(*ids));
	if (ids == NULL)
		return false;
	t->ids = ids;
	struct torrent **by_id = realloc(t->by_id, room * sizeof(*by_id));
	if (by_id == NULL)
		return false;
	t->by_id = by_id;
	struct torrent **by_hash = realloc(t->by_hash, room * sizeof(*by_hash));
	if (by_hash == NULL)
		return false;
	t->by_hash = by_hash;
	t->room = room;
	return true;
}

/* ---- Coming and going. */

static struct torrent *
torrent_make(const struct catalogue_row *row, uint32_t place_cnt)
{
	struct torrent *torrent =
		calloc(1, sizeof(*torrent) + place_cnt * sizeof(torrent->place[0]));

	if (torrent == NULL)
		return NULL;
	*torrent = (struct torrent){
		.id = row->id,
		.state = row->state,
		.name = strdup(row->name),
		.reason = text_keep(row->reason),
		.labels = text_keep(row->labels),
		.settings = row->settings,
		.partial = row->partial,
		.managed = row->managed,
		.added_at = row->added_at,
		.verified_at = row->verified_at,
		.total_len = row->total_len,
		.uploaded_bytes = row->uploaded_bytes,
		.file_cnt = row->file_cnt,
		.piece_cnt = row->piece_cnt,
		.have_cnt = row->have_cnt,
		.withdrawn_cnt = row->withdrawn_cnt,
		.place_cnt = place_cnt,
	};
	memcpy(torrent->info_hash, row->info_hash, sizeof(torrent->info_hash));
	snprintf(torrent->class_name, sizeof(torrent->class_name), "%s", row->class_name);
	if (torrent->name == NULL || torrent->reason == NULL || torrent->labels == NULL) {
		torrent_free(torrent);
		return NULL;
	}
	return torrent;
}

struct torrent *
torrents_append(struct torrents *torrents, const struct catalogue_row *row)
{
	struct torrent *torrent = torrent_make(row, torrents->worker_cnt);

	if (torrent == NULL || !room_make(torrents)) {
		if (torrent != NULL)
			torrent_free(torrent);
		return NULL;
	}
	torrents->ids[torrents->id_cnt] = torrent->id;
	torrents->by_id[torrents->id_cnt++] = torrent;
	torrents->by_hash[torrents->hash_cnt++] = torrent;
	torrents->uploaded_bytes += torrent->uploaded_bytes;
	torrents_touch(torrents, torrent);
	return torrent;
}

static int
hash_compare(const void *a, const void *b)
{
	const struct torrent *const *left = a;
	const struct torrent *const *right = b;

	return memcmp((*left)->info_hash, (*right)->info_hash, sizeof((*left)->info_hash));
}

void
torrents_sort(struct torrents *torrents)
{
	if (torrents->hash_cnt > 0)
		qsort(torrents->by_hash, torrents->hash_cnt, sizeof(*torrents->by_hash), hash_compare);
}

struct torrent *
torrents_insert(struct torrents *torrents, const struct catalogue_row *row)
{
	uint32_t at = hash_position(torrents, row->info_hash);
	struct torrent *torrent = torrents_append(torrents, row);

	if (torrent == NULL)
		return NULL;
	torrents->hash_cnt--;
	array_insert(torrents->by_hash, &torrents->hash_cnt, at, torrent);
	return torrent;
}

/* gone_set notes that a torrent is not to be found any more. */
static void
gone_set(struct torrents *torrents, struct torrent *torrent)
{
	if (torrent->gone)
		return;
	torrents->uploaded_bytes -= torrent->uploaded_bytes;
	changes_forget(torrents, torrent);
	changes_removed(torrents, torrent);
	torrent->gone = true;
}

void
torrents_hide(struct torrents *torrents, struct torrent *torrent)
{
	uint32_t at = hash_position(torrents, torrent->info_hash);

	if (at < torrents->hash_cnt && torrents->by_hash[at] == torrent)
		array_remove(torrents->by_hash, &torrents->hash_cnt, at);
	gone_set(torrents, torrent);
}

void
torrents_hide_all(struct torrents *torrents, struct torrent *const *all, uint32_t cnt)
{
	uint32_t kept_cnt = 0;

	for (uint32_t i = 0; i < cnt; i++)
		gone_set(torrents, all[i]);
	for (uint32_t i = 0; i < torrents->hash_cnt; i++)
		if (!torrents->by_hash[i]->gone)
			torrents->by_hash[kept_cnt++] = torrents->by_hash[i];
	torrents->hash_cnt = kept_cnt;
}

void
torrents_take_back(struct torrents *torrents, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		struct torrent *torrent = torrents->by_id[--torrents->id_cnt];

		torrents->hash_cnt--;
		torrents->uploaded_bytes -= torrent->uploaded_bytes;
		changes_forget(torrents, torrent);
		torrent_free(torrent);
	}
}

static void
queue_remove(struct torrents *torrents, uint32_t worker, struct torrent *torrent)
{
	struct torrent **link = &torrents->queue[worker].head;
	struct torrent *before = NULL;

	while (*link != torrent) {
		before = *link;
		link = &(*link)->place[worker].next;
	}
	*link = torrent->place[worker].next;
	if (torrents->queue[worker].tail == torrent)
		torrents->queue[worker].tail = before;
}

/* holes_close takes the freed ones out of ids: not one by one, which would move all of them. */
static void
holes_close(struct torrents *t)
{
	uint32_t kept_cnt = 0;

	for (uint32_t i = 0; i < t->id_cnt; i++) {
		if (t->by_id[i] == NULL)
			continue;
		t->ids[kept_cnt] = t->ids[i];
		t->by_id[kept_cnt++] = t->by_id[i];
	}
	t->id_cnt = kept_cnt;
	t->hole_cnt = 0;
}

void
torrents_free_one(struct torrents *torrents, struct torrent *torrent)
{
	torrents_hide(torrents, torrent);
	for (uint32_t worker = 0; worker < torrent->place_cnt; worker++)
		if (torrent->place[worker].is_queued)
			queue_remove(torrents, worker, torrent);
	torrents->by_id[id_position(torrents, torrent->id)] = NULL;
	torrents->hole_cnt++;
	torrent_free(torrent);
	if (torrents->hole_cnt > HOLES_MIN && torrents->hole_cnt > torrents->id_cnt / 2)
		holes_close(torrents);
}

/* ---- Finding. */

uint32_t
torrents_cnt(const struct torrents *torrents)
{
	return torrents->id_cnt - torrents->hole_cnt;
}

uint32_t
torrents_shown_cnt(const struct torrents *torrents)
{
	return torrents->hash_cnt;
}

uint64_t
torrents_uploaded_bytes(const struct torrents *torrents)
{
	return torrents->uploaded_bytes;
}

void
torrents_add_uploaded(struct torrents *torrents, struct torrent *torrent, uint64_t bytes)
{
	torrent->uploaded_bytes += bytes;
	if (!torrent->gone)
		torrents->uploaded_bytes += bytes;
	torrents_touch(torrents, torrent);
}

struct torrent *
torrents_by_id(const struct torrents *torrents, uint32_t id)
{
	uint32_t at = id_position(torrents, id);

	return at < torrents->id_cnt && torrents->ids[at] == id ? torrents->by_id[at] : NULL;
}

struct torrent *
torrents_after(const struct torrents *torrents, uint32_t id)
{
	if (id == UINT32_MAX)
		return NULL;
	uint32_t at = id_position(torrents, id + 1);
	while (at < torrents->id_cnt && torrents->by_id[at] == NULL)
		at++;
	return at < torrents->id_cnt ? torrents->by_id[at] : NULL;
}

struct torrent *
torrents_by_hash(const struct torrents *torrents, const uint8_t info_hash[20])
{
	uint32_t at = hash_position(torrents, info_hash);

	if (at == torrents->hash_cnt || memcmp(torrents->by_hash[at]->info_hash, info_hash, 20) != 0)
		return NULL;
	return torrents->by_hash[at];
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* hex_prefix_read fills hash from up to 40 hex digits, zeros after them. Returns the number of
 * digits, or 0 when text is anything else. */
static size_t
hex_prefix_read(const char *text, uint8_t hash[20])
{
	size_t cnt = 0;

	memset(hash, 0, 20);
	for (; text[cnt] != '\0'; cnt++) {
		int digit = hex_digit(text[cnt]);
		if (digit < 0 || cnt == 40)
			return 0;
		hash[cnt / 2] |= (uint8_t)(cnt % 2 ? digit : digit << 4);
	}
	return cnt;
}

static bool
hash_begins(const struct torrent *torrent, const uint8_t hash[20], size_t digit_cnt)
{
	size_t whole = digit_cnt / 2;

	if (memcmp(torrent->info_hash, hash, whole) != 0)
		return false;
	return digit_cnt % 2 == 0 || torrent->info_hash[whole] >> 4 == hash[whole] >> 4;
}

static enum torrents_find
find_hash(const struct torrents *t, const char *text, struct torrent **found)
{
	uint8_t hash[20];
	size_t digit_cnt = hex_prefix_read(text, hash);

	if (digit_cnt < HASH_PREFIX_MIN)
		return FIND_NONE;
	uint32_t at = hash_position(t, hash);
	if (at == t->hash_cnt || !hash_begins(t->by_hash[at], hash, digit_cnt))
		return FIND_NONE;
	*found = t->by_hash[at];
	if (at + 1 < t->hash_cnt && hash_begins(t->by_hash[at + 1], hash, digit_cnt))
		return FIND_SEVERAL;
	return FIND_ONE;
}

static enum torrents_find
find_name(const struct torrents *t, const char *text, bool exact, struct torrent **found)
{
	size_t len = strlen(text) + (exact ? 1 : 0);
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < t->hash_cnt && cnt < 2; i++) {
		if (strncmp(t->by_hash[i]->name, text, len) != 0)
			continue;
		*found = t->by_hash[i];
		cnt++;
	}
	return (enum torrents_find)cnt;
}

enum torrents_find
torrents_find(const struct torrents *torrents, const char *text, struct torrent **found)
{
	if (text[0] == '\0')
		return FIND_NONE;
	enum torrents_find how = find_hash(torrents, text, found);
	if (how == FIND_NONE)
		how = find_name(torrents, text, true, found);
	if (how == FIND_NONE)
		how = find_name(torrents, text, false, found);
	return how;
}

/* ---- Changing. */

void
torrents_set_reason(struct torrents *torrents, struct torrent *torrent, const char *reason)
{
	char *copy = text_keep(reason);

	text_drop(torrent->reason);
	torrent->reason = copy != NULL ? copy : nothing;
	torrents_touch(torrents, torrent);
}

int
torrents_set_labels(struct torrents *torrents, struct torrent *torrent, const char *labels)
{
	char *copy = text_keep(labels);

	if (copy == NULL)
		return -ENOMEM;
	text_drop(torrent->labels);
	torrent->labels = copy;
	torrents_touch(torrents, torrent);
	return 0;
}

struct torrent_whole
torrents_whole(const struct torrent *torrent)
{
	struct torrent_whole whole = {.held = true, .uploaded_bytes = torrent->uploaded_bytes};

	for (uint32_t worker = 0; worker < torrent->place_cnt; worker++) {
		const struct torrent_place *place = &torrent->place[worker];

		whole.held &= place->sync == SYNC_HELD && !place->stale;
		whole.refused |= place->sync == SYNC_REFUSED;
		whole.active |= place->active;
		whole.peer_cnt += place->live_peer_cnt;
		whole.uploaded_bytes += place->live_uploaded_bytes;
	}
	return whole;
}

void
torrents_push(struct torrents *torrents, uint32_t worker, struct torrent *torrent)
{
	struct torrent_place *place = &torrent->place[worker];
	struct torrent *tail = torrents->queue[worker].tail;

	if (place->is_queued)
		return;
	place->is_queued = true;
	place->next = NULL;
	if (tail != NULL)
		tail->place[worker].next = torrent;
	else
		torrents->queue[worker].head = torrent;
	torrents->queue[worker].tail = torrent;
}

void
torrents_push_all(struct torrents *torrents, struct torrent *torrent)
{
	for (uint32_t worker = 0; worker < torrents->worker_cnt; worker++)
		torrents_push(torrents, worker, torrent);
}

struct torrent *
torrents_peek(const struct torrents *torrents, uint32_t worker)
{
	return torrents->queue[worker].head;
}

struct torrent *
torrents_pop(struct torrents *torrents, uint32_t worker)
{
	struct torrent *first = torrents->queue[worker].head;

	torrents->queue[worker].head = first->place[worker].next;
	if (torrents->queue[worker].head == NULL)
		torrents->queue[worker].tail = NULL;
	first->place[worker].is_queued = false;
	first->place[worker].next = NULL;
	return first;
}
