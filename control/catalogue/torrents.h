/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* torrents.h is the catalogue in memory: one small struct per torrent, found by id, info_hash or
 * name, and for each worker of the dataplane a queue of those whose place there is not what it
 * should be. Every visible change of a torrent gives it the next number of one growing counter, its
 * changed_serial, so that who has seen all up to some serial is told only what came after.
 *
 * Threads: one. Memory: about 350 bytes, the name, and 40 for each worker per torrent. Pointers to
 * a torrent last until torrents_free_one or torrents_destroy.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_TORRENTS_H
#define SPILLWAY_CONTROL_CATALOGUE_TORRENTS_H

#include "control/catalogue/catalogue.h"
#include "dataplane/abi.h"

#include <stdbool.h>
#include <stdint.h>

/* What a worker has of a torrent. */
enum torrent_sync {
	SYNC_ABSENT,
	SYNC_ADDING,   /* ABI_ADD not answered yet */
	SYNC_HELD,
	SYNC_REMOVING, /* ABI_REMOVE not answered yet */
	SYNC_REFUSED,  /* the worker would not take it */
};

/* Where a torrent stands at one worker. */
struct torrent_place {
	struct torrent *next; /* in the worker's queue */
	enum torrent_sync sync;
	bool is_queued;  /* in the queue of torrents_pop */
	bool activating; /* the worker waits for its layout */
	bool active;     /* the worker serves it now */
	bool stale;      /* what the worker may hold is outdated: remove, then add */
	bool reclass;    /* held with another congestion control than it should have */
	uint8_t add_exists_cnt;     /* ABI_ADD refused in a row because the info_hash is held */
	uint32_t live_peer_cnt;     /* of the last snapshot of the counters */
	uint32_t activation_serial; /* of the last activation begun; 0: none since ABI_ACTIVATE */
	uint64_t live_uploaded_bytes;
};

struct torrent {
	uint32_t id;
	uint8_t info_hash[20];
	enum torrent_state state;
	bool gone;       /* removed by the operator; lives until the last worker let go of it */
	bool to_verify;  /* waits for JOB_VERIFY */
	bool to_check;   /* waits for JOB_CHECK */
	bool in_verify;  /* is in JOB_VERIFY */
	char class_name[CLASS_NAME_MAX]; /* "" for none */
	char *name;
	char *reason;    /* never NULL; "" when there is nothing to say */
	char *labels;    /* never NULL; as labels.h */
	struct torrent_settings settings;
	bool partial;    /* files may be missing */
	bool managed;    /* a manifest names or has named it */
	uint64_t changed_serial;
	struct torrent *changed_before; /* in the list by changed_serial */
	struct torrent *changed_next;
	int64_t added_at;
	int64_t verified_at;
	uint64_t total_len;
	uint64_t uploaded_bytes; /* as in the catalogue, without what is active now */
	uint32_t file_cnt;
	uint32_t piece_cnt;
	uint32_t have_cnt;
	uint32_t withdrawn_cnt;
	uint32_t place_cnt;
	struct torrent_place place[]; /* by worker */
};

/* What a torrent is at all workers together. */
struct torrent_whole {
	bool held;    /* every worker has it as it is now: all is told */
	bool refused; /* some worker would not take it */
	bool active;  /* some worker serves it now */
	uint64_t peer_cnt;      /* of the last snapshot of the counters */
	uint64_t uploaded_bytes; /* with what is active now */
};

/* A torrent that is no more. */
struct torrents_removed {
	uint64_t serial; /* of its removal */
	uint32_t id;
	uint8_t info_hash[20];
};

enum torrents_limit {
	TORRENTS_REMOVED_MAX = 4096, /* removals that are remembered */
};

enum torrents_find {
	FIND_NONE = 0,
	FIND_ONE = 1,
	FIND_SEVERAL = 2,
};

struct torrents;

/* torrents_create makes an empty set for that many workers, [1, ABI_WORKERS_MAX].
 * Returns 0 or -ENOMEM. */
int
torrents_create(struct torrents **torrents, uint32_t worker_cnt);

/* torrents_destroy frees everything; NULL is allowed. */
void
torrents_destroy(struct torrents *torrents);

/* torrents_append adds a torrent from its row; id and info_hash must be new, the id above all
 * others. It is not found by info_hash or name before torrents_sort.
 * Returns it, or NULL when out of memory. */
struct torrent *
torrents_append(struct torrents *torrents, const struct catalogue_row *row);

/* torrents_sort ends a run of torrents_append. */
void
torrents_sort(struct torrents *torrents);

/* torrents_insert is torrents_append of one torrent that is found at once. */
struct torrent *
torrents_insert(struct torrents *torrents, const struct catalogue_row *row);

