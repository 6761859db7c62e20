/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The queue of bytes to send. */
#include "dataplane/tcp/sendq.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/seq.h"

#include <errno.h>
#include <string.h>

static_assert(sizeof(struct sendq_entry) == 48, "small enough to have very many");

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
	entry->seq = queue->end;
	entry->len = frag_len(frag);
	entry->is_inline = frag->inline_len > 0;
	dp_assert(entry->len > 0);
	if (entry->is_inline)
		memcpy(entry->bytes, frag->bytes, FRAG_INLINE_MAX);
	else
		entry->span = frag->span;
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
	struct sendq_entry *entry = queue->hint[reader];

	if (entry == NULL || seq_lt(seq, entry->seq))
		entry = queue->head;
	while (entry != NULL && seq_ge(seq, entry->seq + entry->len))
		entry = entry->next;
	dp_assert(entry != NULL && seq_ge(seq, entry->seq));
	return entry;
}

uint32_t
sendq_gather(struct sendq *queue, enum sendq_reader reader, struct tcp_range range,
             struct span *span, uint16_t *span_cnt)
{
	struct sendq_entry *entry = entry_at(queue, reader, range.start);
	uint32_t seq = range.start;
	uint16_t cnt = 0;

	dp_assert(seq_lt(range.start, range.end) && seq_le(range.end, queue->end));
	while (seq != range.end && cnt < PKT_SPANS_MAX) {
		uint32_t skip = seq - entry->seq;
		uint32_t len = MIN(entry->len - skip, range.end - seq);

		queue->hint[reader] = entry;
		span[cnt].buf = entry->is_inline ? NULL : entry->span.buf;
		span[cnt].data = (entry->is_inline ? entry->bytes : entry->span.data) + skip;
		span[cnt].len = len;
		cnt++;
		seq += len;
		entry = entry->next;
	}
	*span_cnt = cnt;
	return seq - range.start;
}

static void
release_head(struct sendq *queue, struct pool *pool)
{
	struct sendq_entry *entry = queue->head;

	for (uint32_t i = 0; i < SENDQ_READER_CNT; i++) {
		if (queue->hint[i] == entry)
			queue->hint[i] = NULL;
	}
	queue->head = entry->next;
	if (queue->head == NULL)
		queue->tail = NULL;
	queue->cnt--;
	if (!entry->is_inline)
		span_release(&entry->span);
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
