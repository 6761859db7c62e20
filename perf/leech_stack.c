/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The turn of a client on our own TCP. */
#include "perf/leech_stack.h"

#include "perf/leech_request.h"

#include "dataplane/ip/neighbour.h"
#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
	CONNECTING_MAX = 256,     /* SYNs out: what a ring holds beside data */
	OUT_BUF_LEN = 2048,       /* bytes of requests that one reference carries */
	OUT_BUFS_MIN = 1024,
	OUT_BUFS_OWN = 2,         /* and these for each connection */
	RESOLVE_US = 5 * 1000 * 1000,
	SPIN_TURNS = 64,          /* empty ones before the first sleep */
	BLIND_US = 100,           /* of sleep when the port has no descriptor to wait on */
	GOODBYE_STEP = 32,        /* connections reset before they are sent */
	GOODBYE_TURNS = 1024,
	SETTLE_US = 500 * 1000,
};

struct leech_stack {
	struct leech_context *context;
	uint64_t now_us;
	struct port *port;
	struct tcp_stack *tcp;
	struct buf_pool *bufs;
	struct leech_conn *blocked; /* what they have to send found no room */
	uint32_t connecting_cnt;
	uint32_t idle_cnt;
	bool resolved;
	struct tcp_remote remote;
	struct ip_local local;
	struct neighbours neighbours;
	struct counters ctr;
	uint8_t *memory;          /* of bufs */
};

/* ---- what waits in `out` */

/* out_send hands TCP as much of `out` as fits one buffer. Returns how much; 0: no room now. */
static uint32_t
out_send(struct leech_stack *stack, struct leech_conn *conn)
{
	uint32_t len = conn->out_len < OUT_BUF_LEN ? conn->out_len : (uint32_t)OUT_BUF_LEN;
	struct buf *buf = buf_get(stack->bufs);
	struct frag frag = {0};

	if (buf == NULL)
		return 0;
	memcpy(buf->data, conn->out, len);
	frag.span = (struct span){.buf = buf, .data = buf->data, .len = len};
	if (tcp_send(stack->tcp, conn->tcb, &frag, 1) == 0)
		return len;
	frag_release(&frag);
	return 0;
}

static void
out_flush(struct leech_stack *stack, struct leech_conn *conn)
{
	uint32_t len = 1;

	while (conn->out_len > 0 && len > 0) {
		len = out_send(stack, conn);
		leech_conn_sent(conn, len);
	}
	if (conn->out_len == 0 || conn->blocked)
		return;
	conn->blocked = true;
	conn->blocked_next = stack->blocked;
	stack->blocked = conn;
}

static void
blocked_flush(struct leech_stack *stack)
{
	struct leech_conn *conn = stack->blocked;

	stack->blocked = NULL;
	while (conn != NULL) {
		struct leech_conn *next = conn->blocked_next;

		conn->blocked = false;
		if (conn->tcb != NULL && conn->out_len > 0)
			out_flush(stack, conn);
		conn = next;
	}
}

/* ---- connections */

/* conn_forget ends a connection whose tcb is over, or about to be. */
static void
conn_forget(struct leech_stack *stack, struct leech_conn *conn)
{
	stack->connecting_cnt -= conn->state == LEECH_CONN_CONNECTING;
	tcp_set_user(conn->tcb, NULL);
	conn->tcb = NULL;
	leech_conn_end(stack->context, conn);
}

static void
conn_close(struct leech_stack *stack, struct leech_conn *conn)
{
	struct tcb *tcb = conn->tcb;

	if (tcb == NULL)
		return;
	conn_forget(stack, conn);
	tcp_abort(stack->tcp, tcb);
}

