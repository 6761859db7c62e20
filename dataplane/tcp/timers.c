/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What happens when time passes. */
#include "dataplane/tcp/timers.h"

#include "dataplane/tcp/output.h"
#include "dataplane/tcp/ready.h"
#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rtt.h"

void
tcb_deadline_set(struct tcp_stack *stack, struct tcb *tcb, enum tcp_deadline which,
                 uint64_t deadline_us)
{
	tcb->deadline_us[which] = deadline_us;
	if (!timer_is_set(&tcb->timer) || deadline_us < tcb->timer.deadline_us)
		timer_set(&stack->wheel, &tcb->timer, deadline_us);
}

static void
deadline_start(struct tcp_stack *stack, struct tcb *tcb, enum tcp_deadline which)
{
	if (tcb->deadline_us[which] == TCP_NEVER)
		tcb_deadline_set(stack, tcb, which, stack->now_us + rtt_timeout_us(tcb));
}

void
tcb_settle(struct tcp_stack *stack, struct tcb *tcb)
{
	pace_settle(&tcb->pace, stack->now_us);
	tcb_settle_owing(stack, tcb, tcb_owed(tcb) != TCP_OWED_NOTHING);
}

void
tcb_settle_owing(struct tcp_stack *stack, struct tcb *tcb, bool owes)
{
	bool paced = tcb_paced(tcb);

	tcb->pace.waits = paced;
	why_look(stack, tcb, owes);
	if (tcb->sendq.hold != NULL)
		holding_settle(&stack->holdings, &tcb->sendq);
	if (owes)
		ready_add(stack, tcb);
	if (tcb->sendq.head != NULL && tcb->deadline_us[TCP_DUE_STALL] == TCP_NEVER) {
		persist_begin(tcb, stack->now_us);
		tcb_deadline_set(stack, tcb, TCP_DUE_STALL, stack->now_us + TCP_PERSIST_LOOK_US);
	}
	if (paced && tcb->deadline_us[TCP_DUE_PACE] == TCP_NEVER)
		tcb_deadline_set(stack, tcb, TCP_DUE_PACE, pace_open_us(&tcb->pace));
	if (tcb_flight(tcb) > 0 && !tcb->probe_out) {
		tcb_deadline_clear(tcb, TCP_DUE_PERSIST);
		deadline_start(stack, tcb, TCP_DUE_RTO);       /* RFC 6298 5.1, 5.6 */
		tlp_schedule(stack, tcb);
		return;
	}
	tcb_deadline_clear(tcb, TCP_DUE_RTO);                  /* 5.2 */
	tcb_deadline_clear(tcb, TCP_DUE_PTO);
	tcb_deadline_clear(tcb, TCP_DUE_REO);
	if (tcb->probe_out || (tcb_unsent(tcb) > 0 && !owes && !paced &&
	                       sendq_wants(&tcb->sendq) == NULL))        /* the window */
		deadline_start(stack, tcb, TCP_DUE_PERSIST);
	else
		tcb_deadline_clear(tcb, TCP_DUE_PERSIST);
}

/* give_up tells whether a connection has been retried too often; then it is over. */
static bool
give_up(struct tcp_stack *stack, struct tcb *tcb, uint8_t retries_max)
{
	if (tcb->retries++ < retries_max)
		return false;
	tcb_finish(stack, tcb, CTR_tcp_timeouts);              /* RFC 1122 4.2.3.5, R2 */
	return true;
}

static void
rto_due(struct tcp_stack *stack, struct tcb *tcb)
{
	bool opening = tcb->state == TCP_SYN_SENT || tcb->state == TCP_SYN_RECEIVED;

	if (UNLIKELY(holding_waits(&tcb->sendq, tcb->snd_nxt)))
		return;                                        /* begins anew; nothing was sent */
	if (give_up(stack, tcb, opening ? TCP_SYN_RETRIES_MAX : TCP_RETRIES_MAX))
		return;
	if (opening) {
		tcb->synack_now = true;
	} else {
		why_trace(stack, tcb, TRACE_timeout, rtt_timeout_us(tcb), tcb_flight(tcb));
		pmtu_timed_out(stack, tcb);
		recovery_timed_out(stack, tcb);
	}
	tcb->backoff = (uint8_t)MIN(tcb->backoff + 1, 16);     /* RFC 6298 5.5 */
}

static void
persist_due(struct tcp_stack *stack, struct tcb *tcb)
{
	if (give_up(stack, tcb, TCP_RETRIES_MAX))
		return;
	tcb->probe_now = true;
	tcb->backoff = (uint8_t)MIN(tcb->backoff + 1, 16);     /* RFC 9293 3.8.6.1 */
}