/* torrents_hide makes a torrent unfindable by info_hash and name, and sets gone. */
void
torrents_hide(struct torrents *torrents, struct torrent *torrent);

/* torrents_hide_all is torrents_hide of several, at a cost of all that there are. */
void
torrents_hide_all(struct torrents *torrents, struct torrent *const *all, uint32_t cnt);

/* torrents_take_back frees the last cnt torrents that torrents_append made, before torrents_sort.
 * */
void
torrents_take_back(struct torrents *torrents, uint32_t cnt);

/* torrents_whole sums up a torrent's places. */
struct torrent_whole
torrents_whole(const struct torrent *torrent);

/* torrents_free_one forgets a torrent, queued or not. */
void
torrents_free_one(struct torrents *torrents, struct torrent *torrent);

/* torrent_offered is true for what peers shall be served. */
static inline bool
torrent_offered(const struct torrent *torrent)
{
	return !torrent->gone && torrent->state == TORRENT_SEEDING && !torrent->settings.paused;
}

/* torrent_verifying is true while a torrent waits for verification or is in it, served or not. */
static inline bool
torrent_verifying(const struct torrent *torrent)
{
	return torrent->to_verify || torrent->in_verify;
}

/* torrents_cnt returns how many there are, hidden ones included. */
uint32_t
torrents_cnt(const struct torrents *torrents);

/* torrents_shown_cnt returns how many are not hidden. */
uint32_t
torrents_shown_cnt(const struct torrents *torrents);

/* torrents_uploaded_bytes returns the sum of uploaded_bytes of those that are not hidden. */
uint64_t
torrents_uploaded_bytes(const struct torrents *torrents);

/* torrents_add_uploaded adds to what a torrent has uploaded. */
void
torrents_add_uploaded(struct torrents *torrents, struct torrent *torrent, uint64_t bytes);

/* torrents_by_id returns the torrent or NULL. */
struct torrent *
torrents_by_id(const struct torrents *torrents, uint32_t id);

/* torrents_after returns the torrent with the smallest id above id, or NULL: a walk that bears
 * changes between its steps. Hidden ones are included. */
struct torrent *
torrents_after(const struct torrents *torrents, uint32_t id);

/* torrents_by_hash returns the torrent or NULL. */
struct torrent *
torrents_by_hash(const struct torrents *torrents, const uint8_t info_hash[20]);

/* torrents_find finds what an operator means: a whole info_hash or its first 8 or more hex digits,
 * else the exact name, else the beginning of a name.
 *
 * found  out on FIND_ONE. */
enum torrents_find
torrents_find(const struct torrents *torrents, const char *text, struct torrent **found);

/* torrents_set_reason replaces reason; when out of memory it becomes "". */
void
torrents_set_reason(struct torrents *torrents, struct torrent *torrent, const char *reason);

/* torrents_set_labels replaces labels. Returns 0 or -ENOMEM: nothing is changed then. */
int
torrents_set_labels(struct torrents *torrents, struct torrent *torrent, const char *labels);

/* torrents_touch notes that something visible of a torrent has changed; one that is gone is left
 * as it is. */
void
torrents_touch(struct torrents *torrents, struct torrent *torrent);

/* torrents_serial_begin makes serials go on above serial, for an empty set: those that an earlier
 * run gave must not come again. */
void
torrents_serial_begin(struct torrents *torrents, uint64_t serial);

/* torrents_serial returns the last serial that was given. */
uint64_t
torrents_serial(const struct torrents *torrents);

/* torrents_serial_known is false when what was changed and removed after serial cannot be told one
 * by one: it is of another run, or more was removed than is remembered. */
bool
torrents_serial_known(const struct torrents *torrents, uint64_t serial);

/* torrents_changed_after returns the torrent that changed first after serial, or NULL; its
 * changed_next is the one that changed next. Hidden ones are not included. The cost is the number
 * of torrents that changed after serial. */
struct torrent *
torrents_changed_after(const struct torrents *torrents, uint64_t serial);

/* torrents_removed_after returns what was removed first after serial, or NULL. */
const struct torrents_removed *
torrents_removed_after(const struct torrents *torrents, uint64_t serial);

/* torrents_push queues a torrent for a worker unless it is queued already; order is kept. */
void
torrents_push(struct torrents *torrents, uint32_t worker, struct torrent *torrent);

/* torrents_push_all queues a torrent for every worker. */
void
torrents_push_all(struct torrents *torrents, struct torrent *torrent);

/* torrents_peek returns the first of a worker's queue, or NULL. */
struct torrent *
torrents_peek(const struct torrents *torrents, uint32_t worker);

/* torrents_pop takes the first off a worker's queue, which must not be empty. */
struct torrent *
torrents_pop(struct torrents *torrents, uint32_t worker);

#endif