static int
stack_open(struct leech_context *context, struct leech_conn *conn)
{
	struct leech_stack *stack = context->stack;
	int err;

	if (stack->connecting_cnt == CONNECTING_MAX)
		return -EAGAIN;
	err = leech_conn_begin(context, conn);
	if (err != 0)
		return err;
	conn->tcb = tcp_connect(stack->tcp, &stack->remote, stack->now_us);
	if (conn->tcb == NULL) {
		leech_conn_refused(context, conn, EADDRNOTAVAIL);
		leech_conn_end(context, conn);
		return -EADDRNOTAVAIL;
	}
	tcp_set_user(conn->tcb, conn);
	stack->connecting_cnt++;
	return 0;
}

/* feed hands over what has come. Returns false when the connection is over. */
static bool
feed(struct leech_stack *stack, struct leech_conn *conn)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = tcp_read(stack->tcp, conn->tcb, &data)) > 0) {
		if (leech_conn_push(stack->context, conn, data, len) == 0)
			continue;
		conn_close(stack, conn);
		return false;
	}
	return true;
}

static void
take_events(struct leech_stack *stack, struct tcb *tcb, uint32_t events)
{
	struct leech_conn *conn = tcp_user(tcb);

	if (conn == NULL)
		return;
	if (events & TCP_EV_OPEN) {
		stack->connecting_cnt--;
		leech_conn_connected(stack->context, conn);
	}
	if ((events & TCP_EV_READ) && !feed(stack, conn))
		return;
	if (events & (TCP_EV_FIN | TCP_EV_CLOSED)) {
		if (conn->state == LEECH_CONN_CONNECTING)
			leech_conn_refused(stack->context, conn, ECONNREFUSED);
		else
			leech_conn_lost(stack->context, conn);
		if (events & TCP_EV_CLOSED)
			conn_forget(stack, conn);
		else
			conn_close(stack, conn);
		return;
	}
	if (conn->out_len > 0)
		out_flush(stack, conn);
}

/* ---- the turn */

static uint32_t
run_timers(struct leech_stack *stack)
{
	struct tcp_note notes[NOTES_MAX];
	uint32_t total = 0;
	uint32_t cnt;

	do {
		cnt = tcp_timers(stack->tcp, stack->now_us, notes, NOTES_MAX);
		for (uint32_t i = 0; i < cnt; i++)
			take_events(stack, notes[i].tcb, notes[i].events);
		total += cnt;
	} while (cnt == NOTES_MAX);
	return total;
}

/* take_packet looks at one frame. Returns whether *seg is a TCP segment, for later. */
static bool
take_packet(struct leech_stack *stack, struct pkt_in *pkt, struct ip_seg *seg)
{
	struct tcb *tcb;
	uint32_t reply_len;
	uint32_t events;

	if (!stack->resolved && neighbour_input(&stack->neighbours, pkt, stack->now_us))
		return false;
	switch (ip_input(&stack->local, &stack->ctr, pkt, seg, &reply_len)) {
	case IP_TCP:
		return true;
	case IP_ICMP:
		tcb = tcp_icmp(stack->tcp, &seg->icmp, stack->now_us, &events);
		if (tcb != NULL)
			take_events(stack, tcb, events);
		break;
	case IP_REPLY:
		port_tx_reply(stack->port, pkt, reply_len);
		break;
	case IP_DROP:
		break;
	}
	return false;
}

static uint32_t
receive(struct leech_stack *stack)
{
	struct pkt_in pkts[BURST_MAX];
	struct ip_seg segs[BURST_MAX];
	uint16_t cnt = port_rx_burst(stack->port, pkts, BURST_MAX);
	uint32_t seg_cnt = 0;
	struct tcb *tcb;
	uint32_t events;

	if (cnt == 0)
		return 0;
	for (uint16_t i = 0; i < cnt; i++)
		__builtin_prefetch(pkts[i].data);
	for (uint16_t i = 0; i < cnt; i++)
		seg_cnt += take_packet(stack, &pkts[i], &segs[seg_cnt]);
	tcp_burst_begin(stack->tcp, segs, seg_cnt, stack->now_us);
	while ((tcb = tcp_burst_next(stack->tcp, &events)) != NULL)
		take_events(stack, tcb, events);
	port_rx_free(stack->port, pkts, cnt);
	return cnt;
}

