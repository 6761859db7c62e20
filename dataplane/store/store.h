/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* store.h is the content: which torrents there are, and the bytes of their blocks.
 *
 *   info_hash ──► torrent (cold) ──layout, files──► active ──block──► read units ──► io_uring
 *                                                        ◄── spans over cached buffers ──┘
 *
 * A block of a torrent lies in one or more read units (abi.h). A unit is read whole, once for all
 * who wait for it, with O_DIRECT into a buffer of the arena; its fingerprint is checked before
 * anyone sees it (unless the operator chose otherwise: enum store_integrity); it stays cached until
 * its buffer is needed. A unit that cannot be read or is not what was verified is withdrawn with
 * the pieces that it touches: counted, told to control, never sent.
 *
 * Threads. A store and its ring belong to one worker.
 * Memory. The arena is the caller's: page-aligned, hugepages if it can be. Cold torrents take one
 * table entry (<= 128 bytes); an active one keeps its layout memfd mapped and one bitfield.
 * Lifecycle of a torrent. store_add: cold. store_join by its first peer raises an ACTIVATE event.
 * store_layout, then store_files until complete: active. Without peers for STORE_IDLE_US, or when
 * another needs the place: cold again, with a DEACTIVATED event. store_remove: gone, once its
 * reads have ended.
 * Clauses. BEP 3 (pieces), BEP 47 (pad files are zeros).
 */
#ifndef SPILLWAY_DATAPLANE_STORE_STORE_H
#define SPILLWAY_DATAPLANE_STORE_STORE_H

#include "dataplane/abi.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/limits.h"
#include "dataplane/base/span.h"

struct store;
struct active;
struct content;
struct swarm;
struct unit;

/* Which reads have their fingerprint checked. */
enum store_integrity {
	STORE_INTEGRITY_ALWAYS,
	STORE_INTEGRITY_SAMPLED, /* one in 2^STORE_SAMPLE_SHIFT, drawn by lot; and all of a torrent
	                            from its first that differs until it is activated anew */
	STORE_INTEGRITY_OFF,
};

struct store_config {
	uint32_t torrents_max;
	uint32_t active_max;
	void *arena;                    /* aligned to 4096; outlives the store */
	uint64_t arena_len;             /* bytes; cut into buffers, 8 at least */
	uint32_t buffer_len;            /* power of two, [ABI_BUFFER_MIN, ABI_UNIT_MAX] */
	enum store_integrity integrity;
	bool polled;                    /* poll for reads of files that control says can be */
	struct counters *ctr;
	struct abi_torrent_stat *stats; /* [active_max], written by the store */
};

enum torrent_state {
	TORRENT_COLD,    /* known by its info_hash only */
	TORRENT_ASKED,   /* control was asked to activate it */
	TORRENT_FILLING, /* the layout is here, descriptors are coming */
	TORRENT_ACTIVE,
	TORRENT_GONE,    /* removed: what a stale pointer finds until the entry is used again */
	TORRENT_STATE_CNT
};

/* struct torrent is the part that a peer connection reads. Written by the store only. */
struct torrent {
	uint8_t info_hash[20];
	uint32_t id;
	enum torrent_state state;
	uint32_t peer_cnt;         /* store_join minus store_leave */
	struct active *active;     /* TORRENT_ACTIVE, else NULL */
	struct content *content;   /* the store's own; FILLING and ACTIVE, else NULL */
	struct torrent *chain;     /* of the info_hash table; of the free entries */
	struct torrent *id_chain;  /* of the id table */
	struct torrent *lru_prev;  /* FILLING and ACTIVE without peers, longest unused first */
	struct torrent *lru_next;
	uint64_t used_us;          /* when its last peer left, or when control was asked */
	/* what control said of it: written and read by the worker and wire */
	uint16_t congestion;       /* enum abi_congestion */
	bool relimit;              /* its peers' limits are about to follow */
	uint32_t group;
	uint64_t rate_bytes_per_s;
	uint32_t connections_max;  /* 0: not limited */
	uint16_t weight;
	uint16_t flags;            /* enum abi_entry_flag */
	void *shape;               /* the worker's: its share of what is sent, or NULL */
};
static_assert(sizeof(struct torrent) <= 128, "a cold torrent is one small entry");

/* struct active is an active torrent's content as peers need it. Written by the store only. */
struct active {
	const struct abi_layout *layout;   /* the mapped memfd, checked once by store_layout */
	const struct abi_extent *extents;
	const uint64_t *fingerprints;
	const uint8_t *metadata;           /* layout->metadata_len bytes */
	uint8_t *have;                     /* BEP 3 bitfield without the pieces withdrawn */
	uint32_t have_cnt;                 /* pieces had */
	uint32_t withdrawn_cnt;            /* pieces withdrawn since activation: grows */
	struct abi_torrent_stat *stat;     /* uploaded_bytes, request_cnt: written by wire */
	struct swarm *swarm;               /* wire's own; NULL without peers */
};

