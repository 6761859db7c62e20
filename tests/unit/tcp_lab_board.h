/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_lab_board.h checks what must hold of a connection's scoreboard and of its recovery; the
 * bench does after every step. What does not hold aborts. */
#ifndef SPILLWAY_TESTS_UNIT_TCP_LAB_BOARD_H
#define SPILLWAY_TESTS_UNIT_TCP_LAB_BOARD_H

#include "dataplane/tcp/stack.h"

/* lab_board_timed tells whether a record belongs to the list by time. */
static inline bool
lab_board_timed(const struct sent *sent)
{
	return (sent->flags & SENT_SACKED) == 0 &&
	       (sent->flags & (SENT_LOST | SENT_RTX)) != SENT_LOST;
}

/* lab_board_times checks the list by time: in order, linked both ways, and of timed records. */
static inline void
lab_board_times(const struct scoreboard *board, uint32_t timed_cnt)
{
	const struct sent *earlier = NULL;
	uint32_t cnt = 0;

	for (const struct sent *sent = board->oldest; sent != NULL; sent = sent->later) {
		dp_assert(lab_board_timed(sent) && sent->earlier == earlier);
		dp_assert(earlier == NULL || earlier->sent_us <= sent->sent_us);
		earlier = sent;
		cnt++;
	}
	dp_assert(board->newest == earlier && cnt == timed_cnt);
}

/* lab_board_records checks the list by sequence number and the sums over it. */
static inline void
lab_board_records(const struct tcb *tcb)
{
	const struct scoreboard *board = &tcb->board;
	uint32_t sacked = 0;
	uint32_t lost = 0;
	uint32_t again = 0;
	uint32_t split_cnt = 0;
	uint32_t timed_cnt = 0;
	uint32_t cnt = 0;
	uint32_t seq = tcb->snd_una;
	bool before_again = board->again != NULL;
	bool hint = board->hint == NULL;

	for (const struct sent *sent = board->head; sent != NULL; sent = sent->next, cnt++) {
		uint32_t len = sent->end - sent->seq;

		dp_assert(sent->seq == seq && len > 0 && len < 1u << 30);
		dp_assert((sent->flags & SENT_SACKED) == 0 || (sent->flags & SENT_LOST) == 0);
		dp_assert(sent->next == NULL ? board->tail == sent : sent->next->prev == sent);
		if (sent == board->again)
			before_again = false;
		if (board->again == NULL || before_again)
			dp_assert((sent->flags & (SENT_LOST | SENT_RTX)) != SENT_LOST);
		sacked += sent->flags & SENT_SACKED ? len : 0;
		lost += sent->flags & SENT_LOST ? len : 0;
		again += sent->flags & SENT_RTX ? len : 0;
		split_cnt += sent->sack_split;
		timed_cnt += lab_board_timed(sent);
		hint |= sent == board->hint;
		seq = sent->end;
	}
	dp_assert(!before_again && hint && cnt == board->cnt);
	dp_assert(tcb->state < TCP_ESTABLISHED || seq == tcb->snd_nxt);
	dp_assert(sacked == board->sacked_bytes && lost == board->lost_bytes);
	dp_assert(again == board->rtx_bytes && again <= lost);
	dp_assert(split_cnt == board->sack_split_cnt && split_cnt <= TCP_SACK_SPLITS_MAX);
	lab_board_times(board, timed_cnt);
}

/* lab_board_recovery checks what recovery, its detectors and its undoing remember. */
static inline void
lab_board_recovery(const struct tcp_stack *stack, const struct tcb *tcb)
{
	const struct undo *undo = &tcb->undo;

	if (tcb->state < TCP_ESTABLISHED)
		return;
	dp_assert(tcb->rack.last.us <= stack->now_us && tcb->rack.reo_mult >= 1);
	dp_assert(seq_le(tcb->rack.fack, tcb->snd_nxt));
	dp_assert(tcb->dupack_cnt <= TCP_DUP_THRESH && tcb->dup_bytes <= tcb_flight(tcb));
	dp_assert(tcb->phase == TCP_PHASE_OPEN || seq_le(tcb->recover_seq, tcb->snd_nxt));
	dp_assert(tcb->phase == TCP_PHASE_OPEN || !tcb->tlp.out);
	dp_assert(!tcb->tlp.out || seq_le(tcb->tlp.end_seq, tcb->snd_nxt));
	dp_assert(undo->kind == UNDO_NONE || undo->first_us <= stack->now_us);
	dp_assert(undo->frto == FRTO_OFF || tcb->phase == TCP_PHASE_RTO);
	/* a suspect has a timer; none runs for nothing in flight */
	dp_assert(tcb_flight(tcb) > 0 || (tcb->deadline_us[TCP_DUE_REO] == TCP_NEVER &&
	                                  tcb->deadline_us[TCP_DUE_PTO] == TCP_NEVER));
}

/* lab_board_check checks all of it. */
static inline void
lab_board_check(const struct tcp_stack *stack, const struct tcb *tcb)
{
	lab_board_records(tcb);
	lab_board_recovery(stack, tcb);
}

#endif
