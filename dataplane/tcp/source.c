/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Counts by address: linear probing; what leaves lets those behind it move up, so that no marks
 * of the deleted pile up. */
#include "dataplane/tcp/source.h"

#include "dataplane/tcp/isn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
source_init(struct sources *sources, uint32_t connections_max, const uint64_t secret[2])
{
	uint32_t places = 64;

	while (places < 2 * connections_max)
		places *= 2;
	memset(sources, 0, sizeof(*sources));
	sources->place = calloc(places, sizeof(*sources->place));
	if (sources->place == NULL)
		return -ENOMEM;
	sources->mask = places - 1;
	memcpy(sources->secret, secret, sizeof(sources->secret));
	return 0;
}

void
source_fini(struct sources *sources)
{
	free(sources->place);
	memset(sources, 0, sizeof(*sources));
}

static uint32_t
home_of(const struct sources *sources, uint32_t addr_be)
{
	struct flow_key key = {.remote_be = addr_be};

	return (uint32_t)isn_hash(sources->secret, &key, ISN_SALT_SOURCE) & sources->mask;
}

static bool
is_free(const struct source *source)
{
	return source->cnt[SOURCE_OPEN] == 0 && source->cnt[SOURCE_HALF_OPEN] == 0;
}

/* place_of returns where an address is, or the free place where it would be. */
static uint32_t
place_of(const struct sources *sources, uint32_t addr_be)
{
	uint32_t at = home_of(sources, addr_be);

	while (!is_free(&sources->place[at]) && sources->place[at].addr_be != addr_be)
		at = (at + 1) & sources->mask;
	return at;
}

uint32_t
source_cnt(const struct sources *sources, uint32_t addr_be, enum source_kind kind)
{
	return sources->place[place_of(sources, addr_be)].cnt[kind];
}

void
source_add(struct sources *sources, uint32_t addr_be, enum source_kind kind)
{
	struct source *source = &sources->place[place_of(sources, addr_be)];

	if (is_free(source)) {
		dp_assert(sources->used_cnt <= sources->mask / 2);
		source->addr_be = addr_be;
		sources->used_cnt++;
	}
	source->cnt[kind]++;
}

/* close_up fills a place that became free with one behind it that may stand there. */
static void
close_up(struct sources *sources, uint32_t hole)
{
	uint32_t at = hole;

	for (;;) {
		struct source *source;

		at = (at + 1) & sources->mask;
		source = &sources->place[at];
		if (is_free(source))
			return;
		/* it must not stand before its home */
		if (((at - home_of(sources, source->addr_be)) & sources->mask) <
		    ((at - hole) & sources->mask))
			continue;
		sources->place[hole] = *source;
		*source = (struct source){0};
		hole = at;
	}
}

void
source_remove(struct sources *sources, uint32_t addr_be, enum source_kind kind)
{
	uint32_t at = place_of(sources, addr_be);
	struct source *source = &sources->place[at];

	dp_assert(source->cnt[kind] > 0);
	source->cnt[kind]--;
	if (!is_free(source))
		return;
	sources->used_cnt--;
	close_up(sources, at);
}
