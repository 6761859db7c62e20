/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a dataplane has counted. */
#include "control/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct tally {
	struct registry *registry;
	struct stats *stats; /* NULL: no dataplane yet */
	uint64_t boot_id;
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
	tally_ended(tally);
	tally->stats = stats;
	tally->boot_id = welcome->boot_id;
	return 0;
}

/* slot_place returns whose slot that is, or NULL. */
static struct torrent_place *
slot_place(const struct tally *tally, uint32_t worker, const struct abi_torrent_stat *stat)
{
	struct torrent *t =
		stat->id != 0 ? torrents_by_id(tally->registry->torrents, stat->id) : NULL;

	return t != NULL && worker < t->place_cnt ? &t->place[worker] : NULL;
}

const struct stats *
tally_stats(struct tally *tally)
{
	struct torrents *torrents = tally->registry->torrents;

	if (tally->stats == NULL)
		return NULL;
	stats_refresh(tally->stats);
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id))
		for (uint32_t w = 0; w < t->place_cnt; w++)
			t->place[w].live_peer_cnt = t->place[w].live_uploaded_bytes = 0;
	for (uint32_t w = 0; w < stats_worker_cnt(tally->stats); w++) {
		for (uint32_t i = 0; i < stats_slot_cnt(tally->stats); i++) {
			struct abi_torrent_stat stat = stats_slot(tally->stats, w, i);
			struct torrent_place *place = slot_place(tally, w, &stat);
			if (place == NULL)
				continue;
			place->live_peer_cnt = stat.peer_cnt;
			place->live_uploaded_bytes = place->active ? stat.uploaded_bytes : 0;
		}
	}
	return tally->stats;
}

void
tally_fold(struct tally *tally, struct torrent *torrent, uint32_t worker)
{
	struct torrent_place *place = &torrent->place[worker];

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
			struct torrent_place *place = slot_place(tally, w, &stat);
			if (place != NULL && place->active)
				place->live_uploaded_bytes = stat.uploaded_bytes;
		}
	}
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id))
		for (uint32_t w = 0; w < t->place_cnt; w++)
			tally_fold(tally, t, w);
	stats_close(tally->stats);
	tally->stats = NULL;
}
