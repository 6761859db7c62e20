/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What limits a connection, in time shares, and the events that its trace keeps. */
#include "dataplane/tcp/why.h"

#include "dataplane/tcp/output.h"

#include <string.h>

/* ---- time shares */

static enum tcp_limit
limit_of(const struct tcb *tcb, bool owes)
{
	enum tcp_limit owner = tcb->why.seen.owner;

	if (tcb->phase != TCP_PHASE_OPEN)
		return TCP_LIMIT_RECOVERY;
	/* a shut window is told to the owner as no room: what it has stays with it */
	if (tcb_unsent(tcb) == 0)
		return tcb->snd_wnd == 0 && owner == TCP_LIMIT_DISK ? TCP_LIMIT_RWND : owner;
	if (tcb->pace.waits)
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

/* opened_us returns when the handshake was done. */
static uint64_t
opened_us(const struct tcp_stack *stack, const struct tcb *tcb)
{
	uint64_t us[TCP_LIMIT_CNT];
	uint64_t age_us = 0;

	why_sums(stack, tcb, us);
	for (uint32_t i = 0; i < TCP_LIMIT_CNT; i++)
		age_us += us[i];
	return stack->now_us - MIN(stack->now_us, age_us);
}

/* ---- the trace */

/* trace_of returns the trace of a connection; its first record is the handshake. NULL, counted:
 * none is free. */
static COLD struct trace *
trace_of(struct tcp_stack *stack, struct tcb *tcb)
{
	struct why *why = &tcb->why;

	if (why->trace != NULL)
		return why->trace;
	why->trace = pool_get(&stack->traces);
	if (why->trace == NULL) {
		count(stack->ctr, CTR_tcp_no_trace);
		return NULL;
	}
	trace_init(why->trace);
	trace_add(why->trace, TRACE_open, opened_us(stack, tcb), tcb->snd_wscale, tcb->sack_ok);
	return why->trace;
}

/* data_flight returns the bytes sent and not acknowledged, without a FIN. */
static uint32_t
data_flight(const struct tcb *tcb)
{
	return seq_min(tcb->snd_nxt, tcb->sendq.end) - seq_min(tcb->snd_una, tcb->sendq.end);
}

/* flow_since returns what was sent and acknowledged since the last record. */
static struct trace_event
flow_since(const struct tcp_stack *stack, const struct tcb *tcb)
{
	const struct trace *trace = tcb->why.trace;
	uint64_t acked_bytes = tcb->acked_bytes;
	uint64_t sent_bytes = acked_bytes + data_flight(tcb);

	if (trace != NULL) {
		sent_bytes -= trace->traced_acked_bytes + trace->traced_flight_bytes;
		acked_bytes -= trace->traced_acked_bytes;
	}
	return (struct trace_event){
		.at_us = stack->now_us,
		.kind = TRACE_flow,
		.a = (uint32_t)MIN(sent_bytes, (uint64_t)UINT32_MAX),
		.b = (uint32_t)MIN(acked_bytes, (uint64_t)UINT32_MAX),
	};
}

void
why_trace(struct tcp_stack *stack, struct tcb *tcb, enum trace_kind kind, uint64_t a, uint64_t b)
{
	struct trace *trace = trace_of(stack, tcb);
	struct trace_event flow;

	if (trace == NULL)
		return;
	flow = flow_since(stack, tcb);
	if (flow.a > 0 || flow.b > 0)
		trace_add(trace, TRACE_flow, stack->now_us, flow.a, flow.b);
	trace->traced_acked_bytes = tcb->acked_bytes;
	trace->traced_flight_bytes = data_flight(tcb);
	trace_add(trace, kind, stack->now_us, a, b);
}

void
why_undone(struct tcp_stack *stack, struct tcb *tcb)
{
	why_trace(stack, tcb, TRACE_undone, tcb->cc.cwnd_bytes, tcb->cc.ssthresh_bytes);
	tcb->why.seen.phase = tcb->phase;
}

void
why_end(struct tcp_stack *stack, struct tcb *tcb)
{
	if (tcb->why.trace != NULL)
		pool_put(&stack->traces, tcb->why.trace);
	tcb->why.trace = NULL;
}

static void
phase_trace(struct tcp_stack *stack, struct tcb *tcb)
{
	const struct cc *cc = &tcb->cc;

	if (tcb->phase == TCP_PHASE_OPEN)
		why_trace(stack, tcb, TRACE_recovered, cc->cwnd_bytes, cc->ssthresh_bytes);
	else if (tcb->phase == TCP_PHASE_FAST)
		why_trace(stack, tcb, TRACE_recovering, cc->cwnd_bytes, tcb_flight(tcb));
}

/* changed notes what differs from the last look. */
static COLD void
changed(struct tcp_stack *stack, struct tcb *tcb, const struct why_seen *now)
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
	if (now->mss != seen->mss)
		why_trace(stack, tcb, TRACE_mss, seen->mss, now->mss);
}

void
why_look(struct tcp_stack *stack, struct tcb *tcb, bool owes)
{
	struct why *why = &tcb->why;
	struct why_seen now = {
		.limit = (uint8_t)limit_of(tcb, owes),
		.state = tcb->state,
		.phase = tcb->phase,
		.shut = tcb->snd_wnd == 0,
		.mss = tcb->mss,
		.open = tcb->state >= TCP_ESTABLISHED,
		.owner = why->seen.owner,
	};

	if (memcmp(&now, &why->seen, sizeof(now)) == 0)
		return;
	if (why->seen.open)
		sum_add(why, stack->now_us);
	else
		why->since_us = stack->now_us;
	if (why->seen.open && (now.state != why->seen.state || now.phase != why->seen.phase ||
	                       now.shut != why->seen.shut || now.mss != why->seen.mss))
		changed(stack, tcb, &now);
	why->seen = now;
}

/* ---- the owner's side */

void
tcp_owner_waits(struct tcp_stack *stack, struct tcb *tcb, enum tcp_limit limit)
{
	dp_assert(limit == TCP_LIMIT_REQUESTS || limit == TCP_LIMIT_DISK ||
	          limit == TCP_LIMIT_PACING);
	if (tcb->why.seen.owner == limit)
		return;
	tcb->why.seen.owner = (uint8_t)limit;
	if (tcb->state != TCP_CLOSED)
		why_look(stack, tcb, tcb->ready);
}

uint32_t
tcp_trace(const struct tcp_stack *stack, const struct tcb *tcb, struct trace_event *events)
{
	uint32_t cnt = 1;

	if (tcb->why.trace != NULL)
		cnt = trace_read(tcb->why.trace, events);
	else
		events[0] = (struct trace_event){
			.at_us = opened_us(stack, tcb),
			.kind = TRACE_open,
			.a = tcb->snd_wscale,
			.b = tcb->sack_ok,
		};
	events[cnt] = flow_since(stack, tcb);
	return events[cnt].a > 0 || events[cnt].b > 0 ? cnt + 1 : cnt;
}
