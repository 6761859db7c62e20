/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What limits a connection, in time shares, and the events that its trace keeps. */
#include "dataplane/tcp/why.h"

#include "dataplane/tcp/output.h"

#include <string.h>

/* ---- time shares */

/* paced tells whether pacing alone holds back what the windows allow. Nothing is paced. */
static inline bool
paced(const struct tcb *tcb)
{
	(void)tcb;
	return false;
}

static enum tcp_limit
limit_of(const struct tcb *tcb, bool owes)
{
	if (tcb->phase != TCP_PHASE_OPEN)
		return TCP_LIMIT_RECOVERY;
	/* a shut window is told to the owner as no room: what it has stays with it */
	if (tcb_unsent(tcb) == 0)
		return tcb->snd_wnd == 0 && tcb->why.owner == TCP_LIMIT_DISK ? TCP_LIMIT_RWND
		                                                             : tcb->why.owner;
	if (paced(tcb))
		return TCP_LIMIT_PACING;
	if (owes)
		return TCP_LIMIT_SENDING;
	return tcb_window_allows(tcb) ? TCP_LIMIT_CWND : TCP_LIMIT_RWND;
}

/* sum_add gives the time up to now_us to the limit that has held, but for what is less than the
 * sums can tell: that goes with what comes next. */
static void
sum_add(struct why *why, uint64_t now_us)
{
	uint64_t units = now_us > why->since_us ? (now_us - why->since_us) >> why->shift : 0;

	while (units > UINT32_MAX - why->sum[why->seen.limit]) {
		why->shift++;
		units >>= 1;
		for (uint32_t i = 0; i < TCP_LIMIT_CNT; i++)
			why->sum[i] >>= 1;
	}
	why->sum[why->seen.limit] += (uint32_t)units;
	why->since_us += units << why->shift;
}

void
why_sums(const struct tcp_stack *stack, const struct tcb *tcb, uint64_t us[TCP_LIMIT_CNT])
{
	const struct why *why = &tcb->why;

	for (uint32_t i = 0; i < TCP_LIMIT_CNT; i++)
		us[i] = (uint64_t)why->sum[i] << why->shift;
	if (why->seen.open && stack->now_us > why->since_us)
		us[why->seen.limit] += stack->now_us - why->since_us;
}

/* ---- the trace */

void
why_trace(const struct tcp_stack *stack, struct tcb *tcb, enum trace_kind kind, uint64_t a,
          uint64_t b)
{
	struct why *why = &tcb->why;
	uint64_t acked_bytes = tcb->acked_bytes - why->traced_acked_bytes;
	uint64_t sent_bytes = acked_bytes + tcb_flight(tcb) - why->traced_flight_bytes;

	if (sent_bytes > 0 || acked_bytes > 0)
		trace_add(&why->trace, TRACE_flow, stack->now_us, sent_bytes, acked_bytes);
	why->traced_acked_bytes = tcb->acked_bytes;
	why->traced_flight_bytes = tcb_flight(tcb);
	trace_add(&why->trace, kind, stack->now_us, a, b);
}

static void
phase_trace(const struct tcp_stack *stack, struct tcb *tcb)
{
	const struct cc *cc = &tcb->cc;

	if (tcb->phase == TCP_PHASE_OPEN)
		why_trace(stack, tcb, TRACE_recovered, cc->cwnd_bytes, cc->ssthresh_bytes);
	else if (tcb->phase == TCP_PHASE_FAST)
		why_trace(stack, tcb, TRACE_recovering, cc->cwnd_bytes, tcb_flight(tcb));
}

/* changed notes what differs from the last look. */
static COLD void
changed(const struct tcp_stack *stack, struct tcb *tcb, const struct why_seen *now)
{
	const struct why_seen *seen = &tcb->why.seen;

	if (now->state != seen->state)
		why_trace(stack, tcb, TRACE_state, seen->state, now->state);
	if (now->phase != seen->phase)
		phase_trace(stack, tcb);
	if (now->shut && !seen->shut)
		why_trace(stack, tcb, TRACE_shut, tcb_queued(tcb), tcb_flight(tcb));
	if (seen->shut && !now->shut)
		why_trace(stack, tcb, TRACE_opened, tcb->snd_wnd, tcb_queued(tcb));
	if (now->mss != seen->mss && seen->mss != 0)
		why_trace(stack, tcb, TRACE_mss, seen->mss, now->mss);
}

void
why_look(const struct tcp_stack *stack, struct tcb *tcb, bool owes)
{
	struct why *why = &tcb->why;
	struct why_seen now = {
		.limit = (uint8_t)limit_of(tcb, owes),
		.state = tcb->state,
		.phase = tcb->phase,
		.shut = tcb->snd_wnd == 0,
		.mss = tcb->mss,
		.open = tcb->state >= TCP_ESTABLISHED,
	};

	if (memcmp(&now, &why->seen, sizeof(now)) == 0)
		return;
	if (why->seen.open)
		sum_add(why, stack->now_us);
	else
		why->since_us = stack->now_us;
	if (now.open && (now.state != why->seen.state || now.phase != why->seen.phase ||
	                 now.shut != why->seen.shut || now.mss != why->seen.mss))
		changed(stack, tcb, &now);
	why->seen = now;
}

/* ---- the owner's side */

void
tcp_owner_waits(struct tcp_stack *stack, struct tcb *tcb, enum tcp_limit limit)
{
	dp_assert(limit == TCP_LIMIT_REQUESTS || limit == TCP_LIMIT_DISK);
	if (tcb->why.owner == limit)
		return;
	tcb->why.owner = (uint8_t)limit;
	if (tcb->state != TCP_CLOSED)
		why_look(stack, tcb, tcb->ready);
}

uint32_t
tcp_trace(const struct tcp_stack *stack, const struct tcb *tcb, struct trace_event *events)
{
	const struct why *why = &tcb->why;
	uint64_t acked_bytes = tcb->acked_bytes - why->traced_acked_bytes;
	uint32_t cnt = trace_read(&why->trace, events);

	events[cnt] = (struct trace_event){
		.at_us = stack->now_us,
		.kind = TRACE_flow,
		.a = acked_bytes + tcb_flight(tcb) - why->traced_flight_bytes,
		.b = acked_bytes,
	};
	return events[cnt].a > 0 || events[cnt].b > 0 ? cnt + 1 : cnt;
}