static void
stall_due(struct tcp_stack *stack, struct tcb *tcb)
{
	if (!persist_expired(tcb, stack->now_us)) {
		if (tcb->sendq.head != NULL)
			tcb_deadline_set(stack, tcb, TCP_DUE_STALL,
			                 stack->now_us + TCP_PERSIST_LOOK_US);
		return;
	}
	tcb_reset_peer(stack, tcb);
	tcb_finish(stack, tcb, CTR_tcp_persist_expired);       /* RFC 6429 3 */
}

static void
delack_due(struct tcp_stack *stack, struct tcb *tcb)
{
	(void)stack;
	tcb->ack_now = tcb->delack_cnt > 0;
}

static void
keepalive_due(struct tcp_stack *stack, struct tcb *tcb)
{
	uint64_t idle_until_us = tcb->last_rcv_us + TCP_KEEPALIVE_IDLE_US;

	if (idle_until_us > stack->now_us) {
		tcb->keepalive_cnt = 0;
		tcb_deadline_set(stack, tcb, TCP_DUE_KEEPALIVE, idle_until_us);
		return;
	}
	if (tcb->keepalive_cnt >= TCP_KEEPALIVE_MAX) {
		tcb_finish(stack, tcb, CTR_tcp_timeouts);
		return;
	}
	if (tcb_flight(tcb) == 0) {    /* else retransmission or persist finds out */
		tcb->keepalive_cnt++;
		tcb->keepalive_now = true;
	}
	tcb_deadline_set(stack, tcb, TCP_DUE_KEEPALIVE, stack->now_us + TCP_KEEPALIVE_US);
}

static void
life_due(struct tcp_stack *stack, struct tcb *tcb)
{
	tcb_reset_peer(stack, tcb);                            /* RFC 1122 4.2.2.13 */
	tcb_finish(stack, tcb, CTR_tcp_timeouts);
}

/* pace_due has nothing to do: tcb_settle opens the gate. */
static void
pace_due(struct tcp_stack *stack, struct tcb *tcb)
{
	dp_assert(!tcb->pace.shut || pace_open_us(&tcb->pace) <= stack->now_us ||
	          tcb->deadline_us[TCP_DUE_PACE] == TCP_NEVER);
}

static void (*const on_due[TCP_DEADLINE_CNT])(struct tcp_stack *, struct tcb *) = {
	[TCP_DUE_REO] = recovery_reordered,
	[TCP_DUE_PTO] = tlp_due,
	[TCP_DUE_RTO] = rto_due,
	[TCP_DUE_PERSIST] = persist_due,
	[TCP_DUE_STALL] = stall_due,
	[TCP_DUE_DELACK] = delack_due,
	[TCP_DUE_KEEPALIVE] = keepalive_due,
	[TCP_DUE_LIFE] = life_due,
	[TCP_DUE_PACE] = pace_due,
};

static void
tcb_expire(struct tcp_stack *stack, struct tcb *tcb)
{
	uint64_t next_us = TCP_NEVER;

	for (uint32_t which = 0; which < TCP_DEADLINE_CNT; which++) {
		if (tcb->deadline_us[which] > stack->now_us)
			continue;
		tcb_deadline_clear(tcb, which);
		on_due[which](stack, tcb);
		if (tcb->state == TCP_CLOSED)
			return;
	}
	tcb_settle(stack, tcb);
	for (uint32_t which = 0; which < TCP_DEADLINE_CNT; which++)
		next_us = MIN(next_us, tcb->deadline_us[which]);
	if (next_us != TCP_NEVER)
		timer_set(&stack->wheel, &tcb->timer, next_us);
}

uint32_t
tcp_timers(struct tcp_stack *stack, uint64_t now_us, struct tcp_note *notes, uint32_t max)
{
	uint32_t cnt = 0;
	struct timer *timer;

	dp_assert(max > 0);
	tcp_enter(stack, now_us);
	while (cnt < max && (timer = timer_wheel_expire(&stack->wheel, now_us)) != NULL) {
		struct tcb *tcb = CONTAINER_OF(timer, struct tcb, timer);

		if (timer == &stack->timewait.timer) {
			timewait_expire(stack);
			continue;
		}
		tcb_expire(stack, tcb);
		if (tcb->events == 0)
			continue;
		notes[cnt].tcb = tcb;
		notes[cnt++].events = tcb->events;
		tcb->events = 0;
	}
	return cnt;
}

uint64_t
tcp_next_us(const struct tcp_stack *stack)
{
	return timer_wheel_next_us(&stack->wheel);
}
