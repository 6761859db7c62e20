/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bytes out of order. */
#include "dataplane/tcp/reasm.h"

#include "dataplane/base/seq.h"

#include <string.h>

enum {
	HOLDERS_SEEN = 8,
	HAND_STEP = 61,                /* a connection's buffers often lie side by side */
};
static_assert(HAND_STEP < TCP_OOO_SEGS_MAX << TCP_OOO_SHARE_SHIFT, "less than any pool has");

static uint32_t
ooo_end(const struct ooo_seg *seg)
{
	return seg->seq + seg->len;
}

/* before returns the segment whose next is *at, NULL when that is the head. */
static struct ooo_seg *
before(struct reasm *reasm, struct ooo_seg **at)
{
	return at == &reasm->head ? NULL : CONTAINER_OF(at, struct ooo_seg, next);
}

static struct reasm_text
rest_of(struct reasm_text text, uint32_t len)
{
	return (struct reasm_text){text.seq + len, text.len - len, text.data + len};
}

/* append puts what fits of text at the end of a segment that it follows. Returns how much. */
static uint32_t
append(struct ooo_seg *seg, struct reasm_text text)
{
	uint32_t len = 0;

	if (seg != NULL && ooo_end(seg) == text.seq)
		len = MIN(text.len, TCP_OOO_BUF_LEN - seg->len);
	if (len > 0) {
		memcpy(seg->data + seg->len, text.data, len);
		seg->len += len;
	}
	return len;
}

/* prepend puts text before a segment that it reaches, when all of it fits. */
static bool
prepend(struct ooo_seg *seg, struct reasm_text text)
{
	if (seg == NULL || text.seq + text.len != seg->seq ||
	    text.len + seg->len > TCP_OOO_BUF_LEN)
		return false;
	memmove(seg->data + text.len, seg->data, seg->len);
	memcpy(seg->data, text.data, text.len);
	seg->seq = text.seq;
	seg->len += text.len;
	return true;
}

/* may_take tells whether a connection may take one more buffer: its own bound, and its share of
 * what is free. */
static bool
may_take(const struct reasm *reasm, const struct pool *pool)
{
	return reasm->cnt < TCP_OOO_SEGS_MAX &&
	       reasm->cnt < MAX(pool->free_cnt >> TCP_OOO_SHARE_SHIFT, 1u);
}

/* hold keeps text in the gap before *at. Returns how much of it, from its start on. */
static uint32_t
hold(struct reasm *reasm, struct pool *pool, struct ooo_seg **at, struct reasm_text text)
{
	uint32_t kept = append(before(reasm, at), text);
	struct ooo_seg *seg;

	if (kept < text.len && prepend(*at, rest_of(text, kept)))
		return text.len;
	while (kept < text.len && may_take(reasm, pool) && (seg = pool_get(pool)) != NULL) {
		seg->seq = text.seq + kept;
		seg->len = 0;
		seg->owner = reasm;
		kept += append(seg, rest_of(text, kept));
		seg->next = *at;
		*at = seg;
		at = &seg->next;
		reasm->cnt++;
	}
	return kept;
}

/* join makes one of neighbours that touch and fit one buffer. */
static void
join(struct reasm *reasm, struct pool *pool)
{
	struct ooo_seg *seg = reasm->head;
	struct ooo_seg *next;

	while (seg != NULL && (next = seg->next) != NULL) {
		if (ooo_end(seg) != next->seq || seg->len + next->len > TCP_OOO_BUF_LEN) {
			seg = next;
			continue;
		}
		memcpy(seg->data + seg->len, next->data, next->len);
		seg->len += next->len;
		seg->next = next->next;
		pool_put(pool, next);
		reasm->cnt--;
	}
}

/* holder returns who holds most of a few that hold a buffer, NULL when none does. All buffers are
 * taken: what the hand is at is somebody's, unless it is being read. */
static struct reasm *
holder(const struct pool *pool, uint32_t *hand)
{
	struct reasm *most = NULL;

	for (uint32_t i = 0; i < HOLDERS_SEEN; i++) {
		struct reasm *owner = ((struct ooo_seg *)pool_at(pool, *hand))->owner;

		if (owner != NULL && (most == NULL || owner->cnt > most->cnt))
			most = owner;
		*hand += HAND_STEP;
		if (*hand >= pool->cnt)
			*hand -= pool->cnt;
	}
	return most;
}

