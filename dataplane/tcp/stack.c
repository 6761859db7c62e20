/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making and ending stacks and connections, the owner's calls, and the accessors. */
#include "dataplane/tcp/stack.h"

#include "dataplane/tcp/output.h"
#include "dataplane/tcp/ready.h"
#include "dataplane/tcp/states.h"
#include "dataplane/tcp/steer.h"
#include "dataplane/tcp/timers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the stack */

/* share returns what a pool for all connections needs when each could take per. */
static uint32_t
share(uint64_t connections_max, uint32_t per, uint32_t all)
{
	return (uint32_t)MIN(connections_max * per, (uint64_t)all);
}

/* ooo_bufs returns the out-of-order buffers: so many that few connections can hold the most. */
static uint32_t
ooo_bufs(uint32_t connections_max)
{
	uint32_t kept_free = TCP_OOO_SEGS_MAX << TCP_OOO_SHARE_SHIFT;

	return share(connections_max, TCP_OOO_SEGS_MAX, TCP_OOO_BUFS - kept_free) + kept_free;
}

static int
pools_init(struct tcp_stack *stack)
{
	uint32_t open_max = stack->config.connections_max;
	uint32_t cnt = open_max + stack->half_open_max;
	uint32_t time_wait_cnt = share(open_max, 16, TCP_TIME_WAIT_MAX);
	enum memory_how how = stack->config.hugepages ? MEMORY_RESERVED : MEMORY_ASKED;
	uint32_t missed = 0;

	if (pool_init_how(&stack->tcbs, sizeof(struct tcb), cnt, how, &missed) < 0 ||
	    pool_init_how(&stack->entries, sizeof(struct sendq_entry),
	                  share(open_max, TCP_SEND_ENTRIES_MAX, TCP_SEND_ENTRIES), how,
	                  &missed) < 0 ||
	    pool_init_how(&stack->records, sizeof(struct sent),
	                  share(open_max, TCP_SENT_RECORDS_MAX, TCP_SENT_RECORDS), how,
	                  &missed) < 0 ||
	    table_init(&stack->table, cnt + time_wait_cnt, stack->config.secret[0], how,
	               &missed) < 0 ||
	    holdings_init(&stack->holdings, open_max) < 0 ||
	    pool_init(&stack->ooo, sizeof(struct ooo_seg), ooo_bufs(open_max)) < 0 ||
	    pool_init(&stack->traces, sizeof(struct trace), share(open_max, 1, TCP_TRACES)) < 0 ||
	    source_init(&stack->sources, cnt, stack->config.secret) < 0 ||
	    timewait_init(&stack->timewait, time_wait_cnt) < 0)
		return -ENOMEM;
	gauge_set(stack->ctr, CTR_tcp_plain_memory, missed);
	return 0;
}

struct tcp_stack *
tcp_create(const struct tcp_config *config, uint64_t now_us)
{
	struct tcp_stack *stack = calloc(1, sizeof(*stack));

	dp_assert(config->connections_max >= 1 && config->connections_max <= 1u << 20);
	dp_assert(config->local.mtu >= MTU_MIN && config->local.mtu <= MTU_MAX);
	if (stack == NULL)
		return NULL;
	stack->config = *config;
	if (config->rcv_wnd_bytes == 0)
		stack->config.rcv_wnd_bytes = TCP_RCV_WND;
	dp_assert(stack->config.rcv_wnd_bytes >= TCP_RCV_WND_MIN &&
	          stack->config.rcv_wnd_bytes <= TCP_RCV_WND_MAX);
	stack->config.tso_max = MIN(config->tso_max, (uint32_t)TCP_TSO_MAX);
	stack->ctr = config->ctr;
	stack->now_us = now_us;
	if (config->listen_port != 0)
		ports_listen(&stack->ports, config->listen_port);
	stack->half_open_max = MIN(config->connections_max, (uint32_t)TCP_HALF_OPEN_MAX);
	timer_wheel_init(&stack->wheel, now_us);
	if (pools_init(stack) < 0) {
		tcp_destroy(stack);
		return NULL;
	}
	return stack;
}

int
tcp_listen(struct tcp_stack *stack, uint16_t port)
{
	return ports_listen(&stack->ports, port);
}

