/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Out-of-order segments. */
#include "dataplane/tcp/reasm.h"

#include "dataplane/base/seq.h"

#include <string.h>

static uint32_t
ooo_end(const struct ooo_seg *seg)
{
	return seg->seq + seg->len;
}

enum reasm_result
reasm_insert(struct reasm *reasm, struct pool *pool, uint32_t seq, const uint8_t *data,
             uint32_t len)
{
	struct ooo_seg **at = &reasm->head;
	struct ooo_seg *seg;

	reasm->recent = seq;
	while (*at != NULL && seq_le((*at)->seq, seq)) {
		if (seq_gt(ooo_end(*at), seq)) {
			uint32_t held = MIN(ooo_end(*at) - seq, len);

			seq += held;
			data += held;
			len -= held;
		}
		at = &(*at)->next;
	}
	if (*at != NULL && seq_gt(seq + len, (*at)->seq))
		len = (*at)->seq - seq;
	if (len == 0)
		return REASM_OLD;
	if (len > TCP_OOO_BUF_LEN || reasm->cnt == TCP_OOO_SEGS_MAX)
		return REASM_FULL;
	seg = pool_get(pool);
	if (seg == NULL)
		return REASM_FULL;
	seg->seq = seq;
	seg->len = len;
	memcpy(seg->data, data, len);
	seg->next = *at;
	*at = seg;
	reasm->cnt++;
	return REASM_KEPT;
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

void
reasm_drop(struct reasm *reasm, struct pool *pool, uint32_t seq)
{
	while (reasm->head != NULL && seq_le(ooo_end(reasm->head), seq))
		pool_put(pool, reasm_pop(reasm, seq));
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
