/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cache.h is the read units in memory: being read, or read and kept until their buffer is needed.
 *
 *   (content, unit index) ──hash──► struct unit ◄──1:1──► struct buf of the arena
 *
 * A unit's place is its buffer's: units[i] describes bufs[i]. The cache holds one reference;
 * whoever uses the bytes holds others. What gives way is found by CLOCK over the buffers: units
 * with no reference but the cache's, those asked for again later than the others. Bytes asked for
 * the first time do not count as use, so one walk through much content leaves what is popular in
 * place. Of a few next to each other a unit that was asked for to its end goes first: of the
 * others the rest is about to be wanted.
 *
 * The cache takes no more buffers than are of use. While twice as many units give way as it may
 * take, and nothing of all that is asked for again, it is to take half as many, down to
 * STORE_HOT_LEN in all, as much as a CPU's own cache holds: a unit that was asked for to its end
 * then gives its buffer to the next, though others are free. Ghosts remember what had to go; one
 * that is asked for again lets the cache take more.
 *
 * Threads. One worker. Memory. All at cache_init: 128 bytes a buffer.
 * Lifecycle of a unit. cache_take: READING; cache_ready: READY; cache_drop, cache_detach: gone.
 */
#ifndef SPILLWAY_DATAPLANE_STORE_CACHE_H
#define SPILLWAY_DATAPLANE_STORE_CACHE_H

#include "dataplane/base/counters.h"
#include "dataplane/base/span.h"

#include <assert.h>

struct abi_extent;
struct content;
struct store_config;
struct store_wait;

enum unit_state {
	UNIT_NONE,
	UNIT_READING,
	UNIT_READY,
	UNIT_DETACHED, /* still read by the kernel, but nobody's */
};

struct unit {
	/* line 0: found by requests */
	struct unit *chain;             /* of the hash table */
	struct content *content;
	uint32_t index;                 /* of the fingerprint */
	enum unit_state state;
	struct buf *buf;
	uint32_t asked_len;             /* bytes [0, asked_len) have been asked for */
	uint16_t use_cnt;               /* times asked for again, [0, UNIT_USES_MAX] */
	uint16_t retry_cnt;             /* of the read */
	struct store_wait *wait_first;  /* requests, in the order asked */
	struct store_wait *wait_last;
	/* line 1: the read */
	const struct abi_extent *extent; /* the file's */
	uint64_t file_off;              /* bytes */
	uint32_t len;                   /* true bytes of the unit */
	uint32_t done;                  /* of which are read */
	uint32_t place;                 /* fixed-file index */
	uint32_t read_us;               /* when it was queued, modulo 2^32 */
	struct unit *own_next;          /* of the content's units */
	struct unit *own_prev;
};
static_assert(sizeof(struct unit) <= 128, "two lines a buffer");

struct cache {
	struct buf_pool *pool;
	struct unit *units;    /* [pool->cnt] */
	struct unit **table;
	uint32_t table_shift;  /* 64 - log2 of the table's length */
	uint32_t buf_shift;    /* log2 of a buffer's bytes */
	uint32_t hand;         /* of the clock, [0, high) */
	uint32_t high;         /* buffers [0, high) have been used */
	uint32_t target;       /* buffers taken before units give way */
	uint32_t target_min;
	uint32_t barren_cnt;   /* units that gave way since anything was asked for again */
	uint32_t *ghosts;      /* by table place: of the unit that went last, 0: none */
	uint64_t multiplier;   /* odd, random */
	struct counters *ctr;
};

/* cache_init cuts the configuration's arena into buf_cnt buffers.
 * random: secret bits for the table.
 * Returns 0 or -ENOMEM. End with cache_fini. */
COLD int
cache_init(struct cache *cache, const struct store_config *config, uint32_t buf_cnt,
           uint64_t random);

/* cache_fini drops every unit and frees all. No read may be in flight, no span out (asserted). */
COLD void
cache_fini(struct cache *cache);

/* cache_available returns the buffers that can be had now: free, or only cached. */
static inline uint32_t
cache_available(const struct cache *cache)
{
	return cache->pool->free_cnt + cache->pool->idle_cnt;
}

/* cache_buf_get takes a buffer with one reference, from a unit if none is free.
 * cache_available must be > 0 (asserted). */
struct buf *
cache_buf_get(struct cache *cache);

/* cache_find returns the unit of a content with that index, READING or READY, or NULL. */
struct unit *
cache_find(const struct cache *cache, const struct content *content, uint32_t index);

/* cache_take makes a unit READING, with a buffer. It is not there yet, and cache_available > 0. */
struct unit *
cache_take(struct cache *cache, struct content *content, uint32_t index);

/* cache_use notes that bytes [begin, end) of a unit were asked for. */
void
cache_use(struct cache *cache, struct unit *unit, uint32_t begin, uint32_t end);

/* cache_ready makes a READING unit READY: from now on it may give way when nobody uses it. */
void
cache_ready(struct unit *unit);

/* cache_drop forgets a unit that the kernel does not read (any more). Nobody waits for it. */
void
cache_drop(struct cache *cache, struct unit *unit);

/* cache_detach forgets a READING unit whose read goes on: its buffer stays until cache_drop. */
COLD void
cache_detach(struct cache *cache, struct unit *unit);

#endif
