/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The walk through the catalogue. */
#include "control/api/census.h"

#include "control/commands/answer.h"
#include "control/base/clock.h"

#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

static void
group_add(struct census_group *group, const struct torrent *torrent)
{
	group->torrent_cnt++;
	group->total_bytes += torrent->total_len;
	group->uploaded_bytes += torrent->uploaded_bytes;
}

static void
state_add(struct census *census, const struct torrent *torrent)
{
	const char *state = answer_state(torrent);
	uint32_t i = 0;

	while (i < census->state_cnt && strcmp(census->state[i].state, state) != 0)
		i++;
	if (i == CENSUS_STATES_MAX)
		return;
	if (i == census->state_cnt)
		census->state[census->state_cnt++].state = state;
	group_add(&census->state[i].group, torrent);
}

/* label_find returns the place of a label, a new one if there is room, or NULL. */
static struct census_label *
label_find(struct census *census, const char *label)
{
	uint32_t at = (uint32_t)XXH3_64bits(label, strlen(label)) % CENSUS_SLOTS;

	for (; census->slot[at] != 0; at = (at + 1) % CENSUS_SLOTS)
		if (strcmp(census->label[census->slot[at] - 1].label, label) == 0)
			return &census->label[census->slot[at] - 1];
	if (census->label_cnt == CENSUS_LABELS_MAX)
		return NULL;
	struct census_label *made = &census->label[census->label_cnt++];
	census->slot[at] = (uint16_t)census->label_cnt;
	*made = (struct census_label){0};
	strcpy(made->label, label); /* as long as LABEL_MAX allows */
	return made;
}

static void
labels_add_torrent(struct census *census, const struct torrent *torrent)
{
	char label[LABEL_MAX];

	for (const char *p = torrent->labels; (p = labels_next(p, label)) != NULL;) {
		struct census_label *place = label_find(census, label);
		if (place != NULL)
			group_add(&place->group, torrent);
	}
}

static int
label_compare(const void *left, const void *right)
{
	const struct census_label *l = left, *r = right;

	if (l->group.torrent_cnt != r->group.torrent_cnt)
		return l->group.torrent_cnt < r->group.torrent_cnt ? 1 : -1;
	return strcmp(l->label, r->label);
}

static void
ailing_add(struct census *census, const struct torrent *torrent)
{
	bool lacks = torrent->state == TORRENT_SEEDING && !torrent->partial &&
	             torrent->have_cnt < torrent->piece_cnt;

	if (torrent->state != TORRENT_CHANGED && torrent->state != TORRENT_ERROR &&
	    torrent->withdrawn_cnt == 0 && !lacks)
		return;
	if (census->ailing_cnt < CENSUS_AILING_MAX)
		census->ailing[census->ailing_cnt] = torrent->id;
	census->ailing_cnt++;
}

void
census_take(struct census *census, const struct torrents *torrents, int64_t fresh_ms)
{
	int64_t now_ms = clock_now_ms();
	uint64_t serial = torrents_serial(torrents);

	if (census->walked_ms != 0 &&
	    (census->serial == serial || now_ms - census->walked_ms < fresh_ms))
		return;
	census->serial = serial;
	census->walked_ms = now_ms;
	census->state_cnt = census->label_cnt = 0;
	census->piece_missing_cnt = census->withdrawn_cnt = 0;
	census->ailing_cnt = 0;
	memset(census->state, 0, sizeof(census->state));
	memset(census->slot, 0, sizeof(census->slot));
	for (const struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id)) {
		if (t->gone)
			continue;
		state_add(census, t);
		labels_add_torrent(census, t);
		ailing_add(census, t);
		census->withdrawn_cnt += t->withdrawn_cnt;
		if (t->state == TORRENT_SEEDING)
			census->piece_missing_cnt += t->piece_cnt - t->have_cnt;
	}
	qsort(census->label, census->label_cnt, sizeof(census->label[0]), label_compare);
}
