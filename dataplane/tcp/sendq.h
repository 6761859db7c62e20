/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sendq.h is what a connection has been given to send and has not had acknowledged: fragments in
 * order, each with its sequence range. Bytes stay where they are; an entry holds the fragment's
 * reference until the whole of it is acknowledged.
 *
 *   head ── entry ── entry ── entry ── tail
 *   [start            ...              end)   sequence numbers; start <= snd_una
 *
 * Memory. Entries of 48 bytes from a pool shared by the stack's connections.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_SENDQ_H
#define SPILLWAY_DATAPLANE_TCP_SENDQ_H

#include "dataplane/base/pool.h"
#include "dataplane/base/span.h"
#include "dataplane/tcp/options.h"

struct sendq_entry {
	struct sendq_entry *next;
	uint32_t seq;          /* of its first byte */
	uint32_t len;          /* bytes, > 0 */
	bool is_inline;
	union {
		struct span span;
		uint8_t bytes[FRAG_INLINE_MAX];
	};
};

/* who gathers: each has its own place in the queue, so that neither starts from the head */
enum sendq_reader {
	SENDQ_NEW,
	SENDQ_AGAIN,
	SENDQ_READER_CNT
};

struct sendq {
	struct sendq_entry *head;
	struct sendq_entry *tail;
	struct sendq_entry *hint[SENDQ_READER_CNT]; /* where the reader last was; NULL: the head */
	uint32_t end;          /* sequence number after the last byte queued */
	uint32_t cnt;          /* entries, [0, TCP_SEND_ENTRIES_MAX] */
};

/* sendq_init makes an empty queue whose first byte will have number seq. */
void
sendq_init(struct sendq *queue, uint32_t seq);

/* sendq_append takes over fragments, none empty.
 *
 * Returns 0, or -ENOBUFS with nothing taken: the pool has fewer than cnt entries, or the queue
 * would have more than TCP_SEND_ENTRIES_MAX. */
int
sendq_append(struct sendq *queue, struct pool *pool, const struct frag *frags, uint32_t cnt);

/* sendq_gather lists the bytes of a range.
 *
 * range  not empty, within the queue.
 * span   out, room for PKT_SPANS_MAX, *span_cnt is how many; references are not taken.
 * Returns the bytes listed: the range's, or fewer when they lie in more than PKT_SPANS_MAX
 * entries. */
uint32_t
sendq_gather(struct sendq *queue, enum sendq_reader reader, struct tcp_range range,
             struct span *span, uint16_t *span_cnt);

/* sendq_release gives up the entries that lie wholly before una. */
void
sendq_release(struct sendq *queue, struct pool *pool, uint32_t una);

/* sendq_clear gives up every entry. */
void
sendq_clear(struct sendq *queue, struct pool *pool);

#endif
