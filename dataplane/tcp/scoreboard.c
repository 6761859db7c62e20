/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The runs in flight, split and merged as acknowledgements tell them apart. */
#include "dataplane/tcp/scoreboard.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/seq.h"

#include <string.h>

enum {
	RUN_MAX_BYTES = 1 << 16,   /* of one record, so that splitting stays local */
	DUP_THRESH = 3,            /* RFC 6675 2 */
};

static uint32_t
sent_len(const struct sent *sent)
{
	return sent->end - sent->seq;
}

/* weigh adds a run's bytes to the sums for its flags, or takes them off; sign is 1 or -1. */
static void
weigh(struct scoreboard *board, const struct sent *sent, uint32_t bytes, int sign)
{
	uint32_t delta = sign > 0 ? bytes : -bytes;

	if (sent->flags & SENT_SACKED)
		board->sacked_bytes += delta;
	if (sent->flags & SENT_LOST)
		board->lost_bytes += delta;
	if (sent->flags & SENT_RTX)
		board->rtx_bytes += delta;
}

static void
set_flags(struct scoreboard *board, struct sent *sent, uint8_t flags)
{
	weigh(board, sent, sent_len(sent), -1);
	sent->flags = flags;
	weigh(board, sent, sent_len(sent), 1);
	dp_assert((flags & SENT_RTX) == 0 || (flags & SENT_LOST) != 0);
}

static void
unlink_one(struct scoreboard *board, struct sent *sent)
{
	if (sent->prev == NULL)
		board->head = sent->next;
	else
		sent->prev->next = sent->next;
	if (sent->next == NULL)
		board->tail = sent->prev;
	else
		sent->next->prev = sent->prev;
	if (board->again == sent)
		board->again = sent->next;
}

static void
give_back(struct scoreboard *board, struct pool *pool, struct sent *sent)
{
	board->sack_split_cnt -= sent->sack_split;
	unlink_one(board, sent);
	pool_put(pool, sent);
}

static void
link_after(struct scoreboard *board, struct sent *where, struct sent *sent)
{
	sent->prev = where;
	sent->next = where == NULL ? board->head : where->next;
	if (where == NULL)
		board->head = sent;
	else
		where->next = sent;
	if (sent->next == NULL)
		board->tail = sent;
	else
		sent->next->prev = sent;
}

/* split ends a run at seq, which lies within it; what follows becomes a run of its own. */
static bool
split(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t seq)
{
	struct sent *rest = pool_get(pool);

	dp_assert(seq_lt(sent->seq, seq) && seq_lt(seq, sent->end));
	if (rest == NULL)
		return false;
	rest->sent_us = sent->sent_us;
	rest->flags = sent->flags;
	rest->sack_split = false;
	rest->seq = seq;
	rest->end = sent->end;
	sent->end = seq;
	link_after(board, sent, rest);
	return true;
}

/* split_for_sack splits within the bounds of what a peer may ask for. */
static bool
split_for_sack(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t seq)
{
	if (board->sack_split_cnt == TCP_SACK_SPLITS_MAX || pool->free_cnt <= pool->cnt / 4 ||
	    !split(board, pool, sent, seq))
		return false;
	sent->next->sack_split = true;
	board->sack_split_cnt++;
	return true;
}

static bool
alike(const struct sent *a, const struct sent *b)
{
	if (a->flags != b->flags)
		return false;
	if (a->flags & SENT_SACKED)
		return true;
	return a->sent_us == b->sent_us && b->end - a->seq <= RUN_MAX_BYTES;
}

/* merge_prev joins a run with the one before it when they fared alike. */
static struct sent *
merge_prev(struct scoreboard *board, struct pool *pool, struct sent *sent)
{
	struct sent *prev = sent->prev;

	if (prev == NULL || !alike(prev, sent))
		return sent;
	prev->end = sent->end;
	if (board->again == sent)
		board->again = prev;
	give_back(board, pool, sent);
	return prev;
}

/* again_from lets the search for what waits to be sent again begin no later than a run. */
static void
again_from(struct scoreboard *board, struct sent *sent)
{
	if (board->again == NULL || seq_lt(sent->seq, board->again->seq))
		board->again = sent;
}

static void
deliver(struct delivered *delivered, const struct sent *sent, uint32_t bytes)
{
	if (sent->flags & SENT_SACKED)
		return;
	delivered->bytes += bytes;
	if ((sent->flags & SENT_AGAIN) == 0)
		delivered->sent_us = MAX(delivered->sent_us, sent->sent_us);
}

