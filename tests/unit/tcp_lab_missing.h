/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_lab_missing.h is a bench's memory that is short: fragments whose references were given up,
 * and the bytes had again. With SPILLWAY_LAB_PRESSURE set in the environment every lab_flush gives
 * up all that can be and has again what is missing, so that all tests of the bench run under it.
 */
#ifndef SPILLWAY_TESTS_UNIT_TCP_LAB_MISSING_H
#define SPILLWAY_TESTS_UNIT_TCP_LAB_MISSING_H

#include "tests/unit/tcp_lab.h"

/* lab_queue_check looks at the order of a queue and at what it counts. */
static inline void
lab_queue_check(const struct tcb *tcb)
{
	const struct sendq_entry *entry = tcb->sendq.head;
	const struct sendq_entry *prev = NULL;
	uint32_t cnt = 0;
	uint32_t given_cnt = 0;
	uint32_t held_bytes = 0;
	uint32_t seq = entry == NULL ? tcb->sendq.end : entry->seq;

	dp_assert(seq_le(seq, tcb->snd_una) || entry == NULL || tcb->snd_una == tcb->iss);
	for (; entry != NULL; prev = entry, entry = entry->next, cnt++) {
		bool given = entry->flags & SENDQ_GIVEN;

		dp_assert(entry->seq == seq && entry->len > 0 && entry->prev == prev);
		dp_assert(!given || entry->buf == NULL);
		dp_assert((entry->flags & SENDQ_ORIGIN) == 0 ||
		          (uint32_t)entry->origin.off == entry->seq - tcb->iss - 1);
		dp_assert(!given || (entry->flags & (SENDQ_HELD | SENDQ_FRESH)) == 0);
		seq += entry->len;
		given_cnt += given;
		held_bytes += entry->flags & SENDQ_HELD ? entry->len : 0;
	}
	dp_assert(seq == tcb->sendq.end && cnt == tcb->sendq.cnt && prev == tcb->sendq.tail);
	dp_assert(given_cnt == tcb->sendq.given_cnt);
	dp_assert((tcb->sendq.hold != NULL) == (cnt > 0));
	dp_assert(cnt == 0 || held_bytes == tcb->sendq.hold->held_bytes);
	dp_assert(cnt == 0 || (tcb->sendq.hold->rank > 0) == (held_bytes > 0));
}

/* lab_wants_check: what holds a connection back is asked for, or about to be. */
static inline void
lab_wants_check(const struct tcp_stack *stack, const struct tcb *tcb)
{
	const struct holding *hold = tcb->sendq.hold;

	if (sendq_wants(&tcb->sendq) == NULL)
		return;
	dp_assert(hold->wanted->flags & SENDQ_GIVEN);
	dp_assert(hold->asked == hold->wanted || hold->told_due);
	dp_assert(!hold->told_due || stack->holdings.want_first != NULL);
}

/* lab_missing is tcp_missing, checked: what is asked for is what the connection was given there. */
uint32_t
lab_missing(struct lab *lab, struct tcp_missing *missing, uint32_t max);

/* lab_refill has bytes that are missing read again, in spans of at most span_len; returns what
 * tcp_refill says. lab_refill_all does so until nothing is missing; returns how often. */
int
lab_refill(struct lab *lab, const struct tcp_missing *missing, uint32_t span_len);
uint32_t
lab_refill_all(struct lab *lab);

/* lab_give_up gives up all that can be. Returns how many references. */
uint32_t
lab_give_up(struct lab *lab);

/* lab_press is what lab_flush does under pressure. Returns whether anything was had again. */
bool
lab_press(struct lab *lab);

#endif
