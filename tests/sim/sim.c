/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The world's turn: what arrives, what the applications have, what leaves. */
#include "tests/sim/sim.h"

#include "tests/sim/sim_host.h"

#include "dataplane/tcp/isn.h"
#include "tests/unit/tso_lab.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_PORT = 40000,
	FIRST_ADDR = 0x0a000002,
	CONNECTIONS_MAX = 64,
	FIN_AGAIN_US = 500000,
	IDLE_STEP_US = 1000000,
};

static const uint64_t secret[2] = {0x0123456789abcdefu, 0xfedcba9876543210u};

/* ---- making and ending */

/* clock_start returns a time; the clock drives the ISN, and the first flow's is the one wanted. */
static uint64_t
clock_start(const struct lab_variant *variant)
{
	struct flow_key key = {htonl(FIRST_ADDR), htonl(0x0a000001), FIRST_PORT, LAB_PORT};

	return ((uint64_t)(variant->ours - isn_make(secret, &key, 0)) << 2) + (1ull << 36);
}

static enum tcp_cc
cc_named(const char *name)
{
	uint32_t cc = TCP_CC_CUBIC;

	while (name != NULL && cc < TCP_CC_CNT && strcmp(tcp_cc_name(cc), name) != 0)
		cc++;
	dp_assert(cc < TCP_CC_CNT);
	return cc;
}

static void
stack_make(struct sim *sim)
{
	struct tcp_config config = {
		.local = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .addr_be = htonl(0x0a000001)},
		.listen_port = LAB_PORT,
		.connections_max = CONNECTIONS_MAX,
		.cc = cc_named(sim->config.cc),
		.ecn = sim->config.ecn,
		.tso_max = sim->config.tso_max,
		.secret = {secret[0], secret[1]},
		.ctr = &sim->lab.ctr,
	};

	sim->lab.variant = sim->config.wrap ? lab_wrap : lab_plain;
	sim->lab.now_us = clock_start(&sim->lab.variant);
	sim->lab.stack = tcp_create(&config, sim->lab.now_us);
	/* a buffer's memory is wherever the pattern has its content */
	sim->lab.bufs = buf_pool_create((void *)(uintptr_t)sim_pattern(0), 0, SIM_BUFS);
	dp_assert(sim->lab.stack != NULL && sim->lab.bufs != NULL);
}

static void
flow_make(struct sim *sim, uint32_t index)
{
	struct sim_flow *flow = &sim->flows[index];

	flow->config = sim->config.flow;
	flow->sim = sim;
	flow->port = (uint16_t)(FIRST_PORT + index);
	flow->src_be = htonl(FIRST_ADDR + index);
	flow->nxt = sim->lab.variant.theirs + index;
	flow->syn_us = sim->start_us + flow->config.start_us + (uint64_t)index * sim->config.apart_us;
	flow->ack_us = UINT64_MAX;
	flow->fin_us = UINT64_MAX;
	flow->burst_us = UINT64_MAX;
	flow->burst_left = flow->config.burst_us > 0 ? 0 : UINT64_MAX;
}

void
sim_init(struct sim *sim, const struct sim_config *config)
{
	memset(sim, 0, sizeof(*sim));
	sim->config = *config;
	dp_assert(config->flow_cnt >= 1 && config->flow_cnt <= SIM_FLOWS_MAX);
	stack_make(sim);
	sim->start_us = sim->lab.now_us;
	net_init(&sim->down, &config->down, config->seed * 2);
	net_init(&sim->up, &config->up, config->seed * 2 + 1);
	sim->flows = calloc(config->flow_cnt, sizeof(*sim->flows));
	dp_assert(sim->flows != NULL);
	for (uint32_t i = 0; i < config->flow_cnt; i++)
		flow_make(sim, i);
}

static void
check_pool(const struct pool *pool)
{
	dp_assert(pool->free_cnt == pool->cnt);
}

