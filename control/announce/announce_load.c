/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A torrent's trackers: read from its .torrent when the time comes, for that is not in memory. */
#include "control/announce/announce_state.h"

#include "control/base/clock.h"
#include "control/base/log.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

enum {
	SLICE_MS = 2,  /* of the loop's time at once, */
	PAUSE_MS = 4,  /* then others have their turn */
	URLS_MAX = ANNOUNCE_TIERS_MAX * ANNOUNCE_TIER_MAX,
};

/* The trackers of a torrent. */
struct trackers {
	uint32_t cnt;
	uint32_t url[URLS_MAX];  /* held */
	uint32_t tier[URLS_MAX]; /* ascending */
};

/* trackers_have tells whether a torrent names a tracker twice. */
static bool
trackers_have(const struct trackers *trackers, uint32_t url)
{
	for (uint32_t i = 0; i < trackers->cnt; i++)
		if (trackers->url[i] == url)
			return true;
	return false;
}

/* shuffle_key orders the trackers of a tier as if at random, the same way until the end. */
static uint64_t
shuffle_key(const struct announce *a, uint32_t url)
{
	return XXH3_64bits_withSeed(&url, sizeof(url), a->slot_seed);
}

static void
shuffle(const struct announce *a, uint32_t *urls, uint32_t cnt)
{
	for (uint32_t i = 1; i < cnt; i++)
		for (uint32_t k = i; k > 0 && shuffle_key(a, urls[k]) < shuffle_key(a, urls[k - 1]); k--) {
			uint32_t url = urls[k];
			urls[k] = urls[k - 1];
			urls[k - 1] = url;
		}
}

/* trackers_take takes those that can be used, each tier shuffled (BEP 12). */
static void
trackers_take(struct announce *a, struct trackers *trackers, const struct metainfo *meta)
{
	uint32_t tier_cnt = 0, tier_first = 0;

	trackers->cnt = 0;
	for (uint32_t i = 0; i < meta->tracker_cnt && trackers->cnt < URLS_MAX; i++) {
		bool in_tier = trackers->cnt > tier_first &&
		               trackers->tier[trackers->cnt - 1] == meta->tracker[i].tier;
		if (!in_tier && tier_cnt == ANNOUNCE_TIERS_MAX)
			break;
		if (in_tier && trackers->cnt - tier_first == ANNOUNCE_TIER_MAX)
			continue;
		uint32_t url = url_take(a, meta->tracker[i].url);
		if (url == ANNOUNCE_NONE)
			continue;
		if (trackers_have(trackers, url)) {
			url_drop(a, url);
			continue;
		}
		if (!in_tier) {
			tier_first = trackers->cnt;
			tier_cnt++;
		}
		trackers->tier[trackers->cnt] = meta->tracker[i].tier;
		trackers->url[trackers->cnt++] = url;
	}
	for (uint32_t i = 0, end; i < trackers->cnt; i = end) {
		for (end = i; end < trackers->cnt && trackers->tier[end] == trackers->tier[i]; end++)
			continue;
		shuffle(a, trackers->url + i, end - i);
	}
}

/* tier_seat gives a record a seat at a tier, the last of its seats. */
static void
tier_seat(struct announce *a, uint32_t number, const uint32_t *urls, uint32_t cnt)
{
	uint32_t tier = tier_take(a, urls, cnt);
	uint32_t seat = tier != INTERN_NONE ? seat_new(a, number, tier) : ANNOUNCE_NONE;

	if (seat == ANNOUNCE_NONE) {
		if (tier != INTERN_NONE)
			tier_drop(a, tier);
		log_error("out_of_memory", "id=%" PRIu32 " of=announce", a->record[number].id);
		return;
	}
	uint32_t *link = &a->record[number].seat;
	while (*link != ANNOUNCE_NONE)
		link = &a->seat[*link].next;
	*link = seat;
	seat_queue(a, seat, clock_now_ms());
}

static void
record_seat(struct announce *a, uint32_t number, const struct metainfo *meta)
{
	struct trackers trackers;
	uint32_t end;

	trackers_take(a, &trackers, meta);
	for (uint32_t i = 0; i < trackers.cnt; i = end) {
		for (end = i; end < trackers.cnt && (meta->private_flag ||
		                                     trackers.tier[end] == trackers.tier[i]); end++)
			continue;
		uint32_t cnt = end - i;
		for (; cnt > ANNOUNCE_TIER_MAX; cnt--) /* tiers that became one */
			url_drop(a, trackers.url[i + cnt - 1]);
		tier_seat(a, number, trackers.url + i, cnt);
	}
}

static void
record_load(struct announce *a, uint32_t number)
{
	struct catalogue_source source;
	struct metainfo *meta;
	struct fail fail;
	uint32_t id = a->record[number].id;
	int err = catalogue_source(a->registry->catalogue, id, &source, &fail);

	if (err == 0) {
		err = metainfo_peek(&meta, source.metainfo, source.metainfo_len);
		catalogue_source_free(&source);
		if (err != 0)
			fail_set(&fail, -err, "stored metainfo cannot be read: %s", strerror(-err));
	}
	a->record[number].flags |= RECORD_LOADED;
	if (err != 0) {
		log_error("trackers_unknown", "id=%" PRIu32 " reason=%s", id, LOG_QUOTE(fail.text));
		return;
	}
	record_seat(a, number, meta);
	metainfo_free(meta);
}

void
load_run(struct announce *a, int64_t now_ms)
{
	if (a->load_first == ANNOUNCE_NONE || now_ms < a->load_ms)
		return;
	while (a->load_first != ANNOUNCE_NONE && clock_now_ms() < now_ms + SLICE_MS) {
		uint32_t number = a->load_first;
		struct record *record = &a->record[number];

		a->load_first = record->next;
		record->next = ANNOUNCE_NONE;
		record->flags &= ~(uint32_t)RECORD_LOADING;
		if (record->flags & RECORD_WANTED)
			record_load(a, number);
		else
			record_settle(a, number);
	}
	a->load_ms = clock_now_ms() + PAUSE_MS;
}
