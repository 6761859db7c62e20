/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ICMP errors about segments of ours: who is believed, and what it changes. Anybody can send one;
 * only who has seen the segment, or guesses well, quotes what is in flight (RFC 5927 4.1). */
#include "dataplane/tcp/output.h"
#include "dataplane/tcp/timers.h"

/* within_limit bounds what an attacker who guesses well can make one connection do. */
static bool
within_limit(const struct tcp_stack *stack, struct tcb *tcb)
{
	struct pmtu *pmtu = &tcb->pmtu;
	uint32_t epoch = (uint32_t)(stack->now_us >> 20);

	if (pmtu->icmp_epoch != epoch) {
		pmtu->icmp_epoch = epoch;
		pmtu->icmp_cnt = 0;
	}
	if (pmtu->icmp_cnt == TCP_ICMP_PER_S)
		return false;
	pmtu->icmp_cnt++;
	return true;
}

static bool
is_synchronised(const struct tcb *tcb)
{
	return tcb->state != TCP_SYN_SENT && tcb->state != TCP_SYN_RECEIVED;
}

/* is_hard: RFC 1122 4.2.3.9. */
static bool
is_hard(const struct ip_icmp *err)
{
	return err->type == IP_ICMP_UNREACHABLE &&
	       (err->code == IP_ICMP_PROTOCOL || err->code == IP_ICMP_PORT);
}

/* find returns the connection that an error is about, or NULL, counted. */
static struct tcb *
find(struct tcp_stack *stack, const struct ip_icmp *err)
{
	struct flow_key key = {
		.remote_be = err->remote_be,
		.local_be = err->local_be,
		.remote_port = err->remote_port,
		.local_port = err->local_port,
	};
	struct flow *flow = table_find(&stack->table, &key);
	struct tcb *tcb;

	if (flow == NULL || flow->kind != FLOW_TCB) {
		count(stack->ctr, CTR_tcp_icmp_no_connection);
		return NULL;
	}
	tcb = CONTAINER_OF(flow, struct tcb, flow);
	if (seq_lt(err->seq, tcb->snd_una) || seq_ge(err->seq, tcb->snd_nxt)) {
		count(stack->ctr, CTR_tcp_icmp_out_of_window);     /* RFC 5927 4.1 */
		return NULL;
	}
	if (!within_limit(stack, tcb)) {
		count(stack->ctr, CTR_tcp_icmp_limited);
		return NULL;
	}
	return tcb;
}

static void
act(struct tcp_stack *stack, struct tcb *tcb, const struct ip_icmp *err)
{
	if (!is_synchronised(tcb) && is_hard(err))
		tcb_finish(stack, tcb, CTR_tcp_icmp_refused);
	else if (is_synchronised(tcb) && err->type == IP_ICMP_UNREACHABLE &&
	         err->code == IP_ICMP_TOO_BIG)
		pmtu_told(stack, tcb, err);
	else
		count(stack->ctr, CTR_tcp_icmp_soft);  /* RFC 5927 6, 5461: all the rest is */
}

struct tcb *
tcp_icmp(struct tcp_stack *stack, const struct ip_icmp *err, uint64_t now_us, uint32_t *events)
{
	struct tcb *tcb;

	tcp_enter(stack, now_us);
	*events = 0;
	if (err->type == IP_ICMP_SOURCE_QUENCH) {      /* RFC 6633 4 */
		count(stack->ctr, CTR_tcp_icmp_quench);
		return NULL;
	}
	tcb = find(stack, err);
	if (tcb == NULL)
		return NULL;
	act(stack, tcb, err);
	if (tcb->state != TCP_CLOSED)
		tcb_settle(stack, tcb);
	*events = tcb->events;
	tcb->events = 0;
	return *events != 0 ? tcb : NULL;
}
