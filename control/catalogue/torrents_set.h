/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* torrents_set.h is what the parts of torrents.h share: torrents.c (the set) and torrents_changes.c
 * (what changed when).
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_TORRENTS_SET_H
#define SPILLWAY_CONTROL_CATALOGUE_TORRENTS_SET_H

#include "control/catalogue/torrents.h"

struct torrents {
	uint32_t *ids;            /* ascending; freed ones too, until there are many */
	struct torrent **by_id;   /* as ids; hidden ones included, NULL for freed ones */
	struct torrent **by_hash; /* ascending; hidden ones not included */
	uint32_t id_cnt;   /* of ids and by_id */
	uint32_t hole_cnt; /* of them freed */
	uint32_t hash_cnt;
	uint32_t room; /* of each array */
	uint32_t worker_cnt;
	uint64_t uploaded_bytes; /* of all that are not hidden */
	struct {
		struct torrent *head;
		struct torrent *tail;
	} queue[ABI_WORKERS_MAX]; /* by worker */
	uint64_t serial;               /* the last that was given */
	uint64_t serial_first;         /* what was removed up to here is not known one by one */
	struct torrent *changed_first; /* the list by changed_serial, ascending */
	struct torrent *changed_last;
	struct torrents_removed removed[TORRENTS_REMOVED_MAX]; /* a ring */
	uint64_t removed_cnt;                                  /* ever */
};

/* changes_forget takes a torrent out of the list of changes. */
void
changes_forget(struct torrents *torrents, struct torrent *torrent);

/* changes_removed notes that a torrent is gone. */
void
changes_removed(struct torrents *torrents, const struct torrent *torrent);

#endif
