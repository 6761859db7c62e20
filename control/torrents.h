/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* torrents.h is the catalogue in memory: one small struct per torrent, found by id, info_hash or
 * name, and for each worker of the dataplane a queue of those whose place there is not what it
 * should be.
 *
 * Threads: one. Memory: about 200 bytes, the name, and 40 for each worker per torrent. Pointers to
 * a torrent last until torrents_free_one or torrents_destroy.
 */
#ifndef SPILLWAY_CONTROL_TORRENTS_H
#define SPILLWAY_CONTROL_TORRENTS_H

#include "control/catalogue.h"
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
	char class_name[CLASS_NAME_MAX]; /* "" for none */
	char *name;
	char *reason;    /* never NULL; "" when there is nothing to say */
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

/* torrents_whole sums up a torrent's places. */
struct torrent_whole
torrents_whole(const struct torrent *torrent);

/* torrents_free_one forgets a torrent, queued or not. */
void
torrents_free_one(struct torrents *torrents, struct torrent *torrent);

/* torrents_cnt returns how many there are, hidden ones included. */
uint32_t
torrents_cnt(const struct torrents *torrents);

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
torrents_set_reason(struct torrent *torrent, const char *reason);

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
