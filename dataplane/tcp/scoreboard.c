/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The runs in flight, split and merged as acknowledgements tell them apart. */
#include "dataplane/tcp/scoreboard.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/seq.h"

#include <string.h>

enum {
	AGO_SHIFT = 2,             /* of the times of a mark */
	AGO_MAX = (1 << 24) - 1,
};

static uint32_t
sent_len(const struct sent *sent)
{
	return sent->end - sent->seq;
}

/* latest_us returns when the last of a run was sent. */
static uint64_t
latest_us(const struct sent *sent)
{
	return sent->sent_us + sent->span_us;
}

/* ---- the list by time */

/* timed tells whether a run with these flags may still be under way. */
static bool
timed(uint8_t flags)
{
	return (flags & SENT_SACKED) == 0 && (flags & (SENT_LOST | SENT_RTX)) != SENT_LOST;
}

static void
time_unlink(struct scoreboard *board, struct sent *sent)
{
	if (sent->earlier == NULL)
		board->oldest = sent->later;
	else
		sent->earlier->later = sent->later;
	if (sent->later == NULL)
		board->newest = sent->earlier;
	else
		sent->later->earlier = sent->earlier;
}

static void
time_link_after(struct scoreboard *board, struct sent *where, struct sent *sent)
{
	sent->earlier = where;
	sent->later = where == NULL ? board->oldest : where->later;
	if (where == NULL)
		board->oldest = sent;
	else
		where->later = sent;
	if (sent->later == NULL)
		board->newest = sent;
	else
		sent->later->earlier = sent;
}

/* time_insert puts a run where its time is. where is not earlier than that, or NULL; what is sent
 * now belongs at the end, where the search begins. */
static void
time_insert(struct scoreboard *board, struct sent *where, struct sent *sent)
{
	if (where == NULL || where->sent_us < sent->sent_us)
		where = board->newest;
	while (where != NULL && where->sent_us > sent->sent_us)
		where = where->earlier;
	time_link_after(board, where, sent);
}

/* ---- records */

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
	bool was_timed = timed(sent->flags);

	if ((flags & SENT_LOST) && (sent->flags & SENT_LOST) == 0)
		board->newly_lost_bytes += sent_len(sent);
	weigh(board, sent, sent_len(sent), -1);
	sent->flags = flags;
	weigh(board, sent, sent_len(sent), 1);
	dp_assert((flags & SENT_RTX) == 0 || (flags & SENT_LOST) != 0);
	if (was_timed && !timed(flags))
		time_unlink(board, sent);
	else if (!was_timed && timed(flags))
		time_insert(board, NULL, sent);
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
	if (board->hint == sent)
		board->hint = sent->prev;
}

static void
give_back(struct scoreboard *board, struct pool *pool, struct sent *sent)
{
	board->sack_split_cnt -= sent->sack_split;
	board->cnt--;
	if (timed(sent->flags))
		time_unlink(board, sent);
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
	board->cnt++;
}

/* coarse tells whether a connection has to save records. */
static bool
coarse(const struct scoreboard *board, const struct pool *pool)
{
	return board->cnt >= TCP_SENT_RECORDS_COARSE ||
	       (board->cnt >= TCP_SENT_RECORDS_LOW && pool->free_cnt <= pool->cnt / 4);
}

/* split ends a run at seq, which lies within it; what follows becomes a run of its own. */
static bool
split(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t seq)
{
	struct sent *rest = board->cnt < TCP_SENT_RECORDS_MAX ? pool_get(pool) : NULL;

	dp_assert(seq_lt(sent->seq, seq) && seq_lt(seq, sent->end));
	if (rest == NULL)
		return false;
	rest->sent_us = sent->sent_us;
	rest->span_us = sent->span_us;
	rest->flags = sent->flags;
	rest->sack_split = false;
	rest->delivered_bytes = sent->delivered_bytes;
	rest->delivered_ago = sent->delivered_ago;
	rest->first_sent_ago = sent->first_sent_ago;
	rest->app_limited = sent->app_limited;
	rest->seq = seq;
	rest->end = sent->end;
	sent->end = seq;
	link_after(board, sent, rest);
	if (timed(rest->flags))
		time_link_after(board, sent, rest);
	return true;
}