void
sim_fini(struct sim *sim)
{
	struct tcp_stack *stack = sim->lab.stack;
	struct pkt_out pkts[16];
	struct tcp_note notes[4];

	for (uint32_t i = 0; i < sim->config.flow_cnt; i++) {
		if (sim->flows[i].tcb != NULL)
			tcp_abort(stack, sim->flows[i].tcb);
	}
	while (tcp_output(stack, pkts, ARRAY_CNT(pkts), sim->lab.now_us) > 0)
		;
	for (uint32_t i = 0; i < 2; i++) {
		sim->lab.now_us += TCP_TIME_WAIT_US + IDLE_STEP_US;
		while (tcp_timers(stack, sim->lab.now_us, notes, ARRAY_CNT(notes)) > 0)
			;
	}
	check_pool(&stack->tcbs);
	check_pool(&stack->entries);
	check_pool(&stack->records);
	check_pool(&stack->ooo);
	check_pool(&stack->timewait.entries);
	tcp_destroy(stack);
	buf_pool_destroy(sim->lab.bufs);               /* asserts that every buffer is back */
	net_fini(&sim->down);
	net_fini(&sim->up);
	free(sim->flows);
}

void
sim_link(struct sim_config *config, uint32_t rate_mbps, uint32_t rtt_us)
{
	config->down.delay_us = rtt_us / 2;
	config->down.byte_ns = 8000 / rate_mbps;
	config->up = config->down;
	config->up.queue_bytes = 1 << 26;
}

uint64_t
sim_us(const struct sim *sim)
{
	return sim->lab.now_us - sim->start_us;
}

uint64_t
sim_counter(const struct sim *sim, enum counter which)
{
	return sim->lab.ctr.value[which];
}

/* ---- peers */

static void
closed(struct sim_flow *flow)
{
	flow->tcb = NULL;
	flow->closed = true;
	flow->fin_us = UINT64_MAX;
	if (flow->done_us == 0)
		flow->done_us = flow->sim->lab.now_us;
}

static void
note(struct sim_flow *flow, struct tcb *tcb, uint32_t events)
{
	if (events & TCP_EV_OPEN) {
		dp_assert(flow->tcb == NULL && flow->open_us == 0);
		flow->tcb = tcb;
		flow->open_us = flow->sim->lab.now_us;
		tcp_set_user(tcb, flow);
		if (flow->config.burst_us > 0)
			flow->burst_us = flow->open_us;
	}
	dp_assert(tcb == flow->tcb);
	if (events & TCP_EV_CLOSED)
		closed(flow);
}

/* arrive gives the stack a packet of a peer. One that was damaged must be dropped. */
static void
arrive(struct sim *sim, const struct net_packet *packet)
{
	struct sim_flow *flow = &sim->flows[packet->flow];
	struct ip_seg ip = {
		.l4 = packet->hdr,
		.l4_len = packet->hdr_len,
		.src_be = packet->src_be,
		.dst_be = htonl(0x0a000001),
		.src_mac = {2, 0, 0, 0, 0, 2},
		.dst_mac = {2, 0, 0, 0, 0, 1},
		.ecn = packet->ecn,
	};
	uint32_t events = 0;
	struct tcb *tcb = tcp_input(sim->lab.stack, &ip, sim->lab.now_us, &events);

	dp_assert((tcb == NULL) == (events == 0));
	sim->damaged_cnt += packet->corrupt;
	dp_assert(!packet->corrupt || events == 0);
	dp_assert(sim_counter(sim, CTR_tcp_bad_checksum) + sim_counter(sim, CTR_tcp_bad_header) ==
	          sim->damaged_cnt);
	if (tcb != NULL)
		note(flow, tcb, events);
	if (sim->config.check)
		lab_check(&sim->lab);
	sim_trace_in(sim, flow, packet);
}

/* answer_make makes the segment that a receiver sends now. */
static void
answer_make(struct sim_flow *flow, uint8_t flags, struct net_packet *packet)
{
	struct tcp_seg ack;

	receiver_ack(&flow->receiver, &ack, flow->sim->lab.now_us);
	ack.seq = flow->nxt;
	ack.flags |= flags;
	sim_seal(flow, &ack, packet);
}

static void
answer(struct sim_flow *flow, uint8_t flags)
{
	struct net_packet packet;

	answer_make(flow, flags, &packet);
	net_send(&flow->sim->up, &packet, flow->sim->lab.now_us);
}

static void
syn(struct sim_flow *flow)
{
	const struct receiver_config *config = &flow->config.receiver;
	uint32_t wnd = MIN(config->buffer_bytes, 65535u);
	struct net_packet packet;
	struct tcp_seg seg = {
		.flags = TCP_SYN | (config->ecn ? RECEIVER_ECE | RECEIVER_CWR : 0),
		.seq = flow->nxt++,
		.wnd = (uint16_t)wnd,
		.opt = {.has_ts = !config->no_ts, .tsval = (uint32_t)(flow->sim->lab.now_us >> 10),
		        .has_wscale = true, .wscale = receiver_wscale(config->buffer_bytes),
		        .sack_permitted = !config->no_sack, .mss = 1460},
	};

	receiver_init(&flow->receiver, config, flow->sim->lab.now_us);
	flow->syn_us = UINT64_MAX;
	flow->receiver.told_edge = wnd;
	sim_seal(flow, &seg, &packet);
	arrive(flow->sim, &packet);
}

