/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The handshake. */
#include "dataplane/tcp/listen.h"

#include "dataplane/tcp/cookie.h"
#include "dataplane/tcp/isn.h"
#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/states.h"
#include "dataplane/tcp/steer.h"
#include "dataplane/tcp/timers.h"

#include <endian.h>
#include <string.h>

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

/* ts_offset returns what our timestamps of a flow are ahead of the clock (RFC 7323 5.4). */
static uint32_t
ts_offset(const struct tcp_stack *stack, const struct flow_key *key)
{
	return (uint32_t)isn_hash(stack->config.secret, key, ISN_SALT_TIMESTAMP);
}

static void
take_options(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_options *opt)
{
	tcb->mss = segment_size(stack, opt);
	tcb->sack_ok = opt->sack_permitted;
	/* RFC 7323 2.2: both or neither */
	tcb->snd_wscale = opt->has_wscale ? opt->wscale : 0;
	tcb->rcv_wscale = opt->has_wscale ? tcp_offered_wscale(stack) : 0;
	tcb->rcv_wnd = opt->has_wscale ? stack->config.rcv_wnd_bytes : TCP_RCV_WND_UNSCALED;
	tcb->ts_ok = opt->has_ts;                      /* 3.2 */
	if (opt->has_ts) {
		tcb->ts_recent = opt->tsval;
		tcb->ts_recent_us = stack->now_us;
	}
	pmtu_init(tcb);
}

void
tcb_start(struct tcp_stack *stack, struct tcb *tcb, const struct flow_key *key, uint32_t iss)
{
	memset(tcb, 0, sizeof(*tcb));
	tcb->flow.kind = FLOW_TCB;
	table_add(&stack->table, &tcb->flow, key);
	timer_init(&tcb->timer);
	for (uint32_t which = 0; which < TCP_DEADLINE_CNT; which++)
		tcb_deadline_clear(tcb, which);
	rtt_init(tcb);
	tcb->last_rcv_us = stack->now_us;
	tcb->rcv_full = TCP_MSS_DEFAULT;
	tcb->iss = iss;
	tcb->ts_offset = ts_offset(stack, key);
	tcb->snd_una = tcb->iss;
	tcb->snd_nxt = tcb->iss + 1;
	sendq_init(&tcb->sendq, tcb->snd_nxt);
}

void
tcb_take_syn(struct tcp_stack *stack, struct tcb *tcb, uint32_t irs, uint16_t wnd,
             const struct tcp_options *opt)
{
	take_options(stack, tcb, opt);
	tcb->irs = irs;
	tcb->rcv_nxt = irs + 1;
	tcb->last_ack_sent = tcb->rcv_nxt;
	tcb->snd_wnd = wnd;                            /* RFC 7323 2.2: not scaled */
	tcb->snd_wnd_max = tcb->snd_wnd;
	tcb->snd_wl1 = irs;
}

/* tcb_make makes a connection in SYN-RECEIVED of what the SYN asked for, NULL when there is no
 * memory. seg is the SYN, or the segment that brings its cookie back. */
static struct tcb *
tcb_make(struct tcp_stack *stack, const struct tcp_seg *seg, const struct cookie_syn *syn,
         uint32_t iss)
{
	struct flow_key key = tcp_seg_key(seg);
	struct tcb *tcb = pool_get(&stack->tcbs);

	if (tcb == NULL)
		return NULL;
	tcb_start(stack, tcb, &key, iss);
	ip_path_init(&tcb->path, seg->ip);
	tcb_take_syn(stack, tcb, syn->irs, seg->wnd, &syn->opt);
	tcb->ecn.ok = syn->ecn;
	tcp_set_state(tcb, TCP_LISTEN);
	tcp_set_state(tcb, TCP_SYN_RECEIVED);
	tcb_count(stack, tcb, SOURCE_HALF_OPEN);
	return tcb;
}

/* ---- what there is room for */

/* source_max returns how many connections an address may have open. */
static uint32_t
source_max(const struct tcp_stack *stack)
{
	const struct tcp_config *config = &stack->config;

	return config->source_max != 0 ? config->source_max : config->connections_max;
}

