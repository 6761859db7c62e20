/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Shares of rates. */
#include "control/policy/shares.h"

#include "control/base/clock.h"
#include "control/link/session_query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS_MAX = 1 + ABI_GROUPS_MAX + ABI_CLASSES_MAX + SHARES_TORRENTS_MAX,
	MESSAGES = (ROWS_MAX + ABI_RATES_MAX - 1) / ABI_RATES_MAX,
};

/* A rate that is shared. */
struct row {
	uint32_t of; /* enum abi_rate_of */
	uint32_t id;
	uint64_t whole;
	uint32_t look; /* it was seen at last */
	uint64_t bytes[ABI_WORKERS_MAX]; /* in all, at the last look */
	uint64_t part[ABI_WORKERS_MAX];
};

struct shares {
	struct link *link;
	struct policy *policy;
	struct tally *tally;
	struct registry *registry;
	int64_t due_ms;
	int64_t looked_ms;
	uint32_t look;
	uint64_t serial;                  /* of the policy that the rows are of */
	uint32_t ticket[ABI_WORKERS_MAX]; /* of ABI_USE, 0: answered or not asked */
	bool asked;
	bool lost;                        /* some answer will not come */
	struct abi_used used[ABI_WORKERS_MAX];
	uint32_t row_cnt;
	struct row row[ROWS_MAX];
};

int
shares_create(struct shares **shares, struct link *link, struct policy *policy,
              struct tally *tally, struct registry *registry)
{
	*shares = calloc(1, sizeof(**shares));
	if (*shares == NULL)
		return -ENOMEM;
	(*shares)->link = link;
	(*shares)->policy = policy;
	(*shares)->tally = tally;
	(*shares)->registry = registry;
	return 0;
}

void
shares_destroy(struct shares *shares)
{
	free(shares);
}

/* ---- dividing */

static bool
is_hungry(uint64_t used, uint64_t part)
{
	return used >= part / 10 * 9;
}

void
shares_divide(uint64_t whole, const uint64_t *used, uint64_t *part, uint32_t cnt)
{
	uint64_t floor = whole / cnt / SHARES_FLOOR, left = whole;
	uint32_t hungry_cnt = 0;
	bool hungry[ABI_WORKERS_MAX];

	for (uint32_t i = 0; i < cnt; i++) {
		hungry[i] = is_hungry(used[i], part[i]);
		hungry_cnt += hungry[i];
	}
	for (uint32_t i = 0; i < cnt; i++) {
		if (hungry[i])
			continue;
		uint64_t keeps = used[i] + used[i] / 4 + floor;
		part[i] = keeps < whole / cnt ? keeps : whole / cnt;
		if (hungry_cnt == 0)
			part[i] = whole / cnt;
		left -= part[i];
	}
	for (uint32_t i = 0; i < cnt; i++) {
		if (hungry[i])
			part[i] = left / hungry_cnt;
		if (part[i] == 0)
			part[i] = 1;
	}
}

/* ---- rows */

/* row_of returns the row of a rate; a new one is as the worker has it: evenly shared. */
static struct row *
row_of(struct shares *shares, uint32_t of, uint32_t id, uint64_t whole)
{
	uint32_t cnt = link_worker_cnt(shares->link);

	for (uint32_t i = 0; i < shares->row_cnt; i++)
		if (shares->row[i].of == of && shares->row[i].id == id && shares->row[i].whole == whole)
			return &shares->row[i];
	if (shares->row_cnt == ROWS_MAX)
		return NULL;
	struct row *row = &shares->row[shares->row_cnt++];
	*row = (struct row){.of = of, .id = id, .whole = whole};
	for (uint32_t w = 0; w < cnt; w++) {
		row->part[w] = whole / cnt > 0 ? whole / cnt : 1;
		row->bytes[w] = UINT64_MAX;
	}
	return row;
}

/* row_look takes what the workers have used, and divides anew. */
static void
row_look(struct shares *shares, struct row *row, const uint64_t *bytes, int64_t ms)
{
	uint32_t cnt = link_worker_cnt(shares->link);
	uint64_t used[ABI_WORKERS_MAX];
	bool known = ms > 0;

	for (uint32_t w = 0; w < cnt; w++) {
		known = known && bytes[w] >= row->bytes[w];
		used[w] = known ? (bytes[w] - row->bytes[w]) * 1000 / (uint64_t)ms : 0;
	}
	if (known)
		shares_divide(row->whole, used, row->part, cnt);
	memcpy(row->bytes, bytes, cnt * sizeof(bytes[0]));
	row->look = shares->look;
}

static void
rate_look(struct shares *shares, const struct row *key, const uint64_t *bytes, int64_t ms)
{
	struct row *row = key->whole != 0 ? row_of(shares, key->of, key->id, key->whole) : NULL;

	if (row != NULL)
		row_look(shares, row, bytes, ms);
}

