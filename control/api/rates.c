/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Rates, from two notes of the counters. A torrent stays listed for one note after its last slot is
 * gone, so that what it did at the end is seen. */
#include "control/api/rates.h"

#include "control/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct rates {
	struct registry *registry;
	struct tally *tally;
	struct rate *rate; /* ids ascending */
	size_t cnt;
	int64_t noted_ms;  /* 0: never */
	int64_t wanted_ms; /* 0: never */
};

int
rates_create(struct rates **rates, struct registry *registry, struct tally *tally)
{
	*rates = calloc(1, sizeof(**rates));
	if (*rates == NULL)
		return -ENOMEM;
	(*rates)->registry = registry;
	(*rates)->tally = tally;
	return 0;
}

void
rates_destroy(struct rates *rates)
{
	if (rates != NULL)
		free(rates->rate);
	free(rates);
}

static int
rate_compare(const void *a, const void *b)
{
	uint32_t left = ((const struct rate *)a)->id, right = ((const struct rate *)b)->id;

	return (left > right) - (left < right);
}

struct rate
rates_of(const struct rates *rates, uint32_t id)
{
	struct rate key = {.id = id};
	const struct rate *found =
		rates->cnt > 0
			? bsearch(&key, rates->rate, rates->cnt, sizeof(rates->rate[0]), rate_compare)
			: NULL;

	return found != NULL ? *found : (struct rate){0};
}

const struct rate *
rates_all(const struct rates *rates, size_t *cnt)
{
	*cnt = rates->cnt;
	return rates->rate;
}

uint64_t
rates_total(const struct rates *rates)
{
	uint64_t bytes_per_s = 0;

	for (size_t i = 0; i < rates->cnt; i++)
		bytes_per_s += rates->rate[i].bytes_per_s;
	return bytes_per_s;
}

/* ids_collect returns the ids of all slots and of those with a rate, with room behind each.
 * NULL when out of memory or there are none. */
static struct rate *
ids_collect(const struct rates *rates, const struct stats *stats, size_t *cnt)
{
	size_t slot_cnt = stats != NULL ? stats_slot_cnt(stats) : 0;
	size_t worker_cnt = stats != NULL ? stats_worker_cnt(stats) : 0;
	struct rate *list = calloc(slot_cnt * worker_cnt + rates->cnt + 1, sizeof(*list));

	*cnt = 0;
	if (list == NULL)
		return NULL;
	for (size_t w = 0; w < worker_cnt; w++)
		for (size_t i = 0; i < slot_cnt; i++) {
			uint32_t id = stats_slot(stats, (uint32_t)w, (uint32_t)i).id;
			if (id != 0)
				list[(*cnt)++].id = id;
		}
	for (size_t i = 0; i < rates->cnt; i++)
		if (rates->rate[i].bytes_per_s > 0)
			list[(*cnt)++].id = rates->rate[i].id;
	qsort(list, *cnt, sizeof(*list), rate_compare);
	return list;
}

/* rate_note brings one up to date from how it was before. */
static void
rate_note(struct rate *rate, const struct torrent *torrent, struct rate before, int64_t since_ms)
{
	uint64_t now_bytes = torrents_whole(torrent).uploaded_bytes;

	rate->uploaded_bytes = now_bytes;
	rate->moved_at = before.moved_at;
	if (before.id == 0 || since_ms <= 0 || now_bytes < before.uploaded_bytes)
		return;
	uint64_t moved = now_bytes - before.uploaded_bytes;
	rate->bytes_per_s = moved * 1000 / (uint64_t)since_ms;
	if (moved > 0)
		rate->moved_at = time(NULL);
}

static void
note(struct rates *rates, int64_t now_ms)
{
	const struct stats *stats = tally_stats(rates->tally);
	int64_t since_ms = rates->noted_ms > 0 ? now_ms - rates->noted_ms : 0;
	size_t cnt, kept = 0;
	struct rate *list = ids_collect(rates, stats, &cnt);

	for (size_t i = 0; list != NULL && i < cnt; i++) {
		const struct torrent *t = torrents_by_id(rates->registry->torrents, list[i].id);
		if (t == NULL || t->gone || (kept > 0 && list[kept - 1].id == list[i].id))
			continue;
		struct rate one = {.id = t->id};
		rate_note(&one, t, rates_of(rates, t->id), since_ms);
		list[kept++] = one;
	}
	free(rates->rate);
	rates->rate = list;
	rates->cnt = kept;
	rates->noted_ms = now_ms;
}

static bool
is_wanted(const struct rates *rates, int64_t now_ms)
{
	return rates->wanted_ms > 0 && now_ms - rates->wanted_ms < RATES_KEEP_MS;
}

void
rates_run(struct rates *rates)
{
	int64_t now_ms = clock_now_ms();

	if (is_wanted(rates, now_ms) && now_ms - rates->noted_ms >= RATES_MS)
		note(rates, now_ms);
}

void
rates_want(struct rates *rates)
{
	int64_t now_ms = clock_now_ms();

	if (!is_wanted(rates, now_ms)) {
		rates->noted_ms = 0; /* what is known is too old to tell a rate by */
		note(rates, now_ms);
	}
	rates->wanted_ms = now_ms;
}

int
rates_timeout_ms(const struct rates *rates)
{
	int64_t now_ms = clock_now_ms();

	if (!is_wanted(rates, now_ms))
		return -1;
	int64_t left_ms = rates->noted_ms + RATES_MS - now_ms;
	return left_ms > 0 ? (int)left_ms : 0;
}

size_t
rates_fastest(const struct rates *rates, struct rate *out, size_t max)
{
	size_t all_cnt, cnt = 0;
	const struct rate *all = rates_all(rates, &all_cnt);

	for (size_t i = 0; i < all_cnt; i++) {
		size_t at = cnt;

		if (cnt == max && (max == 0 || out[max - 1].bytes_per_s >= all[i].bytes_per_s))
			continue;
		if (cnt == max)
			at--;
		else
			cnt++;
		for (; at > 0 && out[at - 1].bytes_per_s < all[i].bytes_per_s; at--)
			out[at] = out[at - 1];
		out[at] = all[i];
	}
	return cnt;
}