bool
scoreboard_sent(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                uint64_t now_us)
{
	struct sent *tail = board->tail;
	struct sent *sent;

	dp_assert(tail == NULL || tail->end == range.start);
	if (tail != NULL && tail->flags == 0 && tail->sent_us == now_us &&
	    range.end - tail->seq <= RUN_MAX_BYTES) {
		tail->end = range.end;
		return true;
	}
	sent = pool_get(pool);
	if (sent == NULL)
		return false;
	sent->sent_us = now_us;
	sent->seq = range.start;
	sent->end = range.end;
	sent->flags = 0;
	sent->sack_split = false;
	link_after(board, tail, sent);
	return true;
}

void
scoreboard_acked(struct scoreboard *board, struct pool *pool, uint32_t una,
                 struct delivered *delivered)
{
	struct sent *sent = board->head;

	while (sent != NULL && seq_le(sent->end, una)) {
		struct sent *next = sent->next;

		deliver(delivered, sent, sent_len(sent));
		weigh(board, sent, sent_len(sent), -1);
		give_back(board, pool, sent);
		sent = next;
	}
	if (sent != NULL && seq_lt(sent->seq, una)) {
		deliver(delivered, sent, una - sent->seq);
		weigh(board, sent, una - sent->seq, -1);
		sent->seq = una;
	}
}

/* sack_run marks the part of a run that lies in range. Returns the run that follows that part. */
static struct sent *
sack_run(struct scoreboard *board, struct pool *pool, struct sent *sent, struct tcp_range range,
         struct delivered *delivered)
{
	if (seq_lt(sent->seq, range.start)) {
		if (!split_for_sack(board, pool, sent, range.start))
			return sent->next;
		sent = sent->next;
	}
	if (seq_gt(sent->end, range.end) && !split_for_sack(board, pool, sent, range.end))
		return sent->next;
	deliver(delivered, sent, sent_len(sent));
	set_flags(board, sent, SENT_SACKED);
	sent = merge_prev(board, pool, sent);
	if (sent->next != NULL && sent->next->flags == SENT_SACKED)
		sent = merge_prev(board, pool, sent->next);
	return sent->next;
}

void
scoreboard_sacked(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                  struct delivered *delivered)
{
	struct sent *sent = board->head;

	while (sent != NULL && seq_lt(sent->seq, range.end)) {
		if ((sent->flags & SENT_SACKED) || seq_le(sent->end, range.start))
			sent = sent->next;
		else
			sent = sack_run(board, pool, sent, range, delivered);
	}
}

uint32_t
scoreboard_lose_below_sacks(struct scoreboard *board, uint32_t mss)
{
	uint32_t above = board->sacked_bytes;
	uint32_t newly = 0;

	for (struct sent *sent = board->head; sent != NULL && above > (DUP_THRESH - 1) * mss;
	     sent = sent->next) {
		if (sent->flags & SENT_SACKED) {
			above -= sent_len(sent);
		} else if ((sent->flags & SENT_LOST) == 0) {
			newly += sent_len(sent);
			set_flags(board, sent, sent->flags | SENT_LOST);
			again_from(board, sent);
		}
	}
	return newly;
}

bool
scoreboard_lose_first(struct scoreboard *board, struct pool *pool, uint32_t mss)
{
	struct sent *sent = board->head;

	if (sent == NULL || (sent->flags & SENT_SACKED))
		return false;
	if (sent_len(sent) > mss)
		split(board, pool, sent, sent->seq + mss);
	set_flags(board, sent, (sent->flags & SENT_AGAIN) | SENT_LOST);
	again_from(board, sent);
	return true;
}

void
scoreboard_lose_all(struct scoreboard *board)
{
	bool reneged = board->head != NULL && (board->head->flags & SENT_SACKED);

	for (struct sent *sent = board->head; sent != NULL; sent = sent->next) {
		if ((sent->flags & SENT_SACKED) == 0 || reneged)
			set_flags(board, sent, (sent->flags & SENT_AGAIN) | SENT_LOST);
	}
	board->again = board->head;
}

struct sent *
scoreboard_next_again(struct scoreboard *board)
{
	struct sent *sent = board->again;

	while (sent != NULL && (sent->flags & (SENT_LOST | SENT_RTX)) != SENT_LOST)
		sent = sent->next;
	board->again = sent;
	return sent;
}

void
scoreboard_resent(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t len,
                  uint64_t now_us)
{
	dp_assert((sent->flags & SENT_LOST) && len <= sent_len(sent));
	if (len < sent_len(sent))
		split(board, pool, sent, sent->seq + len);
	set_flags(board, sent, SENT_LOST | SENT_RTX | SENT_AGAIN);
	sent->sent_us = now_us;
	merge_prev(board, pool, sent);
}

void
scoreboard_clear(struct scoreboard *board, struct pool *pool)
{
	while (board->head != NULL)
		give_back(board, pool, board->head);
	memset(board, 0, sizeof(*board));
}