/* no_room tells whether one more connection of an address is one too many, and why. */
static bool
no_room(const struct tcp_stack *stack, uint32_t addr_be, enum counter *why)
{
	uint32_t gate_max = stack->gate.connections_max;

	*why = CTR_tcp_table_full;
	if (stack->open_cnt >= stack->config.connections_max ||
	    (gate_max != 0 && stack->open_cnt >= gate_max))
		return true;
	*why = CTR_tcp_source_full;
	return source_cnt(&stack->sources, addr_be, SOURCE_OPEN) >= source_max(stack);
}

/* turned_away tells whether the gate is shut to a segment that would open a connection. */
static bool
turned_away(struct tcp_stack *stack, const struct tcp_seg *seg)
{
	const struct tcp_gate *gate = &stack->gate;
	uint32_t address = be32toh(seg->ip->src_be);

	if (ip_range_find(gate->refused, gate->refused_cnt, address) < gate->refused_cnt) {
		count(stack->ctr, CTR_tcp_refused);
		return true;
	}
	if (!gate->shut)
		return false;
	count(stack->ctr, CTR_tcp_shut);
	control_reset_for(&stack->control, seg, stack->ctr);
	return true;
}

void
tcp_set_gate(struct tcp_stack *stack, const struct tcp_gate *gate)
{
	stack->gate = *gate;
	stack->gated = gate->shut || gate->refused_cnt > 0;
}

/* pressed tells whether a SYN is to cost no memory (RFC 4987 3.6): too many wait for their ACK,
 * or too many of its address. */
static bool
pressed(struct tcp_stack *stack, uint32_t addr_be)
{
	if (stack->half_open_cnt >= stack->half_open_max)
		return true;
	if (source_cnt(&stack->sources, addr_be, SOURCE_HALF_OPEN) < TCP_SOURCE_HALF_OPEN_MAX)
		return false;
	count(stack->ctr, CTR_tcp_source_half_open);
	return true;
}

/* ---- SYN */

/* iss_of returns our initial sequence number (RFC 6528). A fast sender outruns the clock of it:
 * then it is put above the earlier connection's, by a step that is as hard to foretell. */
static uint32_t
iss_of(const struct tcp_stack *stack, const struct tcp_seg *seg, const uint32_t *beyond)
{
	struct flow_key key = tcp_seg_key(seg);
	uint32_t iss = isn_make(stack->config.secret, &key, stack->now_us);

	if (beyond == NULL || seq_gt(iss, *beyond))
		return iss;
	return *beyond + 1 + (iss & (TCP_ISN_STEP - 1));
}

/* cookie_answer owes a SYN-ACK that keeps nothing. */
static void
cookie_answer(struct tcp_stack *stack, const struct tcp_seg *seg, const struct cookie_syn *syn)
{
	struct flow_key key = tcp_seg_key(seg);
	uint32_t tsval = tcp_ts_now(stack) + ts_offset(stack, &key);
	struct answer *answer = control_add(&stack->control, stack->ctr);
	struct cookie cookie;
	bool ts = syn->opt.has_ts;

	if (answer == NULL)
		return;
	cookie = cookie_make(stack->config.secret, &key, syn, stack->now_us, tsval);
	*answer = (struct answer){
		.key = key,
		.flags = TCP_SYN | TCP_ACK | (ts && syn->ecn ? TCP_ECE : 0),
		.seq = cookie.isn,
		.ack = syn->irs + 1,
		.wnd = TCP_RCV_WND_UNSCALED,
		.mss = tcp_offered_mss(stack),
		.has_ts = ts,
		.tsval = cookie.tsval,
		.tsecr = syn->opt.tsval,
		.sack_permitted = ts && syn->opt.sack_permitted,
		.has_wscale = ts && syn->opt.has_wscale,
		.wscale = tcp_offered_wscale(stack),
	};
	ip_path_init(&answer->path, seg->ip);
	cookie_sent(&stack->cookie_use, stack->now_us);
	count(stack->ctr, CTR_tcp_cookies_sent);
}