/* tcb_drop gives up all that a connection holds. */
static void
tcb_drop(struct tcp_stack *stack, struct tcb *tcb)
{
	sendq_clear(&tcb->sendq, &stack->entries);
	holding_close(&stack->holdings, &tcb->sendq);
	scoreboard_clear(&tcb->board, &stack->records);
	if (stack->reader.tcb != tcb)
		reasm_clear(&tcb->reasm, &stack->ooo);
	why_end(stack, tcb);
}

void
tcp_destroy(struct tcp_stack *stack)
{
	struct flow *flow;
	uint32_t at = 0;

	if (stack == NULL)
		return;
	while ((flow = table_each(&stack->table, &at)) != NULL) {
		if (flow->kind == FLOW_TCB)
			tcb_drop(stack, CONTAINER_OF(flow, struct tcb, flow));
	}
	table_fini(&stack->table);
	source_fini(&stack->sources);
	pool_fini(&stack->timewait.entries);
	pool_fini(&stack->traces);
	pool_fini(&stack->ooo);
	pool_fini(&stack->holdings.pool);
	pool_fini(&stack->records);
	pool_fini(&stack->entries);
	pool_fini(&stack->tcbs);
	free(stack);
}

static void
reader_release(struct tcp_stack *stack)
{
	if (stack->reader.held != NULL)
		pool_put(&stack->ooo, stack->reader.held);
	stack->reader.held = NULL;
}

void
tcp_enter(struct tcp_stack *stack, uint64_t now_us)
{
	dp_assert(now_us >= stack->now_us);
	stack->now_us = now_us;
	while (stack->dead != NULL) {
		struct tcb *tcb = stack->dead;

		stack->dead = tcb->ready_next;
		tcb_read_drop(stack, tcb);
		reasm_clear(&tcb->reasm, &stack->ooo);
		pool_put(&stack->tcbs, tcb);
	}
}

/* ---- ending a connection */

void
tcb_read_drop(struct tcp_stack *stack, const struct tcb *tcb)
{
	struct reader *reader = &stack->reader;

	if (reader->tcb != tcb)
		return;
	count_add(stack->ctr, CTR_tcp_after_close, reader->end - reader->seq);
	reader_release(stack);
	reader->tcb = NULL;
}

/* gauges_set tells how many connections there are. */
static void
gauges_set(struct tcp_stack *stack)
{
	gauge_set(stack->ctr, CTR_tcp_half_open, stack->half_open_cnt);
	gauge_set(stack->ctr, CTR_tcp_connections, stack->open_cnt);
}

void
tcb_count(struct tcp_stack *stack, const struct tcb *tcb, enum source_kind kind)
{
	if (kind == SOURCE_HALF_OPEN)
		stack->half_open_cnt++;
	else
		stack->open_cnt++;
	source_add(&stack->sources, tcb->flow.key.remote_be, kind);
	gauges_set(stack);
}

void
tcb_uncount(struct tcp_stack *stack, const struct tcb *tcb)
{
	bool half_open = tcb->state == TCP_SYN_RECEIVED && !tcb->active;

	if (half_open)
		stack->half_open_cnt--;
	else
		stack->open_cnt--;
	source_remove(&stack->sources, tcb->flow.key.remote_be,
	              half_open ? SOURCE_HALF_OPEN : SOURCE_OPEN);
	gauges_set(stack);
}

void
tcb_end(struct tcp_stack *stack, struct tcb *tcb)
{
	dp_assert(tcb->state != TCP_CLOSED);
	if (tcb->state != TCP_TIME_WAIT)       /* bytes that came with the FIN are still read */
		tcb_read_drop(stack, tcb);
	tcb_uncount(stack, tcb);
	table_remove(&stack->table, &tcb->flow);
	ready_remove(stack, tcb);
	timer_cancel(&stack->wheel, &tcb->timer);
	tcb_drop(stack, tcb);
	tcp_set_state(tcb, TCP_CLOSED);
	tcb->ready_next = stack->dead;
	stack->dead = tcb;
}

void
tcb_finish(struct tcp_stack *stack, struct tcb *tcb, enum counter why)
{
	count(stack->ctr, why);
	if (tcb->state == TCP_SYN_RECEIVED && !tcb->active)
		tcb->events = 0;               /* it has no owner yet */
	else
		tcb->events |= TCP_EV_CLOSED;
	tcb_end(stack, tcb);
}

void
tcb_reset_peer(struct tcp_stack *stack, const struct tcb *tcb)
{
	struct answer *answer = control_add(&stack->control, stack->ctr);

	if (answer == NULL)
		return;
	*answer = (struct answer){
		.path = tcb->path,
		.key = tcb->flow.key,
		.seq = tcb->snd_nxt,
		.ack = tcb->rcv_nxt,
		.flags = TCP_RST | TCP_ACK,
	};
	count(stack->ctr, CTR_tcp_resets_out);
}

