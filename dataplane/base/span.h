/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* span.h is how content travels without being copied: store makes buffers, wire composes them
 * into fragments of a stream, tcp sends and releases them. It is the ground on which the packet
 * tower and the content tower meet.
 *
 *   struct buf   one buffer of a pool: memory, length, reference count
 *   struct span  some bytes of a buffer, with one reference on it
 *   struct frag  the next bytes of a stream: a span, or a few bytes held inline
 *
 * A fragment of content says where it is from: its origin, opaque to who sends it. The bytes of an
 * origin never change, so the sender may give its reference up when memory is short and ask the
 * fragment's maker for the bytes again.
 *
 * Threads. A pool, its buffers and all references belong to one worker; nothing is atomic.
 * Memory. A pool hands out its most recently freed buffer first, so that the hot set stays small.
 * Lifecycle. buf_pool_create; buf_get (one reference); buf_ref, buf_put; the last put returns the
 * buffer to its pool.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_SPAN_H
#define SPILLWAY_DATAPLANE_BASE_SPAN_H

#include "dataplane/base/common.h"

struct buf_pool;

struct buf {
	uint8_t *data;
	uint32_t refcnt;     /* 0 while free */
	uint32_t index;      /* in the pool, [0, cnt) */
	bool kept;           /* one reference is a cache's: given up when memory is short */
	struct buf_pool *pool;
	struct buf *next;    /* free list; the holder's own use while refcnt > 0 */
};

struct buf_pool {
	struct buf *free;
	uint32_t free_cnt;
	uint32_t idle_cnt;   /* kept buffers whose only reference is the cache's */
	uint32_t cnt;
	uint32_t buf_len;    /* bytes of each buffer */
	uint8_t *memory;     /* cnt * buf_len bytes */
	struct buf *bufs;
};

struct span {
	struct buf *buf;     /* one reference; NULL: data outlives every use, or is copied at once */
	const uint8_t *data;
	uint32_t len;        /* bytes */
};

/* struct origin is where bytes can be had again: those n bytes later are at off + n. */
struct origin {
	uint64_t id;         /* 0: nowhere */
	uint64_t off;
};

enum { FRAG_INLINE_MAX = 24 };

struct frag {
	struct span span;                /* used when inline_len is 0 */
	struct origin origin;            /* of the span; set in every fragment that has one */
	uint8_t inline_len;              /* [0, FRAG_INLINE_MAX] */
	uint8_t bytes[FRAG_INLINE_MAX];
};

/* buf_pool_create makes a pool of cnt buffers of buf_len bytes over memory.
 *
 * memory   cnt * buf_len bytes that outlive the pool, aligned as the buffers must be; not owned.
 * Returns the pool, or NULL when the heap is exhausted. Free with buf_pool_destroy. */
COLD struct buf_pool *
buf_pool_create(void *memory, uint32_t buf_len, uint32_t cnt);

/* buf_pool_destroy frees the pool. Every buffer must be back (asserted). NULL is allowed. */
COLD void
buf_pool_destroy(struct buf_pool *pool);

/* buf_get takes the most recently freed buffer, with one reference. NULL when none is free. */
static inline struct buf *
buf_get(struct buf_pool *pool)
{
	struct buf *buf = pool->free;

	if (UNLIKELY(buf == NULL))
		return NULL;
	dp_assert(buf->refcnt == 0);
	pool->free = buf->next;
	pool->free_cnt--;
	buf->refcnt = 1;
	buf->next = NULL;
	return buf;
}

/* buf_ref adds a reference to a buffer that already has one. */
static inline struct buf *
buf_ref(struct buf *buf)
{
	dp_assert(buf->refcnt > 0);
	if (buf->refcnt++ == 1)
		buf->pool->idle_cnt -= buf->kept;
	return buf;
}

/* buf_put drops one reference; the last one returns the buffer to its pool. */
static inline void
buf_put(struct buf *buf)
{
	dp_assert(buf->refcnt > 0);
	if (--buf->refcnt > 0) {
		if (buf->refcnt == 1)
			buf->pool->idle_cnt += buf->kept;
		return;
	}
	dp_assert(!buf->kept);
	buf->next = buf->pool->free;
	buf->pool->free = buf;
	buf->pool->free_cnt++;
}

/* buf_keep marks one of the buffer's references as a cache's, so that the pool can tell how many
 * buffers could be had back (idle_cnt). Not yet kept. */
static inline void
buf_keep(struct buf *buf)
{
	dp_assert(buf->refcnt > 0 && !buf->kept);
	buf->kept = true;
	buf->pool->idle_cnt += buf->refcnt == 1;
}

/* buf_unkeep ends buf_keep: the cache drops its reference next. */
static inline void
buf_unkeep(struct buf *buf)
{
	dp_assert(buf->refcnt > 0 && buf->kept);
	buf->kept = false;
	buf->pool->idle_cnt -= buf->refcnt == 1;
}

/* span_release drops the span's reference, if it has one. */
static inline void
span_release(struct span *span)
{
	if (span->buf != NULL)
		buf_put(span->buf);
	span->buf = NULL;
	span->len = 0;
}

/* frag_len returns the bytes of a fragment. */
static inline uint32_t
frag_len(const struct frag *frag)
{
	return frag->inline_len > 0 ? frag->inline_len : frag->span.len;
}

/* frag_release drops what a fragment holds. */
static inline void
frag_release(struct frag *frag)
{
	if (frag->inline_len == 0)
		span_release(&frag->span);
	frag->inline_len = 0;
}

#endif
