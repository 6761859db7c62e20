/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is active, from the slots of the counters. */
#include "control/commands/commands_active.h"

#include "control/commands/answer.h"
#include "control/link/tally.h"

/* is_first tells whether a worker is the first at which the torrent is active: of several one
 * tells. */
static bool
is_first(const struct torrent *torrent, uint32_t worker)
{
	for (uint32_t w = 0; w < worker; w++)
		if (torrent->place[w].active)
			return false;
	return torrent->place[worker].active;
}

json_t *
active_torrent(const struct torrent *torrent)
{
	struct torrent_whole whole = torrents_whole(torrent);

	return json_pack("{s:o, s:o, s:I, s:I, s:I}", "info_hash",
	                 answer_hex(torrent->info_hash, sizeof(torrent->info_hash)),
	                 "name", answer_text(torrent->name),
	                 "peers", (json_int_t)whole.peer_cnt,
	                 "uploaded_bytes", (json_int_t)whole.uploaded_bytes,
	                 "size_bytes", (json_int_t)torrent->total_len);
}

json_t *
active_answer(const struct commands_env *env)
{
	const struct stats *stats = tally_stats(env->tally);
	json_t *array = json_array();

	for (uint32_t w = 0; stats != NULL && w < stats_worker_cnt(stats); w++) {
		for (uint32_t i = 0; i < stats_slot_cnt(stats); i++) {
			struct abi_torrent_stat slot = stats_slot(stats, w, i);
			const struct torrent *t =
				slot.id != 0 ? torrents_by_id(env->registry->torrents, slot.id) : NULL;

			if (t != NULL && !t->gone && w < t->place_cnt && is_first(t, w))
				json_array_append_new(array, active_torrent(t));
		}
	}
	return array;
}