/* splits_max returns how many splits a peer may ask for: an honest one's lie between segments. */
static uint32_t
splits_max(const struct scoreboard *board)
{
	uint32_t flight = board->tail->end - board->head->seq;

	return MIN((uint32_t)TCP_SACK_SPLITS_MAX, TCP_SACK_SPLITS_MIN + (flight >> 10));
}

/* split_for_sack splits within the bounds of what a peer may ask for. */
static bool
split_for_sack(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t seq)
{
	if (board->sack_split_cnt >= splits_max(board) || pool->free_cnt <= pool->cnt / 4 ||
	    !split(board, pool, sent, seq))
		return false;
	sent->next->sack_split = true;
	board->sack_split_cnt++;
	return true;
}

/* spread lets a run stand for what was sent at another time as well. */
static void
spread(struct sent *sent, uint64_t from_us, uint64_t to_us)
{
	to_us = MAX(to_us, latest_us(sent));
	sent->sent_us = MIN(sent->sent_us, from_us);
	sent->span_us = (uint32_t)MIN(to_us - sent->sent_us, (uint64_t)UINT32_MAX);
}

static bool
alike(const struct scoreboard *board, const struct pool *pool, const struct sent *a,
      const struct sent *b)
{
	if (a->flags != b->flags)
		return false;
	if (a->flags & SENT_SACKED)
		return true;
	return b->end - a->seq <= SENT_RUN_MAX &&
	       ((a->sent_us == b->sent_us && a->span_us == b->span_us) || coarse(board, pool));
}

/* merge_prev joins a run with the one before it when they fared alike. */
static struct sent *
merge_prev(struct scoreboard *board, struct pool *pool, struct sent *sent)
{
	struct sent *prev = sent->prev;
	uint64_t from_us = sent->sent_us;
	uint64_t to_us = latest_us(sent);

	if (prev == NULL || !alike(board, pool, prev, sent))
		return sent;
	if (board->again == sent)
		board->again = prev;
	prev->end = sent->end;
	give_back(board, pool, sent);
	if (timed(prev->flags) && from_us < prev->sent_us) {
		time_unlink(board, prev);
		spread(prev, from_us, to_us);
		time_insert(board, NULL, prev);
	} else {
		spread(prev, from_us, to_us);
	}
	return prev;
}

/* again_from lets the search for what waits to be sent again begin no later than a run. */
static void
again_from(struct scoreboard *board, struct sent *sent)
{
	if (board->again == NULL || seq_lt(sent->seq, board->again->seq))
		board->again = sent;
}

/* lose marks a run as lost and to be sent again. */
static void
lose(struct scoreboard *board, struct sent *sent)
{
	set_flags(board, sent, (sent->flags & SENT_AGAIN) | SENT_LOST);
	again_from(board, sent);
}

static uint32_t
ago(const struct sent *sent, uint32_t us)
{
	return MIN(((uint32_t)sent->sent_us - us) >> AGO_SHIFT, (uint32_t)AGO_MAX);
}

/* mark_sent packs what the delivery rate is measured from into a record whose sent_us is set. */
static void
mark_sent(struct scoreboard *board, struct sent *sent, bool idle)
{
	struct rate_mark mark;

	rate_sent(&board->rate, &mark, sent->sent_us, idle);
	sent->delivered_bytes = mark.delivered_bytes;
	sent->delivered_ago = ago(sent, mark.delivered_us);
	sent->first_sent_ago = ago(sent, mark.first_sent_us);
	sent->app_limited = mark.app_limited;
}

static void
pick(struct delivered *delivered, const struct sent *sent)
{
	struct rate_mark mark = {
		.delivered_bytes = sent->delivered_bytes,
		.delivered_us = (uint32_t)sent->sent_us - (sent->delivered_ago << AGO_SHIFT),
		.first_sent_us = (uint32_t)sent->sent_us - (sent->first_sent_ago << AGO_SHIFT),
		.app_limited = sent->app_limited,
	};

	rate_pick_sent(&delivered->pick, &mark, sent->sent_us);
}

