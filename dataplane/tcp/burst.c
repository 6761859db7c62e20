/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Segments in bursts: finding their connections, merging acknowledgements, telling events. */
#include "dataplane/tcp/burst.h"

#include "dataplane/tcp/input.h"
#include "dataplane/tcp/timers.h"

/* events that the owner has to act on before the connection's next segment is looked at */
#define TELL_AT_ONCE ((uint32_t)(TCP_EV_OPEN | TCP_EV_READ | TCP_EV_FIN | TCP_EV_CLOSED))

enum {
	LINES_AHEAD = 10,          /* places in a burst */
	QUEUES_AHEAD = 5,
};

/* ---- finding connections */

/* parse takes all segments apart, and calls for the table's lines. */
static void
parse(struct tcp_stack *stack, const struct ip_seg *segs, uint32_t cnt)
{
	struct burst *burst = &stack->burst;

	for (uint32_t i = 0; i < cnt; i++) {
		struct burst_seg *at = &burst->segs[burst->cnt];
		struct flow_key key;

		if (!tcp_seg_parse(&at->seg, &segs[i], stack->ctr))
			continue;
		key = tcp_seg_key(&at->seg);
		at->hash = table_hash(&stack->table, &key);
		table_prefetch(&stack->table, at->hash);
		at->next = 0;
		at->follows = false;
		burst->cnt++;
	}
	count_add(stack->ctr, CTR_tcp_segments_in, cnt);
}

static struct flow *
find(const struct tcp_stack *stack, const struct burst_seg *at)
{
	struct flow_key key = tcp_seg_key(&at->seg);

	return table_find_hashed(&stack->table, &key, at->hash);
}

/* follow puts a segment behind the one before it of its connection. */
static void
follow(struct burst *burst, uint8_t place)
{
	struct burst_seg *at = &burst->segs[place];
	uint8_t last = at->flow->burst_last;

	if (last < place && burst->segs[last].flow == at->flow) {
		burst->segs[last].next = place;
		at->follows = true;
	}
	at->flow->burst_last = place;
}

/* call_flows calls for the first line of what the segments belong to. */
static void
call_flows(const struct tcp_stack *stack)
{
	const struct burst *burst = &stack->burst;

	for (uint8_t i = 0; i < burst->cnt; i++) {
		const struct flow *flow = table_likely(&stack->table, burst->segs[i].hash);

		if (flow != NULL)
			__builtin_prefetch(flow);
	}
}

/* resolve finds the connection of each segment. */
static void
resolve(struct tcp_stack *stack)
{
	struct burst *burst = &stack->burst;

	for (uint8_t i = 0; i < burst->cnt; i++) {
		struct burst_seg *at = &burst->segs[i];

		at->flow = find(stack, at);
		if (at->flow != NULL && at->flow->kind == FLOW_TCB)
			follow(burst, i);
	}
}

/* begins_turn returns the connection whose turn begins with a segment, or NULL. */
static const struct tcb *
begins_turn(const struct burst_seg *at)
{
	if (at->flow == NULL || at->flow->kind != FLOW_TCB || at->follows)
		return NULL;
	return CONTAINER_OF(at->flow, struct tcb, flow);
}

/* call_ahead calls for the lines of connections that soon have their turn, and then for what an
 * acknowledgement gives back: the oldest that is in flight. Not for all at once: there is room for
 * some beside the CPU only. */
static void
call_ahead(struct burst *burst)
{
	uint32_t lines_end = MIN((uint32_t)burst->first + LINES_AHEAD, (uint32_t)burst->cnt);
	uint32_t queues_end = MIN((uint32_t)burst->first + QUEUES_AHEAD, (uint32_t)burst->cnt);
	const struct tcb *tcb;

	for (; burst->lines_called < lines_end; burst->lines_called++) {
		tcb = begins_turn(&burst->segs[burst->lines_called]);
		if (tcb != NULL)
			tcb_prefetch(tcb);
	}
	for (; burst->queues_called < queues_end; burst->queues_called++) {
		tcb = begins_turn(&burst->segs[burst->queues_called]);
		if (tcb == NULL)
			continue;
		__builtin_prefetch(tcb->board.head);
		__builtin_prefetch(tcb->sendq.head);
	}
}

/* ---- merging acknowledgements */

/* calm tells whether an acknowledgement of a connection means no more than how far it goes. */
static bool
calm(const struct tcb *tcb)
{
	return tcb->phase == TCP_PHASE_OPEN && tcb->board.sacked_bytes == 0 &&
	       tcb->board.lost_bytes == 0 && tcb->undo.kind == UNDO_NONE && !tcb->tlp.out &&
	       !tcb->probe_out;
}

