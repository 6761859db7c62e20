/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* state.h is what the files of the store share: its one struct, an activation's, and the functions
 * by which catalogue, content, block reads and unit reads call each other.
 *
 *   read.c (requests) ──► unit.c (units, fingerprints) ──► cache.c, ring.c
 *   content.c (activations, withdrawals) ──► layout.c, catalogue.c (tables, events)
 */
#ifndef SPILLWAY_DATAPLANE_STORE_STATE_H
#define SPILLWAY_DATAPLANE_STORE_STATE_H

#include "dataplane/store/cache.h"
#include "dataplane/store/ring.h"
#include "dataplane/store/store.h"

/* struct content is an activation: a place of [0, active_max), used from store_layout on. */
struct content {
	struct active active;      /* what peers see */
	struct torrent *torrent;   /* NULL: the place is free */
	struct unit *units;        /* in the cache or being read */
	uint32_t slot;             /* own index */
	uint32_t files_got;        /* descriptors registered */
	uint32_t reading_cnt;      /* of its units */
	uint8_t unit_shift;        /* log2 of the unit's bytes */
	bool polled;               /* its reads */
	bool suspect;              /* a unit differed: every read is checked from now on */
	uint32_t *places;          /* fixed-file index of each file, [layout->file_cnt] */
	size_t own_len;            /* bytes of the mapping that places and have are in */
	size_t map_len;            /* of the layout's */
	struct content *next;      /* of the free places */
};

/* struct file_places hands out places of the ring's file table, lowest first, last freed first. */
struct file_places {
	uint32_t *free;
	uint32_t free_cnt;
};

struct req_list {
	struct store_req *first;
	struct store_req *last;
	uint32_t cnt;
};

enum req_place {
	REQ_NOWHERE,
	REQ_WAITING, /* for units */
	REQ_STALLED, /* for buffers or ring entries, in the middle of gathering */
	REQ_READY,   /* to be reaped */
	REQ_ABSENT,  /* to be reaped */
};

struct store {
	/* every turn */
	struct cache cache;
	struct ring *ring;
	struct counters *ctr;
	struct req_list over;
	struct req_list stalled;
	uint32_t gather_cnt;         /* buffers that requests gather into */
	enum store_integrity integrity;
	uint64_t lot;                /* of the sampled reads; secret */
	/* handshakes and control */
	struct torrent *torrents;    /* [torrents_max] */
	struct torrent *torrents_free;
	uint32_t torrents_max;
	uint32_t torrents_used;      /* entries [0, this) have been used once */
	uint32_t torrent_cnt;
	struct torrent **by_hash;
	struct torrent **by_id;
	uint32_t table_mask;
	uint64_t seed;               /* secret of both tables */
	struct torrent idle;         /* head of the list of idle torrents */
	uint64_t now_us;
	struct content *contents;    /* [active_max] */
	struct content *contents_free;
	uint32_t active_max;
	uint32_t active_cnt;
	struct abi_torrent_stat *stats;
	struct file_places places;
	struct store_event *events;  /* [STORE_EVENTS_MAX], a ring */
	uint32_t event_first;
	uint32_t event_cnt;
};

/* ---- catalogue.c */

/* catalogue_init makes the tables; catalogue_fini frees them. 0 or -ENOMEM. */
COLD int
catalogue_init(struct store *store, uint32_t torrents_max);

COLD void
catalogue_fini(struct store *store);

/* catalogue_event queues an event; false (counted) when the queue is full. */
COLD bool
catalogue_event(struct store *store, const struct store_event *event);

/* catalogue_idle puts a torrent at the end of the idle list; catalogue_busy takes it off, if on. */
COLD void
catalogue_idle(struct store *store, struct torrent *torrent);

COLD void
catalogue_busy(struct torrent *torrent);

/* ---- content.c */

/* content_init makes the places; content_fini ends every activation and frees them. */
COLD int
content_init(struct store *store, uint32_t active_max);

COLD void
content_fini(struct store *store);

/* content_end makes a FILLING or ACTIVE torrent cold: its places and files are free, its requests
 * end ABSENT. tell: with a DEACTIVATED event if it was active. */
COLD void
content_end(struct store *store, struct torrent *torrent, bool tell);

/* content_withdraw takes back the pieces that a unit touches and tells control. */
COLD void
content_withdraw(struct store *store, const struct unit *unit, enum abi_reason reason,
                 int sys_errno);

/* content_of returns the struct content around what peers see. */
static inline struct content *
content_of(struct active *active)
{
	return CONTAINER_OF(active, struct content, active);
}

/* ---- unit.c */

/* unit_read takes a unit that is not in the cache and queues its read. There must be a buffer and
 * room in the ring. extent: the file's. */
struct unit *
unit_read(struct store *store, struct content *content, const struct abi_extent *extent,
          uint32_t index);

/* unit_wait makes a request wait for a READING unit; unit_unwait takes it back. */
void
unit_wait(struct unit *unit, struct store_wait *wait);

void
unit_unwait(struct store_wait *wait);

/* unit_ended takes the result of a unit's read: reads on, checks and keeps it, or withdraws it, and
 * lets the requests that waited go on. */
void
unit_ended(struct store *store, struct unit *unit, int32_t res);

/* unit_abandon forgets a unit at the end of its content; requests that wait end ABSENT. */
COLD void
unit_abandon(struct store *store, struct unit *unit);

/* ---- read.c */

/* request_unit_ready lets a request go on: one unit that it waited for is READY. */
void
request_unit_ready(struct store *store, struct store_req *req);

/* store_request_absent ends a PENDING request that cannot be had. */
COLD void
store_request_absent(struct store *store, struct store_req *req);

/* store_requests_abandon ends a torrent's stalled requests. */
COLD void
store_requests_abandon(struct store *store, const struct torrent *torrent);

#endif