/* deliver notes that a run has arrived up to end. */
static void
deliver(struct delivered *delivered, const struct sent *sent, uint32_t end)
{
	struct sent_mark mark = {sent->sent_us, end};

	if (sent->flags & SENT_SACKED)
		return;
	if (delivered->bytes == 0 || seq_gt(end, delivered->high_end))
		delivered->high_end = end;
	delivered->bytes += end - sent->seq;
	if ((sent->flags & SENT_AGAIN) == 0) {
		if (sent->span_us == 0)
			delivered->sent_us = MAX(delivered->sent_us, sent->sent_us);
		if (!delivered->once || seq_lt(end, delivered->once_end))
			delivered->once_end = end;
		delivered->once = true;
	} else if (sent->sent_us > delivered->again_before_us) {
		return;
	}
	pick(delivered, sent);
	if (sent_after(mark, delivered->last))
		delivered->last = mark;
}

/* ---- what happens */

enum scoreboard_kept
scoreboard_sent(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                uint64_t now_us)
{
	struct sent *tail = board->tail;
	struct sent *sent;

	dp_assert(tail == NULL || tail->end == range.start);
	if (tail != NULL && tail->flags == 0 && scoreboard_fits(board, range.end) &&
	    (latest_us(tail) == now_us || coarse(board, pool))) {
		tail->end = range.end;
		if (latest_us(tail) == now_us)
			return SCOREBOARD_KEPT;
		spread(tail, now_us, now_us);
		return SCOREBOARD_COARSE;
	}
	sent = pool_get(pool);
	if (sent == NULL)
		return SCOREBOARD_FULL;
	sent->sent_us = now_us;
	sent->span_us = 0;
	sent->seq = range.start;
	sent->end = range.end;
	sent->flags = 0;
	sent->sack_split = false;
	mark_sent(board, sent, tail == NULL);
	link_after(board, tail, sent);
	time_insert(board, NULL, sent);
	return SCOREBOARD_KEPT;
}

void
scoreboard_acked(struct scoreboard *board, struct pool *pool, uint32_t una,
                 struct delivered *delivered)
{
	struct sent *sent = board->head;

	if (sent != NULL) {
		delivered->head_flags = sent->flags;
		delivered->head_us = sent->sent_us;
	}
	while (sent != NULL && seq_le(sent->end, una)) {
		struct sent *next = sent->next;

		deliver(delivered, sent, sent->end);
		weigh(board, sent, sent_len(sent), -1);
		give_back(board, pool, sent);
		sent = next;
	}
	if (sent != NULL && seq_lt(sent->seq, una)) {
		deliver(delivered, sent, una);
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
	deliver(delivered, sent, sent->end);
	set_flags(board, sent, SENT_SACKED);
	sent = merge_prev(board, pool, sent);
	if (sent->next != NULL && sent->next->flags == SENT_SACKED)
		sent = merge_prev(board, pool, sent->next);
	board->hint = sent;
	return sent->next;
}

/* nearest returns the end of the list, or the place of the last block, from which seq is not far:
 * a block is mostly the last one grown, or of a hole at the front that was filled. */
static struct sent *
nearest(const struct scoreboard *board, uint32_t seq)
{
	const struct sent *hint = board->hint;

	if (board->head == NULL)
		return NULL;
	if (hint == NULL || seq_lt(seq, hint->seq))
		return hint != NULL && hint->seq - seq < seq - board->head->seq ? board->hint
		                                                                : board->head;
	return seq_lt(seq, board->tail->seq) && seq - hint->seq < board->tail->seq - seq
	               ? board->hint
	               : board->tail;
}

/* run_at returns the run that holds seq, or the first one; NULL when that is too far to look for:
 * a peer whose blocks jump about is not worth more. */
static struct sent *
run_at(const struct scoreboard *board, uint32_t seq)
{
	struct sent *sent = nearest(board, seq);
	uint32_t steps = 0;

	while (sent != NULL && sent->prev != NULL && seq_gt(sent->seq, seq)) {
		if (steps++ == TCP_SACK_STEPS_MAX)
			return NULL;
		sent = sent->prev;
	}
	while (sent != NULL && seq_le(sent->end, seq)) {
		if (steps++ == TCP_SACK_STEPS_MAX)
			return NULL;
		sent = sent->next;
	}
	return sent;
}

void
scoreboard_sacked(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                  struct delivered *delivered)
{
	struct sent *sent = run_at(board, range.start);

	while (sent != NULL && seq_lt(sent->seq, range.end)) {
		if (sent->flags & SENT_SACKED)
			sent = sent->next;
		else
			sent = sack_run(board, pool, sent, range, delivered);
	}
}

void
scoreboard_lose_late(struct scoreboard *board, struct sent_mark mark, uint64_t due_us,
                     struct lost *lost)
{
	struct sent *sent = board->oldest;