void
tcb_challenge(struct tcp_stack *stack, struct tcb *tcb)
{
	if (challenge_may(&stack->challenge, &tcb->challenge, stack->config.secret, stack->now_us,
	                  stack->ctr))
		tcb->ack_now = true;
}

/* ---- the owner's calls */

uint32_t
tcp_read(struct tcp_stack *stack, struct tcb *tcb, const uint8_t **data)
{
	struct reader *reader = &stack->reader;
	uint32_t len;

	if (reader->tcb != tcb)
		return 0;
	reader_release(stack);
	if (reader->seq == reader->end) {
		reader->tcb = NULL;
		return 0;
	}
	if (reader->len == 0) {
		struct ooo_seg *seg = reasm_pop(&tcb->reasm, reader->end);
		uint32_t given;

		dp_assert(seg != NULL && seq_le(seg->seq, reader->seq));
		given = reader->seq - seg->seq;
		dp_assert(given < seg->len);
		reader->held = seg;
		reader->data = seg->data + given;
		reader->len = seg->len - given;
	}
	*data = reader->data;
	len = reader->len;
	reader->seq += len;
	reader->len = 0;
	return len;
}

int
tcp_send(struct tcp_stack *stack, struct tcb *tcb, const struct frag *frags, uint32_t cnt)
{
	uint32_t queued = tcb_queued(tcb);

	steer_queued(stack, tcb);
	dp_assert(cnt >= 1 && cnt <= TCP_SEND_FRAGS_MAX);
	dp_assert(tcp_rule_for(tcb->state, TCP_CALL_SEND)->step == TCP_STEP_ALLOW);
	if (queued > TCP_SND_QUEUE_MAX || sendq_append(&tcb->sendq, &stack->entries, frags, cnt)) {
		count(stack->ctr, CTR_tcp_no_entry);
		return -ENOBUFS;
	}
	holding_open(&stack->holdings, tcb);
	tcb_settle(stack, tcb);
	return 0;
}

uint32_t
tcp_send_room(const struct tcp_stack *stack, const struct tcb *tcb)
{
	uint32_t queued = tcb_queued(tcb);
	uint32_t wnd = MIN(tcb->cc.cwnd_bytes, tcb->snd_wnd);
	/* what the peer holds behind a hole is out of the way: with many losses the hole is always
	 * some round trips old, and the window would go unused */
	uint32_t waiting = queued - MIN(queued, tcb->board.sacked_bytes);
	uint32_t worth = wnd + MIN(wnd, (uint32_t)TCP_AHEAD_MAX) + TCP_AHEAD_MIN;

	if (tcp_rule_for(tcb->state, TCP_CALL_SEND)->step != TCP_STEP_ALLOW || tcb->snd_wnd == 0)
		return 0;
	/* an entry for each KiB, and some: who asks for crumbs gets no more entries than others */
	if (tcb->sendq.cnt > TCP_SEND_FRAGS_MAX + (queued >> 10) ||
	    tcb->sendq.cnt + TCP_SEND_FRAGS_MAX > TCP_SEND_ENTRIES_MAX ||
	    stack->entries.free_cnt < TCP_SEND_FRAGS_MAX)
		return 0;
	worth = MIN(worth, (uint32_t)TCP_SND_QUEUE_MAX);
	if (worth <= waiting || queued >= TCP_SND_QUEUE_MAX)
		return 0;
	return MIN(worth - waiting, TCP_SND_QUEUE_MAX - queued);
}

void
tcp_shutdown(struct tcp_stack *stack, struct tcb *tcb, uint64_t now_us)
{
	if (tcp_rule_for(tcb->state, TCP_CALL_SHUTDOWN)->step == TCP_STEP_IGNORE)
		return;
	dp_assert(tcp_rule_for(tcb->state, TCP_CALL_SHUTDOWN)->step == TCP_STEP_ALLOW);
	stack->now_us = now_us;
	tcb->fin_queued = true;
	tcp_set_state(tcb, tcb->state == TCP_ESTABLISHED ? TCP_FIN_WAIT_1 : TCP_LAST_ACK);
	tcb_settle(stack, tcb);
}