/* syn_ack takes the stack's answer; the peer's ACK of it arrives a round trip later. */
static void
syn_ack(struct sim_flow *flow, const struct net_packet *packet)
{
	struct sim *sim = flow->sim;
	struct tcp_options opt;

	dp_assert(tcp_options_parse(&opt, packet->hdr + TCP_HDR_LEN, packet->hdr_len - TCP_HDR_LEN));
	dp_assert(opt.has_ts == !flow->config.receiver.no_ts);
	flow->receiver.irs = tcp_get32(packet->hdr + 4);
	flow->receiver.ts_recent = opt.tsval;
	flow->receiver.config.ecn &= (packet->hdr[13] & (RECEIVER_ECE | RECEIVER_CWR)) == RECEIVER_ECE;
	flow->ack_us = sim->lab.now_us + sim->config.down.delay_us + sim->config.up.delay_us;
}

static void
take_data(struct sim *sim, const struct net_packet *packet)
{
	struct sim_flow *flow = &sim->flows[packet->flow];
	struct receiver *receiver = &flow->receiver;
	struct receiver_seg seg;
	bool due;

	if (packet->corrupt)
		return;                        /* its checksum is wrong */
	sim_parse(flow, packet, &seg);
	due = receiver_take(receiver, &seg, sim->lab.now_us);
	due |= receiver_read(receiver, sim->lab.now_us);
	if (flow->config.bytes > 0 && receiver->got == flow->config.bytes && flow->done_us == 0)
		flow->done_us = sim->lab.now_us;
	if (receiver->fin && flow->fin_us == UINT64_MAX && !flow->closed)
		flow->fin_us = sim->lab.now_us;        /* its own FIN goes out */
	else if (due)
		answer(flow, 0);
}

/* ---- applications */

static void
queue_frag(struct sim_flow *flow, uint32_t len)
{
	const uint8_t *content = sim_pattern(flow->queued);
	struct frag frag = {0};

	if (len > FRAG_INLINE_MAX) {
		frag.span.buf = buf_get(flow->sim->lab.bufs);
		dp_assert(frag.span.buf != NULL);
		frag.span.buf->data = (uint8_t *)(uintptr_t)content;
		frag.span.data = content;
		frag.span.len = len;
	} else {
		frag.inline_len = (uint8_t)len;
		memcpy(frag.bytes, content, len);
	}
	dp_assert(tcp_send(flow->sim->lab.stack, flow->tcb, &frag, 1) == 0);
	flow->queued += len;
}

/* feed queues content as the owner of a connection would: header, block, and so on. */
static void
feed(struct sim_flow *flow)
{
	const struct sim_flow_config *config = &flow->config;
	struct sim *sim = flow->sim;

	while (flow->tcb != NULL && flow->burst_left > 0 &&
	       (config->bytes == 0 || flow->queued < config->bytes) &&
	       tcp_send_room(sim->lab.stack, flow->tcb) > 0) {
		bool header = flow->queued % (SIM_FRAG_LEN + SIM_BLOCK_LEN) == 0;
		uint64_t len = SIM_FRAG_LEN + SIM_BLOCK_LEN -
		               flow->queued % (SIM_FRAG_LEN + SIM_BLOCK_LEN);

		len = MIN(header ? SIM_FRAG_LEN : len, flow->burst_left);
		if (config->bytes > 0)
			len = MIN(len, config->bytes - flow->queued);
		queue_frag(flow, (uint32_t)len);
		if (config->burst_us > 0)
			flow->burst_left -= len;
		if (flow->queued == config->bytes)
			tcp_close(sim->lab.stack, flow->tcb, sim->lab.now_us);
	}
}

/* ---- the turn */

static void
send_segment(struct sim *sim, const struct pkt_out *seg)
{
	struct sim_flow *flow = sim_flow_of(sim, seg);
	struct net_packet packet = {0};

	sim_take_apart(sim, flow, seg, &packet);
	if (packet.hdr[13] & TCP_SYN) {
		syn_ack(flow, &packet);
		return;
	}
	sim_trace_out(sim, flow, &packet);
	net_send(&sim->down, &packet, sim->lab.now_us);
}