static uint32_t
transmit(struct leech_stack *stack)
{
	struct pkt_out pkts[BURST_MAX];
	uint16_t room = port_tx_room(stack->port);
	uint16_t cnt = 0;

	if (!stack->resolved)
		cnt = neighbour_output(&stack->neighbours, pkts, room, stack->now_us);
	if (room > cnt && tcp_output_pending(stack->tcp))
		cnt += tcp_output(stack->tcp, pkts + cnt, room - cnt, stack->now_us);
	if (cnt == 0)
		return port_tx_flush(stack->port);
	port_tx_burst(stack->port, pkts, cnt);
	return cnt;
}

static uint32_t
turn(struct leech_stack *stack)
{
	uint32_t work;

	stack->now_us = leech_now_us();
	work = run_timers(stack);
	work += receive(stack);
	if (stack->blocked != NULL)
		blocked_flush(stack);
	work += transmit(stack);
	stack->idle_cnt = work > 0 ? 0 : stack->idle_cnt + 1;
	return work;
}

/* idle follows a turn that found nothing: at first it returns at once, then it sleeps, at most
 * until until_us or the next timer. */
static void
idle(struct leech_stack *stack, uint64_t until_us)
{
	uint64_t next_us = tcp_next_us(stack->tcp);
	struct timespec timeout = {0};
	struct pollfd fd = {.fd = port_wait_fd(stack->port), .events = POLLIN};

	if (stack->idle_cnt < SPIN_TURNS) {
		__builtin_ia32_pause();
		return;
	}
	if (fd.fd < 0 && until_us > stack->now_us + BLIND_US)
		until_us = stack->now_us + BLIND_US;
	if (next_us < until_us)
		until_us = next_us;
	if (until_us <= stack->now_us)
		return;
	timeout.tv_sec = (time_t)((until_us - stack->now_us) / 1000000);
	timeout.tv_nsec = (long)((until_us - stack->now_us) % 1000000) * 1000;
	ppoll(&fd, fd.fd >= 0 ? 1 : 0, &timeout, NULL);
}

/* ---- beginning and end */

static int
resolve(struct leech_stack *stack)
{
	const struct leech_options *options = stack->context->options;
	struct in_addr hop = options->next_hop.s_addr != INADDR_ANY ? options->next_hop
								    : options->peer.sin_addr;
	uint64_t end_us = stack->now_us + RESOLVE_US;
	enum neighbour_state state;
	char text[INET_ADDRSTRLEN];

	do {
		state = neighbour_find(&stack->neighbours, hop.s_addr, stack->now_us,
				       stack->remote.mac);
		if (state == NEIGHBOUR_KNOWN) {
			stack->resolved = true;
			return 0;
		}
		if (turn(stack) == 0)
			idle(stack, stack->now_us + BLIND_US);
	} while (state == NEIGHBOUR_ASKED && stack->now_us < end_us);
	inet_ntop(AF_INET, &hop, text, sizeof(text));
	fprintf(stderr, "spillway-leech: nobody answers to %s on %s\n", text, options->port);
	return -1;
}

static int
memory_take(struct leech_stack *stack)
{
	const struct leech_options *options = stack->context->options;
	uint32_t cnt = OUT_BUFS_MIN + OUT_BUFS_OWN * stack->context->conn_cnt;
	struct tcp_config tcp = {
		.local = stack->local,
		.connections_max = stack->context->conn_cnt,
		.rcv_wnd_bytes = (uint32_t)options->window_bytes,
		.ctr = &stack->ctr,
	};

	if (getrandom(tcp.secret, sizeof(tcp.secret), 0) != sizeof(tcp.secret))
		return -1;
	stack->memory = malloc((size_t)cnt * OUT_BUF_LEN);
	if (stack->memory == NULL)
		return -1;
	stack->bufs = buf_pool_create(stack->memory, OUT_BUF_LEN, cnt);
	stack->tcp = tcp_create(&tcp, stack->now_us);
	return stack->bufs != NULL && stack->tcp != NULL ? 0 : -1;
}