/* take_away ends what another connection holds. Returns the bytes lost. */
static uint32_t
take_away(struct pool *pool, uint32_t *hand)
{
	struct reasm *owner = holder(pool, hand);
	uint32_t bytes = 0;

	if (owner == NULL)
		return 0;
	for (const struct ooo_seg *seg = owner->head; seg != NULL; seg = seg->next)
		bytes += seg->len;
	reasm_clear(owner, pool);
	return bytes;
}

struct reasm_took
reasm_insert(struct reasm *reasm, struct pool *pool, struct reasm_text text, uint32_t *hand)
{
	struct ooo_seg **at = &reasm->head;
	struct reasm_took took = {0};

	reasm->recent = text.seq;
	if (reasm->cnt == 0 && pool->free_cnt == 0)
		took.taken = take_away(pool, hand);
	while (text.len > 0) {
		uint32_t len = text.len;
		uint32_t kept;

		while (*at != NULL && seq_le(ooo_end(*at), text.seq))
			at = &(*at)->next;
		if (*at != NULL && seq_le((*at)->seq, text.seq)) {
			len = MIN(len, ooo_end(*at) - text.seq);
			took.old += len;
			text = rest_of(text, len);
			continue;
		}
		if (*at != NULL && seq_gt(text.seq + len, (*at)->seq))
			len = (*at)->seq - text.seq;
		kept = hold(reasm, pool, at, (struct reasm_text){text.seq, len, text.data});
		took.kept += kept;
		took.refused += len - kept;
		text = rest_of(text, len);
	}
	if (took.kept > 0)
		join(reasm, pool);
	return took;
}

uint32_t
reasm_reach(const struct reasm *reasm, uint32_t seq)
{
	for (const struct ooo_seg *seg = reasm->head; seg != NULL && seq_le(seg->seq, seq);
	     seg = seg->next)
		seq = seq_max(seq, ooo_end(seg));
	return seq;
}

struct ooo_seg *
reasm_pop(struct reasm *reasm, uint32_t limit)
{
	struct ooo_seg *seg = reasm->head;

	if (seg == NULL || seq_ge(seg->seq, limit))
		return NULL;
	reasm->head = seg->next;
	seg->owner = NULL;
	reasm->cnt--;
	return seg;
}

/* block_from joins the segments that touch, from first on. Returns the first beyond them. */
static const struct ooo_seg *
block_from(const struct ooo_seg *first, struct tcp_range *block)
{
	const struct ooo_seg *seg = first;

	block->start = first->seq;
	block->end = first->seq;
	while (seg != NULL && seg->seq == block->end) {
		block->end = ooo_end(seg);
		seg = seg->next;
	}
	return seg;
}

uint8_t
reasm_blocks(const struct reasm *reasm, struct tcp_range *blocks, uint8_t max)
{
	struct tcp_range all[TCP_OOO_SEGS_MAX];
	uint32_t cnt = 0;
	uint32_t recent = 0;
	uint8_t out = 0;

	for (const struct ooo_seg *seg = reasm->head; seg != NULL; cnt++) {
		seg = block_from(seg, &all[cnt]);
		if (seq_le(all[cnt].start, reasm->recent) && seq_lt(reasm->recent, all[cnt].end))
			recent = cnt;
	}
	if (cnt > 0)
		blocks[out++] = all[recent];
	for (uint32_t i = 0; i < cnt && out < max; i++) {
		if (i != recent)
			blocks[out++] = all[i];
	}
	return out;
}

uint32_t
reasm_drop(struct reasm *reasm, struct pool *pool, uint32_t seq)
{
	uint32_t bytes = 0;

	while (reasm->head != NULL && seq_le(ooo_end(reasm->head), seq)) {
		bytes += reasm->head->len;
		pool_put(pool, reasm_pop(reasm, seq));
	}
	if (reasm->head != NULL && seq_lt(reasm->head->seq, seq))
		bytes += seq - reasm->head->seq;
	return bytes;
}

void
reasm_clear(struct reasm *reasm, struct pool *pool)
{
	struct ooo_seg *seg;

	while ((seg = reasm->head) != NULL) {
		reasm->head = seg->next;
		pool_put(pool, seg);
	}
	reasm->cnt = 0;
}
