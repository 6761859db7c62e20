/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What changed when: a list of all torrents by their last change, and a ring of removals. */
#include "control/catalogue/torrents_set.h"

#include <string.h>

void
changes_forget(struct torrents *torrents, struct torrent *torrent)
{
	struct torrent *before = torrent->changed_before, *next = torrent->changed_next;

	if (torrent->changed_serial == 0)
		return;
	if (before != NULL)
		before->changed_next = next;
	else
		torrents->changed_first = next;
	if (next != NULL)
		next->changed_before = before;
	else
		torrents->changed_last = before;
	torrent->changed_before = torrent->changed_next = NULL;
	torrent->changed_serial = 0;
}

void
changes_removed(struct torrents *torrents, const struct torrent *torrent)
{
	struct torrents_removed *removed =
		&torrents->removed[torrents->removed_cnt++ % TORRENTS_REMOVED_MAX];

	if (torrents->removed_cnt > TORRENTS_REMOVED_MAX)
		torrents->serial_first = removed->serial;
	removed->serial = ++torrents->serial;
	removed->id = torrent->id;
	memcpy(removed->info_hash, torrent->info_hash, sizeof(removed->info_hash));
}

void
torrents_touch(struct torrents *torrents, struct torrent *torrent)
{
	if (torrent->gone)
		return;
	changes_forget(torrents, torrent);
	torrent->changed_serial = ++torrents->serial;
	torrent->changed_before = torrents->changed_last;
	if (torrents->changed_last != NULL)
		torrents->changed_last->changed_next = torrent;
	else
		torrents->changed_first = torrent;
	torrents->changed_last = torrent;
}

void
torrents_serial_begin(struct torrents *torrents, uint64_t serial)
{
	torrents->serial = torrents->serial_first = serial;
}

uint64_t
torrents_serial(const struct torrents *torrents)
{
	return torrents->serial;
}

bool
torrents_serial_known(const struct torrents *torrents, uint64_t serial)
{
	return serial >= torrents->serial_first && serial <= torrents->serial;
}

struct torrent *
torrents_changed_after(const struct torrents *torrents, uint64_t serial)
{
	struct torrent *first = NULL;

	for (struct torrent *t = torrents->changed_last; t != NULL && t->changed_serial > serial;
	     t = t->changed_before)
		first = t;
	return first;
}

const struct torrents_removed *
torrents_removed_after(const struct torrents *torrents, uint64_t serial)
{
	uint64_t low = torrents->removed_cnt > TORRENTS_REMOVED_MAX
	                   ? torrents->removed_cnt - TORRENTS_REMOVED_MAX
	                   : 0;
	uint64_t high = torrents->removed_cnt;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (torrents->removed[middle % TORRENTS_REMOVED_MAX].serial <= serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low < torrents->removed_cnt ? &torrents->removed[low % TORRENTS_REMOVED_MAX] : NULL;
}