void
listen_syn(struct tcp_stack *stack, const struct tcp_seg *seg, const uint32_t *beyond)
{
	struct cookie_syn syn = {
		.irs = seg->seq, .ecn = ecn_offered(stack, seg), .opt = seg->opt,
	};
	enum counter why;
	struct tcb *tcb;

	if (UNLIKELY(stack->gated) && turned_away(stack, seg))
		return;
	if (no_room(stack, seg->ip->src_be, &why)) {
		count(stack->ctr, why);
		return;
	}
	if (pressed(stack, seg->ip->src_be)) {
		cookie_answer(stack, seg, &syn);
		return;
	}
	tcb = tcb_make(stack, seg, &syn, iss_of(stack, seg, beyond));
	if (tcb == NULL) {
		count(stack->ctr, CTR_tcp_table_full);
		return;
	}
	tcb->synack_now = true;
	tcb_settle(stack, tcb);
}

/* ---- ACK */

struct tcb *
listen_cookie(struct tcp_stack *stack, const struct tcp_seg *seg, enum counter stray)
{
	struct flow_key key = tcp_seg_key(seg);
	enum counter why = stray;
	struct tcb *tcb = NULL;
	struct cookie_syn syn;

	if (cookie_expected(&stack->cookie_use, stack->now_us)) {
		if (!cookie_open(stack->config.secret, &key, seg, stack->now_us, &syn))
			why = CTR_tcp_cookies_bad;
		else if (!no_room(stack, key.remote_be, &why))
			tcb = tcb_make(stack, seg, &syn, seg->ack - 1);
	}
	if (tcb == NULL) {
		count(stack->ctr, why);
		control_reset_for(&stack->control, seg, stack->ctr);
		return NULL;
	}
	count(stack->ctr, CTR_tcp_cookies_accepted);
	return tcb;
}

/* count_open counts a connection that is about to open, and that it has an owner now. One that we
 * open has had one from the start. */
static void
count_open(struct tcp_stack *stack, struct tcb *tcb)
{
	if (tcb->active) {
		count(stack->ctr, CTR_tcp_connected);
		return;
	}
	tcb_uncount(stack, tcb);
	tcb_count(stack, tcb, SOURCE_OPEN);
	count(stack->ctr, CTR_tcp_accepted);
}

void
tcb_establish(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	bool syn_lost = tcb->retries > 0;
	bool scaled = (seg->flags & TCP_SYN) == 0;     /* RFC 7323 2.2 */

	tcb->snd_una = seg->ack;
	tcb->snd_wnd = (uint32_t)seg->wnd << (scaled ? tcb->snd_wscale : 0);
	tcb->snd_wnd_max = MAX(tcb->snd_wnd_max, tcb->snd_wnd);
	tcb->snd_wl1 = seg->seq;
	tcb->synack_now = false;
	tcb->retries = 0;
	tcb->backoff = 0;
	if (!syn_lost && tcb->last_send_us != 0)       /* a cookie's sending was not noted */
		rtt_sample(tcb, stack->now_us - tcb->last_send_us);
	else if (syn_lost)
		tcb->rto_us = 3 * TCP_RTO_INITIAL_US;  /* RFC 6298 5.7 */
	steer_start(stack, tcb, syn_lost);
	recovery_start(tcb);
	tcb_deadline_clear(tcb, TCP_DUE_RTO);
	tcb_deadline_set(stack, tcb, TCP_DUE_KEEPALIVE, stack->now_us + TCP_KEEPALIVE_IDLE_US);
	count_open(stack, tcb);
	tcp_set_state(tcb, TCP_ESTABLISHED);
	tcb->events |= TCP_EV_OPEN;
}

bool
listen_ack(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	enum counter why;

	if (seg->ack != tcb->snd_nxt) {                /* SND.UNA < SEG.ACK =< SND.NXT */
		count(stack->ctr, CTR_tcp_bad_ack);
		control_reset_for(&stack->control, seg, stack->ctr);
		return false;
	}
	if (!tcb->active && no_room(stack, tcb->flow.key.remote_be, &why)) {
		control_reset_for(&stack->control, seg, stack->ctr);
		tcb_finish(stack, tcb, why);
		return false;
	}
	tcb_establish(stack, tcb, seg);
	return true;
}
