/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The handshake. */
#include "dataplane/tcp/listen.h"

#include "dataplane/tcp/isn.h"
#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/states.h"
#include "dataplane/tcp/timers.h"

#include <string.h>

enum { SALT_TIMESTAMP = 1 };

/* segment_size returns the payload of a full segment: what the peer takes, what the link takes,
 * less the options of every segment (RFC 6691). */
static uint16_t
segment_size(const struct tcp_stack *stack, const struct tcp_options *opt)
{
	uint32_t link = stack->config.local.mtu - IPV4_HDR_LEN - TCP_HDR_LEN;
	uint32_t mss = opt->mss != 0 ? opt->mss : TCP_MSS_DEFAULT;

	mss = MIN(MAX(mss, (uint32_t)TCP_MSS_MIN), link);
	return (uint16_t)(mss - (opt->has_ts ? TCP_OPT_TS_LEN : 0));
}

static void
take_options(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_options *opt)
{
	tcb->mss = segment_size(stack, opt);
	tcb->sack_ok = opt->sack_permitted;
	if (opt->has_wscale) {                         /* RFC 7323 2.2: both or neither */
		tcb->snd_wscale = opt->wscale;
		tcb->rcv_wscale = tcp_offered_wscale();
	}
	if (opt->has_ts) {                             /* 3.2 */
		tcb->ts_ok = true;
		tcb->ts_recent = opt->tsval;
		tcb->ts_recent_us = stack->now_us;
	}
}

static void
tcb_init(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	struct flow_key key = tcp_seg_key(seg);

	memset(tcb, 0, sizeof(*tcb));
	tcb->flow.kind = FLOW_TCB;
	table_add(&stack->table, &tcb->flow, &key);
	timer_init(&tcb->timer);
	for (uint32_t which = 0; which < TCP_DEADLINE_CNT; which++)
		tcb_deadline_clear(tcb, which);
	ip_path_init(&tcb->path, seg->ip);
	take_options(stack, tcb, &seg->opt);
	rtt_init(tcb);
	tcb->last_rcv_us = stack->now_us;
	tcb->irs = seg->seq;
	tcb->rcv_nxt = seg->seq + 1;
	tcb->last_ack_sent = tcb->rcv_nxt;
	tcb->iss = isn_make(stack->config.secret, &key, stack->now_us);
	tcb->ts_offset = (uint32_t)isn_hash(stack->config.secret, &key, SALT_TIMESTAMP);
	tcb->snd_una = tcb->iss;
	tcb->snd_nxt = tcb->iss + 1;
	tcb->snd_wnd = seg->wnd;                       /* RFC 7323 2.2: not scaled */
	tcb->snd_wnd_max = tcb->snd_wnd;
	tcb->snd_wl1 = seg->seq;
	sendq_init(&tcb->sendq, tcb->snd_nxt);
}

/* wait_add notes that a connection is in SYN-RECEIVED now. */
static void
wait_add(struct tcp_stack *stack, struct tcb *tcb)
{
	tcb->half_next = NULL;
	tcb->half_prev = stack->half_tail;
	if (stack->half_tail == NULL)
		stack->half_head = tcb;
	else
		stack->half_tail->half_next = tcb;
	stack->half_tail = tcb;
	stack->half_open_cnt++;
	gauge_set(stack->ctr, CTR_tcp_half_open, stack->half_open_cnt);
}

void
listen_remove(struct tcp_stack *stack, struct tcb *tcb)
{
	dp_assert(tcb->state == TCP_SYN_RECEIVED && stack->half_open_cnt > 0);
	if (tcb->half_prev == NULL)
		stack->half_head = tcb->half_next;
	else
		tcb->half_prev->half_next = tcb->half_next;
	if (tcb->half_next == NULL)
		stack->half_tail = tcb->half_prev;
	else
		tcb->half_next->half_prev = tcb->half_prev;
	stack->half_open_cnt--;
	gauge_set(stack->ctr, CTR_tcp_half_open, stack->half_open_cnt);
}

void
listen_syn(struct tcp_stack *stack, const struct tcp_seg *seg)
{
	struct tcb *tcb;

	if (stack->open_cnt >= stack->config.connections_max) {
		count(stack->ctr, CTR_tcp_table_full);
		return;
	}
	if (stack->half_open_cnt == stack->half_open_max)
		tcb_finish(stack, stack->half_head, CTR_tcp_half_open_full);
	tcb = pool_get(&stack->tcbs);
	if (tcb == NULL) {
		count(stack->ctr, CTR_tcp_table_full);
		return;
	}
	tcb_init(stack, tcb, seg);
	tcp_set_state(tcb, TCP_LISTEN);
	tcp_set_state(tcb, TCP_SYN_RECEIVED);
	wait_add(stack, tcb);
	tcb->synack_now = true;
	tcb_settle(stack, tcb);
}

/* establish readies a connection for data. */
static void
establish(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	bool syn_lost = tcb->retries > 0;

	tcb->snd_una = seg->ack;
	tcb->snd_wnd = (uint32_t)seg->wnd << tcb->snd_wscale;
	tcb->snd_wnd_max = MAX(tcb->snd_wnd_max, tcb->snd_wnd);
	tcb->snd_wl1 = seg->seq;
	tcb->synack_now = false;
	tcb->retries = 0;
	tcb->backoff = 0;
	if (!syn_lost)
		rtt_sample(tcb, stack->now_us - tcb->last_send_us);
	else
		tcb->rto_us = 3 * TCP_RTO_INITIAL_US;  /* RFC 6298 5.7 */
	cc_init(&tcb->cc, &cc_cubic, tcb->mss, syn_lost);
	recovery_start(tcb);
	tcb_deadline_clear(tcb, TCP_DUE_RTO);
	tcb_deadline_set(stack, tcb, TCP_DUE_KEEPALIVE, stack->now_us + TCP_KEEPALIVE_IDLE_US);
	listen_remove(stack, tcb);
	tcp_set_state(tcb, TCP_ESTABLISHED);
	tcb->events |= TCP_EV_OPEN;
	stack->open_cnt++;
	gauge_set(stack->ctr, CTR_tcp_connections, stack->open_cnt);
	count(stack->ctr, CTR_tcp_accepted);
}

bool
listen_ack(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (seg->ack != tcb->snd_nxt) {                /* SND.UNA < SEG.ACK =< SND.NXT */
		count(stack->ctr, CTR_tcp_bad_ack);
		control_reset_for(&stack->control, seg, stack->ctr);
		return false;
	}
	if (stack->open_cnt >= stack->config.connections_max) {
		control_reset_for(&stack->control, seg, stack->ctr);
		tcb_finish(stack, tcb, CTR_tcp_table_full);
		return false;
	}
	establish(stack, tcb, seg);
	return true;
}
