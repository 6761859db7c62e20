/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* census.h counts the catalogue: torrents and bytes by state, and by label. It walks all of it, but
 * only after something has changed, and not more often than it is told.
 *
 * Threads: one. Memory: small.
 */
#ifndef SPILLWAY_CONTROL_API_CENSUS_H
#define SPILLWAY_CONTROL_API_CENSUS_H

#include "control/base/labels.h"
#include "control/catalogue/torrents.h"

enum census_limit {
	CENSUS_STATES_MAX = 8,
	CENSUS_LABELS_MAX = 512, /* told apart; torrents of further ones are not counted by label */
	CENSUS_SLOTS = 4 * CENSUS_LABELS_MAX,
	CENSUS_AILING_MAX = 20,
};

struct census_group {
	uint32_t torrent_cnt;
	uint64_t total_bytes;    /* of content */
	uint64_t uploaded_bytes; /* ever, as stored */
};

struct census_label {
	char label[LABEL_MAX];
	struct census_group group;
};

struct census {
	uint64_t serial;   /* of the last walk */
	int64_t walked_ms; /* 0: never */
	struct {
		const char *state; /* as "spillway list" calls it */
		struct census_group group;
	} state[CENSUS_STATES_MAX];
	uint32_t state_cnt;
	struct census_label label[CENSUS_LABELS_MAX]; /* most torrents first */
	uint32_t label_cnt;
	uint16_t slot[CENSUS_SLOTS]; /* during a walk: index + 1 in label, by hash; 0: none */
	uint64_t piece_missing_cnt;  /* of torrents that are seeded */
	uint64_t withdrawn_cnt;
	uint32_t ailing[CENSUS_AILING_MAX]; /* ids of the first that are changed, in error or lack
	                                       pieces, but for partial ones */
	uint32_t ailing_cnt;                /* of all such */
};

/* census_take brings the census up to date, unless it was so within the last fresh_ms. */
void
census_take(struct census *census, const struct torrents *torrents, int64_t fresh_ms);

#endif
