/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the page shows. */
#include "control/api/live.h"

#include "control/commands/answer.h"
#include "control/commands/answer_histograms.h"
#include "control/commands/answer_peer.h"
#include "control/api/api.h"
#include "control/api/census.h"
#include "control/base/clock.h"
#include "control/commands/commands_active.h"
#include "control/api/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct live {
	const struct commands_env *env;
	struct rates *rates;
	struct survey *survey;
	struct census census;
};

int
live_create(struct live **live, const struct commands_env *env, struct rates *rates)
{
	struct live *made = calloc(1, sizeof(*made));

	if (made == NULL || survey_create(&made->survey, env->link) != 0) {
		free(made);
		return -ENOMEM;
	}
	made->env = env;
	made->rates = rates;
	*live = made;
	return 0;
}

void
live_destroy(struct live *live)
{
	if (live != NULL)
		survey_destroy(live->survey);
	free(live);
}

void
live_run(struct live *live)
{
	survey_run(live->survey);
}

int
live_timeout_ms(const struct live *live)
{
	return survey_timeout_ms(live->survey);
}

/* ---- Torrents. */

static json_t *
fastest_torrents(const struct live *live)
{
	struct rate fastest[LIVE_TORRENTS];
	size_t cnt = rates_fastest(live->rates, fastest, LIVE_TORRENTS);
	json_t *array = json_array();

	for (size_t i = 0; i < cnt; i++) {
		const struct torrent *t =
			torrents_by_id(live->env->registry->torrents, fastest[i].id);
		if (t == NULL || t->gone)
			continue;
		json_t *torrent = active_torrent(t);
		json_object_set_new(torrent, "rate_bytes_per_s",
		                    json_integer((json_int_t)fastest[i].bytes_per_s));
		json_array_append_new(array, torrent);
	}
	return array;
}

static json_t *
states(struct live *live)
{
	json_t *object = json_object();

	census_take(&live->census, live->env->registry->torrents, LIVE_CENSUS_MS);
	for (uint32_t i = 0; i < live->census.state_cnt; i++)
		json_object_set_new(object, live->census.state[i].state,
		                    json_integer(live->census.state[i].group.torrent_cnt));
	return object;
}

static json_t *
ailing(const struct live *live)
{
	const struct census *census = &live->census;
	json_t *array = json_array();

	for (uint32_t i = 0; i < census->ailing_cnt && i < CENSUS_AILING_MAX; i++) {
		const struct torrent *t =
			torrents_by_id(live->env->registry->torrents, census->ailing[i]);
		if (t == NULL || t->gone)
			continue;
		json_array_append_new(array, json_pack("{s:o, s:o, s:s, s:o, s:I, s:I}", "info_hash",
		                                       answer_hex(t->info_hash, sizeof(t->info_hash)),
		                                       "name", answer_text(t->name), "state",
		                                       answer_state(t), "reason",
		                                       answer_text(t->reason), "pieces",
		                                       (json_int_t)t->piece_cnt, "pieces_had",
		                                       (json_int_t)t->have_cnt));
	}
	return array;
}

static json_t *
torrents(struct live *live)
{
	json_t *by_state = states(live); /* first: it takes the census */

	return json_pack("{s:o, s:o, s:o, s:I}", "fastest", fastest_torrents(live), "by_state",
	                 by_state, "ailing", ailing(live), "ailing_count",
	                 (json_int_t)live->census.ailing_cnt);
}

/* ---- Peers. */

static json_t *
peers(const struct live *live)
{
	const struct survey_found *found = survey_found(live->survey);
	json_t *now = json_object(), *ever = json_object(), *fastest = json_array();

	for (int i = 0; i < ABI_LIMITED_CNT; i++) {
		json_object_set_new(now, answer_limit_names[i], json_integer(found->limit_cnt[i]));
		json_object_set_new(ever, answer_limit_names[i],
		                    json_integer((json_int_t)found->limit_us[i]));
	}
	for (uint32_t i = 0; i < found->fastest_cnt; i++)
		json_array_append_new(fastest, answer_peer(live->env->registry->torrents,
		                                           &found->fastest[i]));
	return json_pack("{s:I, s:o, s:o, s:o}", "count", (json_int_t)found->peer_cnt,
	                 "limited_now", now, "limited_us", ever, "fastest", fastest);
}

/* ---- The dataplane's counters. */

/* is_refusal is true of a counter that tells of something dropped or refused, by its text. */
static bool
is_refusal(const char *text)
{
	static const char *const words[] = {"dropped:", "refused", "closed:", "rejected", "withdrawn"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

static json_t *
refused(const struct stats *stats)
{
	json_t *array = json_array();

	for (uint32_t i = 0; stats != NULL && i < stats_counter_cnt(stats); i++) {
		struct abi_counter_desc desc;
		uint64_t value = stats_counter(stats, i, &desc);

		if (value == 0 || desc.kind != ABI_COUNTER || !is_refusal(desc.text))
			continue;
		json_array_append_new(array, json_pack("{s:o, s:o, s:I}", "name",
		                                       answer_text(desc.name), "text",
		                                       answer_text(desc.text), "value",
		                                       (json_int_t)value));
	}
	return array;
}

static json_t *
latency(const struct stats *stats)
{
	json_t *histograms = answer_histograms(stats), *one;
	const char *name;

	json_object_foreach(histograms, name, one)
		json_object_del(one, "buckets");
	return histograms;
}

static json_t *
live_answer(struct live *live)
{
	const struct stats *stats = tally_stats(live->env->tally);

	rates_want(live->rates);
	survey_want(live->survey);
	return json_pack("{s:I, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o}",
	                 "at_ms", (json_int_t)clock_now_ms(), "version", SPILLWAY_VERSION,
	                 "dataplane", answer_dataplane(live->env),
	                 "totals", answer_totals(live->env, stats),
	                 "upload_bytes_per_s", (json_int_t)rates_total(live->rates),
	                 "torrents", torrents(live), "peers", peers(live), "latency", latency(stats),
	                 "refused", refused(stats));
}

void
live_handle(const struct http_request *request, struct http_response *response)
{
	const struct api *api = request->env;

	http_respond_json(response, 200, live_answer(api->live));
}