/* active_piece_len returns the bytes of a piece: the last one may be short. piece: in range. */
static inline uint32_t
active_piece_len(const struct active *active, uint32_t piece)
{
	uint64_t begin = (uint64_t)piece * active->layout->piece_len;
	uint64_t left = active->layout->total_len - begin;

	return left < active->layout->piece_len ? (uint32_t)left : active->layout->piece_len;
}

/* active_has tells whether a piece is had. piece: in range. */
static inline bool
active_has(const struct active *active, uint32_t piece)
{
	return (active->have[piece / 8] >> (7 - piece % 8)) & 1;
}

enum store_status {
	STORE_READY,   /* the spans hold the block */
	STORE_PENDING, /* store_reap will return the request */
	STORE_BUSY,    /* no buffer or ring entry: not taken, try again when something is freed */
	STORE_SHARE,   /* its torrent has its share of the reads: not taken, again when some end */
	STORE_ABSENT,  /* withdrawn, or the torrent is no longer active: there is no such block */
};

/* struct store_req is one block asked for. The asker owns the memory until the request is READY,
 * ABSENT, reaped or cancelled, and fills the first part. */
struct store_req {
	struct torrent *torrent;
	uint32_t piece;
	uint32_t begin;            /* bytes into the piece */
	uint32_t len;              /* [1, WIRE_REQUEST_LEN_MAX], inside the piece */
	bool again;                /* to be sent again: may take the last buffers */
	void *owner;               /* the asker's */
	/* result */
	enum store_status status;
	uint32_t span_cnt;
	struct span spans[STORE_SPANS_MAX]; /* each holds a reference that the asker releases */
	/* the store's own while PENDING */
	struct store_req *next;    /* of the list that it is in: stalled, or over */
	struct store_req *prev;
	struct buf *gather;        /* buffers that the block is copied into, or NULL */
	uint32_t done;             /* bytes gathered */
	uint32_t waiting_cnt;      /* units still being read */
	uint32_t place;            /* what it waits for */
	struct store_wait {        /* one for each unit waited for */
		struct store_wait *next;
		struct store_wait *prev;
		struct store_req *req;
		struct unit *unit; /* NULL: not waiting */
	} wait[STORE_SPANS_MAX];
};

enum store_event_type {
	STORE_EV_ACTIVATE,
	STORE_EV_DEACTIVATED,
	STORE_EV_WITHDRAWN,
};

struct store_event {
	enum store_event_type type;
	uint32_t id;
	struct abi_deactivated deactivated;
	struct abi_withdrawn withdrawn;
};

/* store_create makes a store, its ring (SINGLE_ISSUER | DEFER_TASKRUN: create and use it on one
 * thread) with the arena registered as fixed buffers and an empty table of fixed files.
 *
 * Raises the limit of open files as far as it may, for the table is bound by it. An arena that may
 * not be pinned (RLIMIT_MEMLOCK) is read into all the same, at some cost.
 *
 * Returns the store, or NULL with errno: EINVAL (arena too small or not aligned, buffers of a
 * length that is not allowed), ENOMEM, or what io_uring said (EPERM, ENOSYS). */
COLD struct store *
store_create(const struct store_config *config);

/* store_destroy waits for reads in flight and frees all. Every span must be back (asserted). */
COLD void
store_destroy(struct store *store);

/* ---- the catalogue: called for control's messages, never per packet */

/* store_add makes a cold torrent. Adding the same again is ABI_OK.
 * Returns ABI_OK, ABI_ERR_EXISTS (same id or hash, other hash or id), ABI_ERR_FULL, ABI_ERR_MESSAGE
 * (id 0). */
COLD enum abi_status
store_add(struct store *store, uint32_t id, const uint8_t info_hash[20]);

/* store_by_id finds a torrent by control's id. NULL: none. */
COLD struct torrent *
store_by_id(struct store *store, uint32_t id);

/* store_remove takes a torrent out. Its peers must have left first (asserted: peer_cnt 0).
 * Reads in flight are abandoned, requests still PENDING are reaped as ABSENT; spans handed out stay
 * good. No DEACTIVATED event. Returns ABI_OK or ABI_ERR_UNKNOWN. */
COLD enum abi_status
store_remove(struct store *store, uint32_t id);

/* store_layout takes an activation's first message: maps and checks the layout. Takes over fd.
 * A torrent that was filling (control died meanwhile) starts over.
 * Returns ABI_OK; ABI_ERR_UNKNOWN; ABI_ERR_STATE (active, and stays so); ABI_ERR_FULL (active_max
 * or the file table, nothing idle to let go); ABI_ERR_LAYOUT (also: units longer than a buffer);
 * ABI_ERR_SYSTEM with errno. On these last three the torrent is cold. */