	while (sent != NULL && sent->sent_us <= mark.us) {
		struct sent *later = sent->later;

		if (sent->sent_us < mark.us || seq_lt(sent->end, mark.end)) {
			if (latest_us(sent) > due_us) {
				lost->wait_us = latest_us(sent);
				return;
			}
			lost->bytes += sent_len(sent);
			if (sent->flags & SENT_RTX)
				lost->again_us = latest_us(sent);
			lose(board, sent);
		}
		sent = later;
	}
}

bool
scoreboard_lose_first(struct scoreboard *board, struct pool *pool, uint32_t mss)
{
	struct sent *sent = board->head;

	if (sent == NULL || (sent->flags & SENT_SACKED))
		return false;
	if (sent_len(sent) > mss)
		split(board, pool, sent, sent->seq + mss);
	lose(board, sent);
	return true;
}

void
scoreboard_lose_all(struct scoreboard *board, uint64_t due_us)
{
	bool reneged = board->head != NULL && (board->head->flags & SENT_SACKED);

	for (struct sent *sent = board->head; sent != NULL; sent = sent->next) {
		if (reneged || sent == board->head ||
		    (timed(sent->flags) && latest_us(sent) <= due_us))
			lose(board, sent);
	}
}

void
scoreboard_restore(struct scoreboard *board)
{
	struct sent *where = board->newest;

	for (struct sent *sent = board->tail; sent != NULL; sent = sent->prev) {
		bool waits = !timed(sent->flags);

		if ((sent->flags & SENT_LOST) == 0)
			continue;
		weigh(board, sent, sent_len(sent), -1);
		sent->flags &= SENT_AGAIN;
		if (!waits)
			continue;
		time_insert(board, where, sent);
		where = sent;
	}
	board->again = NULL;
	dp_assert(board->lost_bytes == 0 && board->rtx_bytes == 0);
}

bool
scoreboard_lose_longer(struct scoreboard *board, uint32_t len)
{
	bool any = false;

	for (struct sent *sent = board->head; sent != NULL; sent = sent->next) {
		if ((sent->flags & SENT_SACKED) || sent_len(sent) <= len)
			continue;
		lose(board, sent);
		any = true;
	}
	return any;
}

struct sent *
scoreboard_next_again(struct scoreboard *board)
{
	struct sent *sent = board->lost_bytes > board->rtx_bytes ? board->again : NULL;

	while (sent != NULL && (sent->flags & (SENT_LOST | SENT_RTX)) != SENT_LOST)
		sent = sent->next;
	board->again = sent;
	return sent;
}

void
scoreboard_resent(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t len,
                  uint64_t now_us)
{
	dp_assert((sent->flags & (SENT_LOST | SENT_RTX)) == SENT_LOST && len <= sent_len(sent));
	if (len < sent_len(sent))
		split(board, pool, sent, sent->seq + len);
	sent->sent_us = now_us;
	sent->span_us = 0;
	set_flags(board, sent, SENT_LOST | SENT_RTX | SENT_AGAIN);
	mark_sent(board, sent, false);
	merge_prev(board, pool, sent);
}

void
scoreboard_probed(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                  uint64_t now_us)
{
	struct sent *sent = board->tail;

	dp_assert(seq_le(sent->seq, range.start) && seq_le(range.end, sent->end));
	if (seq_lt(range.end, sent->end))
		split(board, pool, sent, range.end);
	if (seq_lt(sent->seq, range.start) && split(board, pool, sent, range.start))
		sent = sent->next;
	if (!timed(sent->flags))
		return;
	time_unlink(board, sent);
	sent->sent_us = now_us;
	sent->span_us = 0;
	sent->flags |= SENT_AGAIN;
	mark_sent(board, sent, false);
	time_insert(board, NULL, sent);
}

void
scoreboard_clear(struct scoreboard *board, struct pool *pool)
{
	while (board->head != NULL)
		give_back(board, pool, board->head);
	memset(board, 0, sizeof(*board));
}