/* send_packet is the device: it sends a packet as so many segments as it says. */
static void
send_packet(struct sim *sim, const struct pkt_out *pkt)
{
	static struct pkt_out seg;
	uint32_t at = 0;

	if (pkt->tso_mss == 0) {
		send_segment(sim, pkt);
		return;
	}
	sim->tso_cnt++;
	while (at < pkt->payload_len) {
		at = tso_lab_cut(pkt, at, &seg);
		send_segment(sim, &seg);
	}
}

static void
transmit(struct sim *sim)
{
	static struct pkt_out pkts[32];
	uint16_t cnt;

	do {
		cnt = tcp_output(sim->lab.stack, pkts, ARRAY_CNT(pkts), sim->lab.now_us);
		for (uint16_t i = 0; i < cnt; i++)
			send_packet(sim, &pkts[i]);
		if (sim->config.check)
			lab_check(&sim->lab);
	} while (cnt > 0);
}

/* timers runs what is due in the stack. */
static void
timers(struct sim *sim)
{
	struct tcp_note notes[4];
	uint32_t cnt;

	if (tcp_next_us(sim->lab.stack) > sim->lab.now_us)
		return;
	do {
		cnt = tcp_timers(sim->lab.stack, sim->lab.now_us, notes, ARRAY_CNT(notes));
		for (uint32_t i = 0; i < cnt; i++)
			note(tcp_user(notes[i].tcb), notes[i].tcb, notes[i].events);
	} while (cnt == ARRAY_CNT(notes));
}

/* flow_due does what a flow's own clocks say. */
static void
flow_due(struct sim_flow *flow)
{
	uint64_t now_us = flow->sim->lab.now_us;

	if (flow->syn_us <= now_us)
		syn(flow);
	if (flow->ack_us <= now_us) {
		struct net_packet packet;

		answer_make(flow, 0, &packet);
		flow->ack_us = UINT64_MAX;
		arrive(flow->sim, &packet);
	}
	if (flow->burst_us <= now_us) {
		flow->burst_left += flow->config.burst_bytes;
		flow->burst_us += flow->config.burst_us;
	}
	if (flow->fin_us <= now_us) {
		answer(flow, TCP_FIN);
		flow->fin_us = now_us + FIN_AGAIN_US;
	}
	if (flow->open_us != 0 && receiver_next_us(&flow->receiver) <= now_us &&
	    (flow->receiver.ack_due_us <= now_us || receiver_read(&flow->receiver, now_us)))
		answer(flow, 0);
	feed(flow);
}

static uint64_t
next_us(const struct sim *sim)
{
	uint64_t next = MIN(net_next_us(&sim->up), net_next_us(&sim->down));

	next = MIN(next, tcp_next_us(sim->lab.stack));
	for (uint32_t i = 0; i < sim->config.flow_cnt; i++) {
		const struct sim_flow *flow = &sim->flows[i];

		next = MIN(next, MIN(MIN(flow->syn_us, flow->ack_us), MIN(flow->fin_us,
		                                                         flow->burst_us)));
		if (flow->open_us != 0)
			next = MIN(next, receiver_next_us(&flow->receiver));
	}
	return next;
}

static void
step(struct sim *sim, uint64_t until_us)
{
	const struct net_packet *packet;
	uint64_t next = MIN(next_us(sim), until_us);

	sim->lab.now_us = MAX(next, sim->lab.now_us + 1);
	timers(sim);
	while ((packet = net_receive(&sim->up, sim->lab.now_us)) != NULL)
		arrive(sim, packet);
	while ((packet = net_receive(&sim->down, sim->lab.now_us)) != NULL)
		take_data(sim, packet);
	for (uint32_t i = 0; i < sim->config.flow_cnt; i++)
		flow_due(&sim->flows[i]);
	if (tcp_output_pending(sim->lab.stack))
		transmit(sim);
}

/* over tells whether every flow has had its end: closed by both sides. */
static bool
over(const struct sim *sim)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < sim->config.flow_cnt; i++)
		cnt += sim->flows[i].closed;
	return cnt == sim->config.flow_cnt;
}

bool
sim_run(struct sim *sim, uint64_t us)
{
	uint64_t until_us = sim->start_us + us;

	while (sim->lab.now_us < until_us && !over(sim))
		step(sim, until_us);
	sim_trace_flush(sim);
	return over(sim);
}