/* deafen ends reading. */
static void
deafen(struct tcp_stack *stack, struct tcb *tcb)
{
	tcb_read_drop(stack, tcb);
	reasm_clear(&tcb->reasm, &stack->ooo);
	tcb->deaf = true;
	/* nobody watches it any more: a peer that acknowledges by the byte must not hold it */
	tcb_deadline_set(stack, tcb, TCP_DUE_LIFE, stack->now_us + TCP_CLOSING_US);
}

void
tcp_close(struct tcp_stack *stack, struct tcb *tcb, uint64_t now_us)
{
	enum tcp_step step = tcp_rule_for(tcb->state, TCP_CALL_CLOSE)->step;

	dp_assert(step != TCP_STEP_REFUSE);
	if (step == TCP_STEP_ABANDON) {
		tcp_abort(stack, tcb);
		return;
	}
	if (tcb->state == TCP_CLOSED || tcb->deaf)
		return;
	stack->now_us = now_us;
	deafen(stack, tcb);
	tcp_shutdown(stack, tcb, now_us);
}

void
tcp_abort(struct tcp_stack *stack, struct tcb *tcb)
{
	if (tcp_rule_for(tcb->state, TCP_CALL_ABORT)->step == TCP_STEP_IGNORE)
		return;
	if (tcb->state != TCP_SYN_SENT)        /* 3.10.5: the peer knows nothing of it */
		tcb_reset_peer(stack, tcb);
	count(stack->ctr, CTR_tcp_aborted);
	tcb_end(stack, tcb);
}

/* ---- accessors */

void *
tcp_user(const struct tcb *tcb)
{
	return tcb->user;
}

void
tcp_set_user(struct tcb *tcb, void *user)
{
	tcb->user = user;
}

struct tcb *
tcp_find(const struct tcp_stack *stack, uint32_t remote_be, uint16_t remote_port)
{
	for (uint32_t i = 0; i < stack->ports.listen_cnt; i++) {
		struct flow_key key = {
			.remote_be = remote_be,
			.local_be = stack->config.local.addr_be,
			.remote_port = remote_port,
			.local_port = stack->ports.listen[i],
		};
		struct flow *flow = table_find(&stack->table, &key);

		if (flow != NULL && flow->kind == FLOW_TCB &&
		    CONTAINER_OF(flow, struct tcb, flow)->state >= TCP_ESTABLISHED)
			return CONTAINER_OF(flow, struct tcb, flow);
	}
	return NULL;
}

/* cc_of returns which congestion control a connection has. */
static enum tcp_cc
cc_of(const struct tcb *tcb)
{
	for (uint32_t which = 0; which < TCP_CC_CNT; which++) {
		if (tcb->cc.ops == cc_ops_of(which))
			return which;
	}
	return TCP_CC_CUBIC;
}

/* rates_of fills rates in bytes a second; divides. */
COLD static void
rates_of(const struct tcb *tcb, struct tcp_info *info)
{
	const struct rate *rate = &tcb->board.rate;

	if (tcb->pace.byte_time > 0)
		info->pacing_bytes_per_s = (1000000ull << PACE_SHIFT) / tcb->pace.byte_time;
	if (rate->sample_us > 0)
		info->delivery_bytes_per_s = rate->sample_bytes * 1000000ull / rate->sample_us;
}

void
tcp_info(const struct tcp_stack *stack, const struct tcb *tcb, struct tcp_info *info)
{
	*info = (struct tcp_info){
		.state = tcb->state,
		.remote_be = tcb->flow.key.remote_be,
		.remote_port = tcb->flow.key.remote_port,
		.local_port = tcb->flow.key.local_port,
		.mss = tcb->mss,
		.cwnd_bytes = tcb->cc.cwnd_bytes,
		.ssthresh_bytes = tcb->cc.ssthresh_bytes,
		.snd_wnd_bytes = tcb->snd_wnd,
		.srtt_us = tcb->srtt_us,
		.rto_us = tcb->rto_us,
		.queued_bytes = tcb_queued(tcb),
		.flight_bytes = tcb_flight(tcb),
		.acked_bytes = tcb->acked_bytes,
		.retransmit_bytes = tcb->retransmit_bytes,
		.limit = tcb->why.seen.limit,
		.cc = cc_of(tcb),
		.ecn = tcb->ecn.ok,
		.pins = tcb->sendq.head != NULL && tcb->sendq.hold == NULL,
		.min_rtt_us = rtt_min_us(tcb),
	};
	why_sums(stack, tcb, info->limit_us);
	rates_of(tcb, info);
}