COLD enum abi_status
store_layout(struct store *store, uint32_t id, int fd);

/* store_files takes the next cnt descriptors. Takes over the fds (it registers and closes them).
 * A torrent without files (pad only) is active after store_layout.
 * Returns ABI_OK; ABI_ERR_UNKNOWN; ABI_ERR_STATE (not filling; nothing changes); ABI_ERR_MESSAGE
 * (out of order, or more than the layout's); ABI_ERR_SYSTEM with errno (EINVAL: no regular file).
 * On these last two the torrent is cold. */
COLD enum abi_status
store_files(struct store *store, const struct abi_files *files, const int *fds, uint32_t cnt);

/* store_refuse answers an ACTIVATE: the content cannot be had. The torrent is cold again.
 * Returns ABI_OK, ABI_ERR_UNKNOWN, ABI_ERR_STATE (active, and stays so). */
COLD enum abi_status
store_refuse(struct store *store, uint32_t id);

/* store_withdraw takes pieces back that another worker found changed. Not active: nothing to do.
 * Returns ABI_OK, ABI_ERR_UNKNOWN, or ABI_ERR_MESSAGE (no such pieces; none is taken). */
COLD enum abi_status
store_withdraw(struct store *store, const struct abi_withdraw *withdraw);

/* store_held copies entries for ABI_HELD, from *cursor (0 first) on; returns how many, 0 at the
 * end. The catalogue must not change between calls. */
COLD uint32_t
store_held(struct store *store, uint32_t *cursor, struct abi_entry *entries, uint32_t max);

/* store_events takes up to max events for control, oldest first. Returns how many. */
COLD uint32_t
store_events(struct store *store, struct store_event *events, uint32_t max);

/* store_ask_again raises STORE_EV_ACTIVATE once more for every torrent whose activation is not
 * finished: control was restarted and may not have seen the first, or has forgotten it. */
COLD void
store_ask_again(struct store *store);

/* store_clock tells the store the time: by it reads are timed. Call before store_reap. */
void
store_clock(struct store *store, uint64_t now_us);

/* store_tick lets go of torrents idle for STORE_IDLE_US, a few a call. Call in housekeeping: it is
 * also the store's clock. */
void
store_tick(struct store *store, uint64_t now_us);

/* ---- peers */

/* store_find looks an info_hash up. NULL: unknown, or gone. */
struct torrent *
store_find(struct store *store, const uint8_t info_hash[20]);

/* store_join counts a peer in; a cold torrent is asked for (STORE_EV_ACTIVATE), again after
 * STORE_ASK_AGAIN_US without it becoming active. */
void
store_join(struct store *store, struct torrent *torrent);

/* store_leave counts a peer out. The torrent may be let go from now on. */
void
store_leave(struct store *store, struct torrent *torrent, uint64_t now_us);

/* ---- blocks */

/* store_read asks for a block. The range must lie in one piece of an active torrent that has it
 * (active_has), checked by the asker; a piece withdrawn meanwhile is STORE_ABSENT.
 *
 * A block that lies in more than STORE_SPANS_MAX units and pads, or in more files than its length
 * accounts for, is copied into buffers of its own, a window of units at a time: spans of up to
 * a buffer each. Pads are spans without buffer. All the buffers that a request needs to go on
 * are taken at once or not at all, so requests never wait for each other's.
 *
 * Returns READY or PENDING (also in req->status); BUSY, SHARE or ABSENT with the request not
 * taken; SHARE never for a request that reads again.
 * Reads are only queued: store_submit starts them. */
enum store_status
store_read(struct store *store, struct store_req *req);

/* store_cancel takes back a PENDING request: it will not be reaped, its references are dropped.
 * The unit's read goes on for others, or into the cache. status stays PENDING until store_reap
 * returns the request, so whoever sees PENDING may cancel. */
void
store_cancel(struct store *store, struct store_req *req);

/* store_submit starts queued reads: one system call, or none when nothing is queued or in flight.
 * Also lets completions in (DEFER_TASKRUN). */
void
store_submit(struct store *store);

/* store_reap returns requests that are over, [0, max): status READY (spans are the asker's to
 * release) or ABSENT. */
uint32_t
store_reap(struct store *store, struct store_req **reqs, uint32_t max);

/* store_reading returns the reads in flight or queued. */
uint32_t
store_reading(const struct store *store);

/* store_wait_fd returns a descriptor that polls readable once a read has ended, also one that ended
 * before the call. It holds until the next store_submit: ask for it before each sleep. */
int
store_wait_fd(const struct store *store);

/* store_free_buffers returns the arena's buffers that a read could take: free or only cached,
 * beside those that are kept for what is to be sent again (req->again). */
uint32_t
store_free_buffers(const struct store *store);

#endif
