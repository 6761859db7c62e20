/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The queue of bytes to send. */
#include "dataplane/tcp/sendq.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/seq.h"

#include <errno.h>
#include <string.h>

static_assert(sizeof(struct sendq_entry) == 64, "an entry is a cache line");

void
sendq_init(struct sendq *queue, uint32_t seq)
{
	memset(queue, 0, sizeof(*queue));
	queue->end = seq;
}

static void
append_one(struct sendq *queue, struct sendq_entry *entry, const struct frag *frag)
{
	entry->next = NULL;
	entry->prev = queue->tail;
	entry->seq = queue->end;
	entry->len = frag_len(frag);
	dp_assert(entry->len > 0);
	if (frag->inline_len > 0) {
		entry->flags = SENDQ_INLINE;
		memcpy(entry->bytes, frag->bytes, FRAG_INLINE_MAX);
	} else {
		entry->flags = frag->origin.id != 0 ? SENDQ_ORIGIN : 0;
		entry->buf = frag->span.buf;
		entry->data = frag->span.data;
		entry->origin = frag->origin;
	}
	if (queue->tail == NULL)
		queue->head = entry;
	else
		queue->tail->next = entry;
	queue->tail = entry;
	queue->end += entry->len;
	queue->cnt++;
}

int
sendq_append(struct sendq *queue, struct pool *pool, const struct frag *frags, uint32_t cnt)
{
	if (pool->free_cnt < cnt || queue->cnt + cnt > TCP_SEND_ENTRIES_MAX)
		return -ENOBUFS;
	for (uint32_t i = 0; i < cnt; i++)
		append_one(queue, pool_get(pool), &frags[i]);
	return 0;
}

/* entry_at returns the entry that holds seq, looking from where the reader last was. */
static struct sendq_entry *
entry_at(const struct sendq *queue, enum sendq_reader reader, uint32_t seq)
{
	struct sendq_entry *entry = queue->hint;

	if (reader == SENDQ_AGAIN)
		entry = queue->hold != NULL ? queue->hold->hint : NULL;
	if (entry == NULL || seq_lt(seq, entry->seq))
		entry = queue->head;
	while (entry != NULL && seq_ge(seq, entry->seq + entry->len))
		entry = entry->next;
	dp_assert(entry != NULL && seq_ge(seq, entry->seq));
	return entry;
}

/* place notes where a reader is. */
static inline void
place(struct sendq *queue, enum sendq_reader reader, struct sendq_entry *entry)
{
	if (reader == SENDQ_NEW)
		queue->hint = entry;
	else if (queue->hold != NULL)
		queue->hold->hint = entry;
}

/* hold_entry counts an entry that can be given up from now on. */
static void
hold_entry(struct sendq *queue, struct sendq_entry *entry)
{
	if ((entry->flags & (SENDQ_ORIGIN | SENDQ_HELD)) != SENDQ_ORIGIN || queue->hold == NULL)
		return;
	entry->flags |= SENDQ_HELD;
	queue->hold->held_bytes += entry->len;
}

static void
unhold_entry(struct sendq *queue, struct sendq_entry *entry)
{
	if ((entry->flags & SENDQ_HELD) == 0)
		return;
	entry->flags &= ~(uint32_t)SENDQ_HELD;
	queue->hold->held_bytes -= entry->len;
}

/* leaves notes that an entry's bytes up to end leave. */
static inline void
leaves(struct sendq *queue, struct sendq_entry *entry, enum sendq_reader reader, uint32_t end)
{
	bool whole = end == entry->seq + entry->len;

	place(queue, reader, entry);
	if (UNLIKELY(entry->flags & SENDQ_FRESH) && (reader == SENDQ_AGAIN || whole)) {
		entry->flags &= ~(uint32_t)SENDQ_FRESH;
		hold_entry(queue, entry);
	} else if (reader == SENDQ_NEW && whole) {
		hold_entry(queue, entry);
	}
}

uint32_t
sendq_gather(struct sendq *queue, enum sendq_reader reader, struct tcp_range range,
             struct span *span, uint16_t *span_cnt)
{
	struct sendq_entry *entry = entry_at(queue, reader, range.start);
	uint32_t seq = range.start;
	uint16_t cnt = 0;

	dp_assert(seq_lt(range.start, range.end) && seq_le(range.end, queue->end));
	dp_assert((entry->flags & SENDQ_GIVEN) == 0);
	while (seq != range.end && cnt < PKT_SPANS_MAX && (entry->flags & SENDQ_GIVEN) == 0) {
		uint32_t skip = seq - entry->seq;
		uint32_t len = MIN(entry->len - skip, range.end - seq);
		bool is_inline = entry->flags & SENDQ_INLINE;

		span[cnt].buf = is_inline ? NULL : entry->buf;
		span[cnt].data = (is_inline ? entry->bytes : entry->data) + skip;
		span[cnt].len = len;
		cnt++;
		seq += len;
		leaves(queue, entry, reader, seq);
		entry = entry->next;
	}
	*span_cnt = cnt;
	return seq - range.start;
}

/* ---- giving up, and having again */

bool
sendq_look(struct sendq *queue, enum sendq_reader reader, struct tcp_range range)
{
	struct sendq_entry *entry;

	if (seq_ge(range.start, queue->end))
		return false;
	entry = entry_at(queue, reader, range.start);
	place(queue, reader, entry);
	while (entry != NULL && (entry->flags & SENDQ_GIVEN) == 0)
		entry = seq_lt(entry->seq + entry->len, range.end) ? entry->next : NULL;
	if (entry == NULL)
		return false;
	if (queue->hold->wanted == NULL)
		queue->hold->wanted = entry;
	return true;
}

