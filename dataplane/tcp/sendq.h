/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sendq.h is what a connection has been given to send and has not had acknowledged: fragments in
 * order, each with its sequence range. Bytes stay where they are; an entry holds the fragment's
 * reference until the whole of it is acknowledged, or until it is given up because memory is short.
 *
 *   head ── entry ── entry ── entry ── tail
 *   [start            ...              end)   sequence numbers; start <= snd_una
 *
 * An entry with an origin is HELD from when it has been sent whole. sendq_give_up makes it GIVEN:
 * it keeps its range and its origin. When the bytes are to leave once more, sendq_lacks says that
 * they are wanted; the owner gets them and sendq_refill puts them in. They are FRESH until some of
 * them have left, and are not given up before.
 *
 * Memory. Entries of 64 bytes from a pool shared by the stack's connections.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_SENDQ_H
#define SPILLWAY_DATAPLANE_TCP_SENDQ_H

#include "dataplane/base/pool.h"
#include "dataplane/base/span.h"
#include "dataplane/tcp/options.h"

enum sendq_flag {
	SENDQ_INLINE = 1 << 0,
	SENDQ_ORIGIN = 1 << 1, /* can be had again */
	SENDQ_HELD = 1 << 2,   /* counted in holding->held_bytes */
	SENDQ_GIVEN = 1 << 3,  /* the reference was given up */
	SENDQ_FRESH = 1 << 4,  /* had again, and not sent since */
};

struct sendq_entry {
	struct sendq_entry *next;
	struct sendq_entry *prev;
	uint32_t seq;          /* of its first byte */
	uint32_t len;          /* bytes, > 0 */
	uint32_t flags;        /* enum sendq_flag */
	union {
		struct {
			struct buf *buf;       /* one reference, or NULL */
			const uint8_t *data;
			struct origin origin;
		};
		uint8_t bytes[FRAG_INLINE_MAX];
	};
};

/* who gathers: each has its own place in the queue, so that neither starts from the head */
enum sendq_reader {
	SENDQ_NEW,
	SENDQ_AGAIN,
};

struct holding;

struct sendq {
	struct sendq_entry *head;
	struct sendq_entry *tail;
	struct sendq_entry *hint; /* where SENDQ_NEW last was; NULL: the head */
	struct holding *hold;  /* of queues with anything in them; NULL: nothing can be given up */
	uint32_t end;          /* sequence number after the last byte queued */
	uint16_t cnt;          /* entries, [0, TCP_SEND_ENTRIES_MAX] */
	uint16_t given_cnt;    /* of them GIVEN */
};

/* struct holding is what a connection holds of content, and what it has given up. */
struct holding {
	struct holding *next;          /* of those of its rank */
	struct holding *prev;
	struct tcb *tcb;
	uint32_t held_bytes;           /* of its HELD entries */
	uint8_t rank;                  /* of held_bytes; 0: in no list */
	bool told_due;                 /* in the list of those that want bytes back */
	struct sendq_entry *hint;      /* where SENDQ_AGAIN last was; NULL: the head */
	struct sendq_entry *cursor;    /* where giving up goes on; NULL: at the newest sent */
	struct sendq_entry *wanted;    /* GIVEN, and holds back what is to be sent; NULL: none */
	struct sendq_entry *asked;     /* GIVEN, and its owner was told; NULL: none */
	struct holding *want_next;
	struct holding *want_prev;
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
 * range  not empty, within the queue; the first byte is there (asserted: see sendq_lacks).
 * span   out, room for PKT_SPANS_MAX, *span_cnt is how many; references are not taken.
 * Returns the bytes listed: the range's, or fewer when they lie in more than PKT_SPANS_MAX
 * entries, or in front of bytes that were given up. */
uint32_t
sendq_gather(struct sendq *queue, enum sendq_reader reader, struct tcp_range range,
             struct span *span, uint16_t *span_cnt);

/* sendq_look is sendq_lacks where something has been given up. */
bool
sendq_look(struct sendq *queue, enum sendq_reader reader, struct tcp_range range);

/* sendq_lacks tells whether some of a segment that is to leave was given up. Then the first such
 * entry is wanted, unless another is, until sendq_unwant.
 *
 * range  a segment's, so that it is as long as ever; it may begin or end at the queue's end, or
 *        behind a FIN. */
static inline bool
sendq_lacks(struct sendq *queue, enum sendq_reader reader, struct tcp_range range)
{
	return UNLIKELY(queue->given_cnt > 0) && sendq_look(queue, reader, range);
}

/* sendq_unwant forgets what is wanted: before looking what is to be sent. */
static inline void
sendq_unwant(struct sendq *queue)
{
	if (UNLIKELY(queue->given_cnt > 0))
		queue->hold->wanted = NULL;
}

/* sendq_wants returns the entry that is wanted and holds back what is to be sent, or NULL. */
static inline const struct sendq_entry *
sendq_wants(const struct sendq *queue)
{
	return UNLIKELY(queue->given_cnt > 0) ? queue->hold->wanted : NULL;
}

/* sendq_give_up gives up references of HELD entries that lie wholly before nxt, those sent last
 * first.
 *
 * nxt    the number to be sent next.
 * max    references at most.
 * steps  entries that may be looked at; reduced by those that were.
 * Returns how many were given up. */
uint32_t
sendq_give_up(struct sendq *queue, uint32_t nxt, uint32_t max, uint32_t *steps);

/* sendq_give_up_unsent gives up references of entries of which nothing has been sent, those to be
 * sent last first. As sendq_give_up. */
uint32_t
sendq_give_up_unsent(struct sendq *queue, uint32_t nxt, uint32_t max, uint32_t *steps);

/* sendq_refill puts back what was asked for, if it is still wanted by anyone, and takes over the
 * references.
 *
 * spans  [0, cnt), cnt >= 1: the asked entry's bytes.
 * Returns 0; -ENOENT when nothing with that number is asked for (it was acknowledged meanwhile),
 * -ENOBUFS when the pool lacks entries for more than one span. On both nothing is taken, and
 * nothing is asked for any more. */
int
sendq_refill(struct sendq *queue, struct pool *pool, uint32_t seq, const struct span *spans,
             uint32_t cnt);

/* sendq_release gives up the entries that lie wholly before una. */
void
sendq_release(struct sendq *queue, struct pool *pool, uint32_t una);

/* sendq_clear gives up every entry. */
void
sendq_clear(struct sendq *queue, struct pool *pool);

#endif
