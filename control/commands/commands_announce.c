/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Trackers and announces as JSON. */
#include "control/commands/commands_announce.h"

#include "control/commands/answer.h"

#include <errno.h>

/* known returns a number, or null for 0. */
static json_t *
known(int64_t value)
{
	return value != 0 ? json_integer(value) : json_null();
}

static json_t *
count(uint32_t value)
{
	return value != UINT32_MAX ? json_integer(value) : json_null();
}

static json_t *
row_answer(const struct announce_row *row)
{
	return json_pack("{s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	                 "url", answer_text(row->url),
	                 "tier", (json_int_t)row->tier,
	                 "state", announce_state_names[row->state],
	                 "text", answer_text(row->text),
	                 "last_at", known(row->last_at),
	                 "next_at", known(row->next_at),
	                 "interval_seconds", known(row->interval_s),
	                 "seeders", count(row->seeders),
	                 "leechers", count(row->leechers),
	                 "downloaded", count(row->downloaded));
}

json_t *
announce_answer(const struct announce *announce, const struct torrent *torrent)
{
	struct announce_row rows[METAINFO_TRACKERS_MAX];
	uint32_t cnt = announce_status(announce, torrent, rows, METAINFO_TRACKERS_MAX);
	json_t *array = json_array();

	for (uint32_t i = 0; i < cnt && i < METAINFO_TRACKERS_MAX; i++)
		json_array_append_new(array, row_answer(&rows[i]));
	return array;
}

json_t *
announce_totals_answer(const struct announce *announce)
{
	struct announce_totals totals = announce_totals(announce);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	                 "sent", (json_int_t)totals.sent,
	                 "ok", (json_int_t)totals.ok,
	                 "failed", (json_int_t)totals.failed,
	                 "torrents", (json_int_t)totals.torrents,
	                 "waiting", (json_int_t)totals.waiting,
	                 "working", (json_int_t)totals.working,
	                 "failing", (json_int_t)totals.failing,
	                 "hosts", (json_int_t)totals.hosts,
	                 "hosts_backing_off", (json_int_t)totals.hosts_backing_off);
}

json_t *
commands_announce(const struct commands_env *env, const struct torrent *torrent, struct fail *fail)
{
	const struct torrents *torrents = env->registry->torrents;
	json_int_t asked_cnt = 0, torrent_cnt = 0;
	uint32_t longest_s = 0, wait_s;

	if (!env->options->announce) {
		fail_set(fail, EPERM, "nothing is announced: the option announce is no");
		return NULL;
	}
	for (const struct torrent *t = torrent != NULL ? torrent : torrents_after(torrents, 0);
	     t != NULL; t = torrent != NULL ? NULL : torrents_after(torrents, t->id)) {
		uint32_t cnt = announce_now(env->announce, t, &wait_s);
		asked_cnt += cnt;
		torrent_cnt += cnt > 0;
		longest_s = wait_s > longest_s ? wait_s : longest_s;
	}
	json_t *answer = json_pack("{s:b, s:I, s:I, s:I}", "ok", 1, "torrents", torrent_cnt, "asked",
	                           asked_cnt, "wait_seconds", (json_int_t)longest_s);
	if (answer == NULL)
		fail_set(fail, ENOMEM, "out of memory");
	return answer;
}