/* give_up drops an entry's reference. */
static void
give_up(struct sendq *queue, struct sendq_entry *entry)
{
	dp_assert((entry->flags & (SENDQ_ORIGIN | SENDQ_GIVEN)) == SENDQ_ORIGIN);
	unhold_entry(queue, entry);
	if (entry->buf != NULL)
		buf_put(entry->buf);
	entry->buf = NULL;
	entry->data = NULL;
	entry->flags |= SENDQ_GIVEN;
	queue->given_cnt++;
}

/* newest_sent returns the last entry of which something was sent, or one before it; NULL: none. */
static struct sendq_entry *
newest_sent(const struct sendq *queue, uint32_t nxt, uint32_t *steps)
{
	struct sendq_entry *entry = queue->hint != NULL ? queue->hint : queue->head;

	for (; entry->next != NULL && seq_lt(entry->next->seq, nxt) && *steps > 0; (*steps)--)
		entry = entry->next;
	return entry;
}

uint32_t
sendq_give_up(struct sendq *queue, uint32_t nxt, uint32_t max, uint32_t *steps)
{
	struct holding *hold = queue->hold;
	uint32_t cnt = 0;

	if (hold->cursor == NULL)
		hold->cursor = newest_sent(queue, nxt, steps);
	while (hold->held_bytes > 0 && hold->cursor != NULL && cnt < max && *steps > 0) {
		struct sendq_entry *entry = hold->cursor;

		(*steps)--;
		hold->cursor = entry->prev;
		if ((entry->flags & SENDQ_HELD) == 0 || seq_gt(entry->seq + entry->len, nxt))
			continue;
		give_up(queue, entry);
		cnt++;
	}
	if (hold->held_bytes == 0)
		hold->cursor = NULL;
	return cnt;
}

uint32_t
sendq_give_up_unsent(struct sendq *queue, uint32_t nxt, uint32_t max, uint32_t *steps)
{
	struct sendq_entry *entry = queue->hold != NULL ? queue->tail : NULL;
	uint32_t cnt = 0;

	for (; entry != NULL && seq_ge(entry->seq, nxt) && cnt < max && *steps > 0; (*steps)--) {
		if ((entry->flags & (SENDQ_ORIGIN | SENDQ_GIVEN | SENDQ_FRESH)) == SENDQ_ORIGIN) {
			give_up(queue, entry);
			cnt++;
		}
		entry = entry->prev;
	}
	return cnt;
}

/* insert_after makes an entry for the rest of another one's range. */
static struct sendq_entry *
insert_after(struct sendq *queue, struct pool *pool, struct sendq_entry *entry, uint32_t len)
{
	struct sendq_entry *rest = pool_get(pool);

	dp_assert(rest != NULL && len < entry->len);
	*rest = *entry;
	rest->seq += len;
	rest->len -= len;
	rest->origin.off += len;
	rest->prev = entry;
	if (entry->next != NULL)
		entry->next->prev = rest;
	else
		queue->tail = rest;
	entry->next = rest;
	entry->len = len;
	queue->cnt++;
	return rest;
}

int
sendq_refill(struct sendq *queue, struct pool *pool, uint32_t seq, const struct span *spans,
             uint32_t cnt)
{
	struct holding *hold = queue->hold;
	struct sendq_entry *entry = hold != NULL ? hold->asked : NULL;

	if (entry == NULL || entry->seq != seq || !(entry->flags & SENDQ_GIVEN))
		return -ENOENT;
	hold->asked = NULL;
	if (pool->free_cnt < cnt - 1 || queue->cnt + cnt - 1 > TCP_SEND_ENTRIES_MAX)
		return -ENOBUFS;
	queue->given_cnt--;
	if (hold->wanted == entry)
		hold->wanted = NULL;
	entry->flags = SENDQ_ORIGIN | SENDQ_FRESH;
	for (uint32_t i = 0; i < cnt; i++) {
		entry->buf = spans[i].buf;
		entry->data = spans[i].data;
		if (i + 1 < cnt)
			entry = insert_after(queue, pool, entry, spans[i].len);
		else
			dp_assert(entry->len == spans[i].len);
	}
	return 0;
}

/* ---- the end of entries */

static void
forget_entry(struct sendq *queue, struct sendq_entry *entry)
{
	struct holding *hold = queue->hold;

	if (queue->hint == entry)
		queue->hint = NULL;
	if (hold == NULL)
		return;
	unhold_entry(queue, entry);
	queue->given_cnt -= (entry->flags & SENDQ_GIVEN) != 0;
	if (hold->hint == entry)
		hold->hint = NULL;
	if (hold->cursor == entry)
		hold->cursor = NULL;
	if (hold->wanted == entry)
		hold->wanted = NULL;
	if (hold->asked == entry)
		hold->asked = NULL;
}

static void
release_head(struct sendq *queue, struct pool *pool)
{
	struct sendq_entry *entry = queue->head;

	forget_entry(queue, entry);
	queue->head = entry->next;
	if (queue->head == NULL)
		queue->tail = NULL;
	else
		queue->head->prev = NULL;
	queue->cnt--;
	if ((entry->flags & SENDQ_INLINE) == 0 && entry->buf != NULL)
		buf_put(entry->buf);
	pool_put(pool, entry);
}

void
sendq_release(struct sendq *queue, struct pool *pool, uint32_t una)
{
	while (queue->head != NULL && seq_le(queue->head->seq + queue->head->len, una))
		release_head(queue, pool);
}

void
sendq_clear(struct sendq *queue, struct pool *pool)
{
	while (queue->head != NULL)
		release_head(queue, pool);
}