/* policy_look looks at the rates of the policy. */
static void
policy_look(struct shares *shares, int64_t ms)
{
	const struct label_limits *labels = policy_labels(shares->policy);
	const struct peer_classes *classes = policy_classes(shares->policy);
	uint32_t cnt = link_worker_cnt(shares->link);
	uint64_t bytes[ABI_WORKERS_MAX];
	struct row key = {.of = ABI_RATE_ALL, .whole = policy_all(shares->policy)->rate_bytes_per_s};

	for (uint32_t w = 0; w < cnt; w++)
		bytes[w] = shares->used[w].bytes;
	rate_look(shares, &key, bytes, ms);
	for (uint32_t i = 0; i < labels->cnt; i++) {
		key = (struct row){.of = ABI_RATE_GROUP, .id = labels->row[i].id,
		                   .whole = labels->row[i].limits.rate_bytes_per_s};
		for (uint32_t w = 0; w < cnt; w++)
			bytes[w] = shares->used[w].group_bytes[i];
		rate_look(shares, &key, bytes, ms);
	}
	for (uint32_t i = 0; i < classes->cnt; i++) {
		key = (struct row){.of = ABI_RATE_CLASS, .id = i,
		                   .whole = classes->row[i].limits.rate_bytes_per_s};
		for (uint32_t w = 0; w < cnt; w++)
			bytes[w] = shares->used[w].class_bytes[i];
		rate_look(shares, &key, bytes, ms);
	}
}

/* torrent_look looks at the rate of one torrent that is active. */
static void
torrent_look(struct shares *shares, const struct torrent *t, int64_t ms)
{
	uint64_t bytes[ABI_WORKERS_MAX];
	struct row key = {.of = ABI_RATE_TORRENT, .id = t->id,
	                  .whole = t->settings.rate_bytes_per_s};

	for (uint32_t w = 0; w < t->place_cnt; w++)
		bytes[w] = t->place[w].live_uploaded_bytes;
	rate_look(shares, &key, bytes, ms);
}

static void
torrents_look(struct shares *shares, int64_t ms)
{
	const struct stats *stats = tally_stats(shares->tally);
	uint32_t cnt = 0;

	for (uint32_t w = 0; stats != NULL && w < link_worker_cnt(shares->link); w++) {
		for (uint32_t i = 0; i < stats_slot_cnt(stats) && cnt < SHARES_TORRENTS_MAX; i++) {
			uint32_t id = stats_slot(stats, w, i).id;
			const struct torrent *t =
				id != 0 ? torrents_by_id(shares->registry->torrents, id) : NULL;
			if (t == NULL || t->gone || t->settings.rate_bytes_per_s == 0)
				continue;
			struct row *row =
				row_of(shares, ABI_RATE_TORRENT, id, t->settings.rate_bytes_per_s);
			if (row == NULL || row->look == shares->look)
				continue;
			torrent_look(shares, t, ms);
			cnt++;
		}
	}
}

/* rows_sweep forgets what was not seen in this look. */
static void
rows_sweep(struct shares *shares)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < shares->row_cnt; i++)
		if (shares->row[i].look == shares->look)
			shares->row[cnt++] = shares->row[i];
	shares->row_cnt = cnt;
}

/* ---- asking and telling */

/* tell tells a worker its shares. */
static void
tell(struct shares *shares, uint32_t worker)
{
	for (uint32_t from = 0; from < shares->row_cnt; from += ABI_RATES_MAX) {
		struct abi_rates rates = {0};

		for (uint32_t i = from; i < shares->row_cnt && rates.cnt < ABI_RATES_MAX; i++)
			rates.rate[rates.cnt++] = (struct abi_rate){
				.of = shares->row[i].of,
				.id = shares->row[i].id,
				.bytes_per_s = shares->row[i].part[worker],
			};
		session_rates(link_session(shares->link, worker), &rates);
	}
}

static void
look(struct shares *shares)
{
	int64_t now_ms = clock_now_ms();
	int64_t ms = shares->looked_ms > 0 ? now_ms - shares->looked_ms : 0;

	if (shares->serial != policy_serial(shares->policy)) {
		shares->row_cnt = 0;
		shares->serial = policy_serial(shares->policy);
	}
	shares->look++;
	shares->looked_ms = now_ms;
	policy_look(shares, ms);
	torrents_look(shares, ms);
	rows_sweep(shares);
	for (uint32_t w = 0; w < link_worker_cnt(shares->link); w++)
		tell(shares, w);
}

static void
ask(struct shares *shares)
{
	shares->due_ms = clock_now_ms() + SHARES_MS;
	if (!link_ready(shares->link))
		return;
	shares->asked = true;
	shares->lost = false;
	for (uint32_t w = 0; w < link_worker_cnt(shares->link); w++) {
		shares->ticket[w] = session_query_ask(link_session(shares->link, w), ABI_USE, NULL, 0);
		shares->lost |= shares->ticket[w] == 0;
	}
}

/* answers_take takes the answers that have come. Returns false while some are awaited. */
static bool
answers_take(struct shares *shares)
{
	bool all = true;

	for (uint32_t w = 0; w < link_worker_cnt(shares->link); w++) {
		const struct abi_msg *answer;

		if (shares->ticket[w] == 0)
			continue;
		int got = session_query_take(link_session(shares->link, w), shares->ticket[w], &answer);
		all &= got != 0;
		shares->lost |= got < 0;
		if (got == 1)
			shares->used[w] = answer->u.used;
		if (got != 0)
			shares->ticket[w] = 0;
	}
	return all;
}

void
shares_run(struct shares *shares)
{
	if (link_worker_cnt(shares->link) == 1)
		return;
	if (shares->asked && answers_take(shares)) {
		shares->asked = false;
		if (!shares->lost)
			look(shares);
	}
	if (!shares->asked && clock_now_ms() >= shares->due_ms)
		ask(shares);
}

int
shares_timeout_ms(const struct shares *shares)
{
	if (link_worker_cnt(shares->link) == 1)
		return -1;
	int64_t wait_ms = shares->due_ms - clock_now_ms();
	return wait_ms > 0 ? (int)wait_ms : shares->asked ? SHARES_MS : 0;
}
