/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a dataplane has counted. */
#include "control/link/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct tally {
	struct registry *registry;
	struct stats *stats; /* NULL: no dataplane yet */
	uint64_t boot_id;
	uint32_t *slot_id; /* whose each slot was at the last snapshot; by worker, then slot */
};

int
tally_create(struct tally **tally, struct registry *registry)
{
	*tally = calloc(1, sizeof(**tally));
	if (*tally == NULL)
		return -ENOMEM;
	(*tally)->registry = registry;
	return 0;
}

void
tally_destroy(struct tally *tally)
{
	if (tally == NULL)
		return;
	stats_close(tally->stats);
	free(tally->slot_id);
	free(tally);
}

int
tally_welcome(struct tally *tally, const struct abi_welcome *welcome, int fd, struct fail *fail)
{
	struct stats *stats;

	if (tally->stats != NULL && welcome->boot_id == tally->boot_id) {
		close(fd);
		return 0;
	}
	int err = stats_open(&stats, fd, welcome->counters_len, fail);
	if (err != 0)
		return err;
	if (stats_worker_cnt(stats) != welcome->worker_cnt) {
		stats_close(stats);
		return fail_set(fail, EPROTO, "the dataplane's counters are of other workers");
	}
	uint32_t *slot_id =
		calloc((size_t)stats_worker_cnt(stats) * stats_slot_cnt(stats) + 1, sizeof(*slot_id));
	if (slot_id == NULL) {
		stats_close(stats);
		return fail_set(fail, ENOMEM, "out of memory");
	}
	tally_ended(tally);
	tally->slot_id = slot_id;
	tally->stats = stats;
	tally->boot_id = welcome->boot_id;
	return 0;
}

/* id_torrent returns the torrent that a slot of a worker is of, or NULL. */
static struct torrent *
id_torrent(const struct tally *tally, uint32_t worker, uint32_t id)
{
	struct torrent *t = id != 0 ? torrents_by_id(tally->registry->torrents, id) : NULL;

	return t != NULL && worker < t->place_cnt ? t : NULL;
}

static void
live_set(struct tally *tally, struct torrent *t, uint32_t worker,
         const struct abi_torrent_stat *stat)
{
	struct torrent_place *place = &t->place[worker];
	uint64_t uploaded_bytes = place->active ? stat->uploaded_bytes : 0;

	if (place->live_peer_cnt == stat->peer_cnt && place->live_uploaded_bytes == uploaded_bytes)
		return;
	place->live_peer_cnt = stat->peer_cnt;
	place->live_uploaded_bytes = uploaded_bytes;
	torrents_touch(tally->registry->torrents, t);
}

/* left_behind zeroes what a torrent had in a slot that is not its any more. */
static void
left_behind(struct tally *tally, uint32_t worker, uint32_t slot)
{
	static const struct abi_torrent_stat none = {0};
	uint32_t *id = &tally->slot_id[worker * stats_slot_cnt(tally->stats) + slot];
	uint32_t now_id = stats_slot(tally->stats, worker, slot).id;
	struct torrent *t = *id != now_id ? id_torrent(tally, worker, *id) : NULL;

	if (t != NULL)
		live_set(tally, t, worker, &none);
	*id = now_id;
}

static void
worker_take(struct tally *tally, uint32_t worker)
{
	uint32_t slot_cnt = stats_slot_cnt(tally->stats);

	/* First all that were left, for a torrent may have another slot now. */
	for (uint32_t i = 0; i < slot_cnt; i++)
		left_behind(tally, worker, i);
	for (uint32_t i = 0; i < slot_cnt; i++) {
		struct abi_torrent_stat stat = stats_slot(tally->stats, worker, i);
		struct torrent *t = id_torrent(tally, worker, stat.id);
		if (t != NULL)
			live_set(tally, t, worker, &stat);
	}
}

const struct stats *
tally_stats(struct tally *tally)
{
	if (tally->stats == NULL)
		return NULL;
	stats_refresh(tally->stats);
	for (uint32_t w = 0; w < stats_worker_cnt(tally->stats); w++)
		worker_take(tally, w);
	return tally->stats;
}

/* active_first returns the first worker that serves a torrent; one does. */
static uint32_t
active_first(const struct torrent *t)
{
	uint32_t worker = 0;

	while (!t->place[worker].active)
		worker++;
	return worker;
}

struct tally_totals
tally_totals(const struct tally *tally)
{
	const struct torrents *torrents = tally->registry->torrents;
	struct tally_totals totals = {
		.torrent_cnt = torrents_shown_cnt(torrents),
		.uploaded_bytes = torrents_uploaded_bytes(torrents),
	};
	uint32_t worker_cnt = tally->stats != NULL ? stats_worker_cnt(tally->stats) : 0;

	for (uint32_t w = 0; w < worker_cnt; w++) {
		for (uint32_t i = 0; i < stats_slot_cnt(tally->stats); i++) {
			uint32_t id = tally->slot_id[w * stats_slot_cnt(tally->stats) + i];
			const struct torrent *t = id_torrent(tally, w, id);
			if (t == NULL || t->gone || !t->place[w].active)
				continue;
			totals.uploaded_bytes += t->place[w].live_uploaded_bytes;
			totals.active_cnt += active_first(t) == w;
		}
	}
	return totals;
}

void
tally_fold(struct tally *tally, struct torrent *torrent, uint32_t worker)
{
	struct torrent_place *place = &torrent->place[worker];

	if (place->active || place->live_peer_cnt > 0)
		torrents_touch(tally->registry->torrents, torrent);
	if (place->active && !torrent->gone)
		registry_add_uploaded(tally->registry, torrent, place->live_uploaded_bytes);
	place->active = false;
	place->live_uploaded_bytes = 0;
	place->live_peer_cnt = 0;
}

void
tally_ended(struct tally *tally)
{
	struct torrents *torrents = tally->registry->torrents;

	if (tally->stats == NULL)
		return;
	stats_refresh(tally->stats);
	/* One that ended in good order has cleared its slots: what was last seen stands then. */
	for (uint32_t w = 0; w < stats_worker_cnt(tally->stats); w++) {
		for (uint32_t i = 0; i < stats_slot_cnt(tally->stats); i++) {
			struct abi_torrent_stat stat = stats_slot(tally->stats, w, i);
			struct torrent *t = id_torrent(tally, w, stat.id);
			if (t != NULL && t->place[w].active)
				t->place[w].live_uploaded_bytes = stat.uploaded_bytes;
		}
	}
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id))
		for (uint32_t w = 0; w < t->place_cnt; w++)
			tally_fold(tally, t, w);
	stats_close(tally->stats);
	tally->stats = NULL;
	free(tally->slot_id);
	tally->slot_id = NULL;
}