/* supersedes tells whether next says all that the expected segment before it said, and is not its
 * duplicate (RFC 5681 2). */
static bool
supersedes(const struct tcp_stack *stack, const struct tcb *tcb, const struct tcp_seg *seg,
           const struct tcp_seg *next)
{
	return seg->len == 0 && seq_gt(seg->ack, tcb->snd_una) &&
	       seq_gt(next->ack + (next->len > 0), seg->ack) &&
	       (!tcb->ts_ok || seq_ge(next->opt.tsval, seg->opt.tsval)) &&
	       input_expected(stack, tcb, next);
}

/* merge returns the segment of a connection's turn that stands for those from at on. */
static struct burst_seg *
merge(struct tcp_stack *stack, struct tcb *tcb, struct burst_seg *at)
{
	struct burst *burst = &stack->burst;

	if (!calm(tcb) || !input_expected(stack, tcb, &at->seg))
		return at;
	while (burst->next != 0) {
		struct burst_seg *next = &burst->segs[burst->next];

		if (!supersedes(stack, tcb, &at->seg, &next->seg))
			break;
		tcb->snd_wnd_max = MAX(tcb->snd_wnd_max,
		                       (uint32_t)at->seg.wnd << tcb->snd_wscale);
		next->seg.merged = (uint8_t)(at->seg.merged + 1);
		burst->next = next->next;
		count(stack->ctr, CTR_tcp_acks_merged);
		at = next;
	}
	return at;
}

/* ---- one after the other */

/* take returns the segment whose turn it is, or NULL when the burst is over. */
static struct burst_seg *
take(struct burst *burst)
{
	struct burst_seg *at;

	if (burst->next != 0) {
		at = &burst->segs[burst->next];
	} else {
		while (burst->first < burst->cnt && burst->segs[burst->first].follows)
			burst->first++;
		if (burst->first == burst->cnt)
			return NULL;
		call_ahead(burst);
		at = &burst->segs[burst->first++];
	}
	burst->next = at->next;
	return at;
}

/* arrives takes a segment, with those that it stands for, through input. Returns the connection
 * that has it, or NULL. */
static struct tcb *
arrives(struct tcp_stack *stack, struct burst_seg *at)
{
	if (stack->burst.table_changes != stack->table.changes)
		at->flow = find(stack, at);
	if (at->flow != NULL && at->flow->kind == FLOW_TCB && stack->burst.next != 0)
		at = merge(stack, CONTAINER_OF(at->flow, struct tcb, flow), at);
	return input_arrives(stack, at->flow, &at->seg);
}

void
tcp_burst_begin(struct tcp_stack *stack, const struct ip_seg *segs, uint32_t cnt, uint64_t now_us)
{
	struct burst *burst = &stack->burst;

	dp_assert(cnt <= BURST_MAX && burst_over(burst));
	tcp_enter(stack, now_us);
	burst->cnt = 0;
	burst->first = 0;
	parse(stack, segs, cnt);
	burst->table_changes = stack->table.changes;
	if (burst->cnt > 1)
		call_flows(stack);
	resolve(stack);
	burst->lines_called = burst->cnt > 1 ? 0 : burst->cnt;
	burst->queues_called = burst->lines_called;
}

struct tcb *
tcp_burst_next(struct tcp_stack *stack, uint32_t *events)
{
	struct burst *burst = &stack->burst;
	struct burst_seg *at;

	dp_assert(stack->reader.tcb == NULL || stack->reader.seq == stack->reader.end);
	tcp_enter(stack, stack->now_us);
	while ((at = take(burst)) != NULL) {
		struct tcb *tcb = arrives(stack, at);

		if (tcb == NULL)
			continue;
		if (burst->next == 0 && tcb->state != TCP_CLOSED)
			tcb_settle(stack, tcb);
		if ((tcb->events & TELL_AT_ONCE) == 0 && (burst->next != 0 || tcb->events == 0))
			continue;
		*events = tcb->events;
		tcb->events = 0;
		return tcb;
	}
	*events = 0;
	return NULL;
}

struct tcb *
tcp_input(struct tcp_stack *stack, const struct ip_seg *seg, uint64_t now_us, uint32_t *events)
{
	tcp_burst_begin(stack, seg, 1, now_us);
	return tcp_burst_next(stack, events);
}