static int
stack_begin(struct leech_context *context)
{
	const struct leech_options *options = context->options;
	const struct port_info *info = port_info(context->port);
	struct leech_stack *stack = calloc(1, sizeof(*stack));

	context->stack = stack;
	if (stack == NULL)
		return -1;
	stack->context = context;
	stack->port = context->port;
	stack->now_us = leech_now_us();
	memcpy(stack->local.mac, info->mac, sizeof(stack->local.mac));
	stack->local.mtu = info->mtu;
	stack->local.addr_be = options->local.first.s_addr;
	stack->remote.addr_be = options->peer.sin_addr.s_addr;
	stack->remote.port = ntohs(options->peer.sin_port);
	neighbours_init(&stack->neighbours, &stack->local, &stack->ctr);
	if (memory_take(stack) == 0)
		return resolve(stack);
	fprintf(stderr, "spillway-leech: no memory for %u connections\n",
		options->connection_cnt);
	return -1;
}

/* goodbye resets what is open, a few at a time: TCP holds so many answers that wait to leave. */
static void
goodbye(struct leech_stack *stack)
{
	struct leech_context *context = stack->context;

	for (uint32_t i = 0; i < context->conn_cnt; i++) {
		conn_close(stack, &context->conns[i]);
		if (i % GOODBYE_STEP == GOODBYE_STEP - 1)
			transmit(stack);
	}
	for (uint32_t i = 0; i < GOODBYE_TURNS && transmit(stack) > 0; i++)
		;
}

static void
stack_end(struct leech_context *context)
{
	struct leech_stack *stack = context->stack;

	if (stack == NULL || stack->tcp == NULL)
		return;
	goodbye(stack);
	tcp_destroy(stack->tcp);
	stack->tcp = NULL;
}

bool
leech_stack_settle(struct leech_context *context)
{
	struct leech_stack *stack = context->stack;
	uint64_t end_us = leech_now_us() + SETTLE_US;

	if (stack == NULL || stack->bufs == NULL)
		return true;
	do
		port_tx_flush(stack->port);
	while (stack->bufs->free_cnt < stack->bufs->cnt && leech_now_us() < end_us);
	return stack->bufs->free_cnt == stack->bufs->cnt;
}

void
leech_stack_destroy(struct leech_context *context)
{
	struct leech_stack *stack = context->stack;

	if (stack == NULL)
		return;
	if (stack->bufs != NULL)
		buf_pool_destroy(stack->bufs);
	free(stack->memory);
	free(stack);
	context->stack = NULL;
}

/* ---- the carrier */

static void
stack_close(struct leech_context *context, struct leech_conn *conn)
{
	conn_close(context->stack, conn);
}

static uint32_t
stack_turn(struct leech_context *context, uint64_t until_us)
{
	uint32_t work = turn(context->stack);

	if (work == 0 && until_us != 0)
		idle(context->stack, until_us);
	return work;
}

/* stack_wake lets a slow reader ask for more. */
static void
stack_wake(struct leech_context *context, struct leech_conn *conn)
{
	leech_requests_fill(context, conn);
	if (conn->out_len > 0)
		out_flush(context->stack, conn);
}

static int
lcore_run(void *arg)
{
	struct leech_thread *thread = arg;

	thread->run(thread);
	return 0;
}

static int
stack_spawn(struct leech_thread *thread)
{
	return port_env_run(thread->lcore, lcore_run, thread) < 0 ? -ESRCH : 0;
}

static void
stack_join(struct leech_thread *thread)
{
	port_env_wait(thread->lcore);
}

const struct leech_carrier leech_stack_carrier = {
	.begin = stack_begin,
	.open = stack_open,
	.close = stack_close,
	.wake = stack_wake,
	.turn = stack_turn,
	.end = stack_end,
	.spawn = stack_spawn,
	.join = stack_join,
};
