/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The bench. */
#include "tests/unit/tcp_lab.h"

#include "dataplane/tcp/isn.h"
#include "dataplane/tcp/output.h"
#include "tests/unit/tcp_lab_board.h"
#include "tests/unit/tcp_lab_missing.h"
#include "tests/unit/tso_lab.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { LAB_FRAME_MAX = 4096 };

#define NO_SANITIZE __attribute__((no_sanitize("address", "undefined")))

static uint8_t *memory;        /* of buffers */
static struct lab_out *out;

static const uint64_t secret[2] = {0x0123456789abcdefu, 0xfedcba9876543210u};

const struct lab_variant lab_plain = {.ours = 1000000, .theirs = 5000000};
const struct lab_variant lab_wrap = {.ours = UINT32_MAX - 3000, .theirs = UINT32_MAX - 40};
const struct lab_variant lab_tso = {.ours = 1000000, .theirs = 5000000, .tso_max = 65535};

uint8_t
lab_byte(uint64_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

/* fill writes the content at an offset; its caller answers for the bounds. */
NO_SANITIZE static void
fill(uint8_t *to, uint64_t offset, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		to[i] = lab_byte(offset + i);
}

static bool
is_content(const uint8_t *data, uint64_t offset, uint32_t len)
{
	uint8_t expected[LAB_BUF_LEN];

	dp_assert(len <= sizeof(expected));
	fill(expected, offset, len);
	return memcmp(data, expected, len) == 0;
}

/* ---- invariants */

static void
check_tcb(const struct lab *lab, struct tcb *tcb)
{
	uint32_t end = tcb->sendq.end + tcb->fin_queued;
	uint32_t ooo_seq = tcb->rcv_nxt;
	bool unread = lab->stack->reader.tcb == tcb;
	bool timer_needed = false;

	dp_assert(tcb->state > TCP_LISTEN && tcb->state != TCP_TIME_WAIT);
	dp_assert(seq_le(tcb->snd_una, tcb->snd_nxt) && seq_le(tcb->snd_nxt, end));
	dp_assert(tcb->state < TCP_ESTABLISHED || tcb->cc.cwnd_bytes >= tcb->mss);
	dp_assert(tcb->reasm.cnt <= TCP_OOO_SEGS_MAX);
	for (const struct ooo_seg *seg = tcb->reasm.head; seg != NULL; seg = seg->next) {
		dp_assert(tcb->rcv_fin || unread || seq_gt(seg->seq, ooo_seq) ||
		          (seg != tcb->reasm.head && seg->seq == ooo_seq));
		ooo_seq = seg->seq + seg->len;
	}
	lab_board_check(lab->stack, tcb);
	lab_queue_check(tcb);
	/* whatever is unfinished has a timer, or a place in the ready list */
	if (tcb_owed(tcb) != TCP_OWED_NOTHING)
		dp_assert(tcb->ready);
	if (tcb_flight(tcb) > 0)
		dp_assert(tcb->ready || tcb->deadline_us[TCP_DUE_RTO] != TCP_NEVER ||
		          tcb->deadline_us[TCP_DUE_PERSIST] != TCP_NEVER);
	else if (tcb_unsent(tcb) > 0)
		dp_assert(tcb->ready || tcb->deadline_us[TCP_DUE_PERSIST] != TCP_NEVER ||
		          tcb->deadline_us[TCP_DUE_PACE] != TCP_NEVER ||
		          sendq_wants(&tcb->sendq) != NULL);
	lab_wants_check(lab->stack, tcb);
	for (uint32_t i = 0; i < TCP_DEADLINE_CNT; i++) {
		timer_needed |= tcb->deadline_us[i] != TCP_NEVER;
		dp_assert(tcb->deadline_us[i] == TCP_NEVER ||
		          tcb->timer.deadline_us <= tcb->deadline_us[i]);
	}
	dp_assert(!timer_needed || timer_is_set(&tcb->timer));
}

void
lab_check(const struct lab *lab)
{
	const struct tcp_stack *stack = lab->stack;
	uint32_t cnt[2] = {0, 0};
	uint32_t at = 0;
	struct flow *flow;

	while ((flow = table_each(&stack->table, &at)) != NULL) {
		cnt[flow->kind]++;
		if (flow->kind == FLOW_TCB)
			check_tcb(lab, CONTAINER_OF(flow, struct tcb, flow));
	}
	dp_assert(cnt[FLOW_TCB] == stack->open_cnt + stack->half_open_cnt);
	dp_assert(cnt[FLOW_TIME_WAIT] ==
	          stack->timewait.entries.cnt - stack->timewait.entries.free_cnt);
	dp_assert(stack->open_cnt <= stack->config.connections_max);
	dp_assert(lab->ctr.value[CTR_tcp_connections] == stack->open_cnt);
	dp_assert(lab->ctr.value[CTR_tcp_half_open] == stack->half_open_cnt);
	dp_assert(lab->ctr.value[CTR_tcp_time_wait] == cnt[FLOW_TIME_WAIT]);
}

/* ---- start and end */

static struct tcp_config
config_of(struct lab *lab, uint32_t connections_max)
{
	struct tcp_config config = {
		.local = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .addr_be = htonl(0x0a000001)},
		.listen_port = LAB_PORT,
		.connections_max = connections_max,
		.tso_max = lab->variant.tso_max,
		.unpaced = true,       /* a test that counts packets counts what the window lets go */
		.secret = {secret[0], secret[1]},
		.ctr = &lab->ctr,
	};

	return config;
}

/* start_us returns a time; the clock drives the ISN, and the first peer's is the one wanted. */
static uint64_t
start_us(const struct lab_variant *variant)
{
	struct flow_key key = {htonl(0x0a000002), htonl(0x0a000001), 40000, LAB_PORT};

	return ((uint64_t)(variant->ours - isn_make(secret, &key, 0)) << 2) + (1ull << 36);
}

void
lab_init(struct lab *lab, const struct lab_variant *variant, uint32_t connections_max)
{
	struct tcp_config config;

	memset(lab, 0, sizeof(*lab));
	lab->variant = *variant;
	lab->now_us = start_us(variant);
	config = config_of(lab, connections_max);
	lab->stack = tcp_create(&config, lab->now_us);
	if (memory == NULL) {
		memory = calloc(LAB_BUFS, LAB_BUF_LEN);
		out = calloc(LAB_OUT_MAX, sizeof(*out));
	}
	lab->bufs = buf_pool_create(memory, LAB_BUF_LEN, LAB_BUFS);
	lab->out = out;
	dp_assert(lab->stack != NULL && memory != NULL && lab->bufs != NULL && lab->out != NULL);
}

void
lab_fini(struct lab *lab)
{
	tcp_destroy(lab->stack);
	buf_pool_destroy(lab->bufs);           /* asserts that every buffer is back */
}

static void
end_connections(struct tcp_stack *stack)
{
	uint32_t at = 0;
	struct flow *flow;

	while ((flow = table_each(&stack->table, &at)) != NULL) {
		if (flow->kind == FLOW_TCB)
			tcb_end(stack, CONTAINER_OF(flow, struct tcb, flow));
	}
}

static bool
is_full(const struct pool *pool)
{
	return pool->free_cnt == pool->cnt;
}

void
lab_empty(struct lab *lab)
{
	struct tcp_stack *stack = lab->stack;

	end_connections(stack);
	for (struct lab_peer *peer = lab->peers; peer != NULL; peer = peer->next)
		peer->tcb = NULL;
	lab_wait(lab, TCP_TIME_WAIT_US + 1000 * 1000);
	dp_assert(stack->dead == NULL && stack->ready_head == NULL && stack->reader.held == NULL);
	dp_assert(tcp_next_us(stack) == TCP_NEVER && stack->control.cnt == 0);
	dp_assert(is_full(&stack->tcbs) && is_full(&stack->entries) && is_full(&stack->records));
	dp_assert(is_full(&stack->holdings.pool) && stack->holdings.want_first == NULL);
	dp_assert(is_full(&stack->ooo) && is_full(&stack->timewait.entries));
	dp_assert(lab->bufs->free_cnt == lab->bufs->cnt);
}

void
lab_begin(struct lab *lab, const struct lab_variant *variant)
{
	struct tcp_stack *stack = lab->stack;

	memset(&lab->ctr, 0, sizeof(lab->ctr));
	lab->variant = *variant;
	lab->peers = NULL;
	lab->out_cnt = 0;
	lab->keep = false;
	lab->now_us = start_us(variant);
	stack->now_us = lab->now_us;
	stack->challenge = (struct challenge){0};
	timer_wheel_init(&stack->wheel, lab->now_us);
}

void
lab_peer_init(struct lab *lab, struct lab_peer *peer, uint16_t port)
{
	memset(peer, 0, sizeof(*peer));
	peer->lab = lab;
	peer->port = port;
	peer->iss = lab->variant.theirs;
	peer->wnd = 65535;
	peer->tsval = 1000;
	peer->syn = (struct tcp_options){
		.has_ts = true, .has_wscale = true, .wscale = 7, .sack_permitted = true, .mss = 1460,
	};
}

/* ---- in */

/* frame_make writes a segment's TCP header and payload. Returns its length. */
static uint32_t
frame_make(const struct lab_peer *peer, const struct lab_seg *seg, uint8_t *l4)
{
	uint32_t hdr_len = TCP_HDR_LEN + tcp_options_build(l4 + TCP_HDR_LEN, &seg->opt);

	tcp_put16(l4, peer->port);
	tcp_put16(l4 + 2, seg->dst_port != 0 ? seg->dst_port : LAB_PORT);
	tcp_put32(l4 + 4, seg->seq);
	tcp_put32(l4 + 8, seg->ack);
	l4[12] = (uint8_t)(hdr_len / 4 << 4);
	l4[13] = seg->flags;
	tcp_put16(l4 + 14, seg->wnd);
	tcp_put32(l4 + 16, 0);
	if (seg->len > 0)
		memcpy(l4 + hdr_len, seg->data, seg->len);
	return hdr_len + seg->len;
}

static void
seal(uint8_t *l4, uint32_t len, uint32_t src_be, uint32_t dst_be)
{
	uint32_t sum = ip_sum(&src_be, 4, ip_sum(&dst_be, 4, htons(6) + htons((uint16_t)len)));
	uint16_t csum;

	csum = (uint16_t)~ip_sum_fold(ip_sum(l4, len, sum));
	memcpy(l4 + TCP_CSUM_OFF, &csum, 2);
}

static void
read_all(struct lab_peer *peer, struct tcb *tcb)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = tcp_read(peer->lab->stack, tcb, &data)) > 0) {
		dp_assert(peer->any_content || is_content(data, peer->read, len));
		peer->read += len;
	}
}

static void
opened(struct lab_peer *peer, struct tcb *tcb)
{
	peer->tcb = tcb;
	tcp_set_user(tcb, peer);
	peer->irs = tcb->iss;
	peer->iss = tcb->irs;
	peer->queued = 0;
	peer->read = 0;
	if (peer->known)
		return;
	peer->known = true;
	peer->next = peer->lab->peers;
	peer->lab->peers = peer;
}

void
lab_note(struct lab_peer *peer, struct tcb *tcb, uint32_t events)
{
	if (events & TCP_EV_OPEN) {
		dp_assert(peer->tcb == (tcb->active ? tcb : NULL));
		dp_assert(tcp_user(tcb) == (tcb->active ? peer : NULL));
		opened(peer, tcb);
	}
	dp_assert(events == 0 || (tcb == peer->tcb && tcp_user(tcb) == peer));
	peer->events |= events;
	if ((events & TCP_EV_READ) && !peer->lazy)
		read_all(peer, tcb);
	if (events & TCP_EV_CLOSED)
		peer->tcb = NULL;
}

uint32_t
lab_deliver(struct lab_peer *peer, const struct ip_seg *ip)
{
	struct lab *lab = peer->lab;
	uint32_t events = 0;
	struct tcb *tcb;

	if (lab->hold != NULL) {
		lab->hold(peer, ip);
		return 0;
	}
	tcb = tcp_input(lab->stack, ip, lab->now_us, &events);
	dp_assert((tcb == NULL) == (events == 0));
	lab_note(peer, tcb, events);
	lab_check(lab);
	return events;
}

uint32_t
lab_input(struct lab_peer *peer, const struct lab_seg *seg)
{
	struct lab *lab = peer->lab;
	uint8_t l4[LAB_FRAME_MAX];
	struct ip_seg ip = {
		.l4 = l4,
		.src_be = peer->addr_be != 0 ? peer->addr_be : htonl(0x0a000002),
		.dst_be = htonl(0x0a000001),
		.ecn = seg->ecn,
		.src_mac = {2, 0, 0, 0, 0, 2},
		.dst_mac = {2, 0, 0, 0, 0, 1},
	};
	struct lab_seg full = *seg;

	if (peer->ts && !full.opt.has_ts && (seg->flags & TCP_RST) == 0) {
		full.opt.has_ts = true;
		full.opt.tsval = peer->tsval;
		full.opt.tsecr = tcp_ts_now(lab->stack) + (peer->tcb ? peer->tcb->ts_offset : 0);
	}
	ip.l4_len = frame_make(peer, &full, l4);
	seal(l4, ip.l4_len, ip.src_be, ip.dst_be);
	return lab_deliver(peer, &ip);
}

uint32_t
lab_ack(struct lab_peer *peer, uint32_t ack, const struct tcp_range *sacks, uint8_t cnt)
{
	struct lab_seg seg = {.flags = TCP_ACK, .seq = peer->nxt, .ack = ack, .wnd = peer->wnd};

	peer->rcv = seq_max(peer->rcv, ack);
	seg.opt.sack_cnt = cnt;
	for (uint8_t i = 0; i < cnt; i++)
		seg.opt.sack[i] = sacks[i];
	return lab_input(peer, &seg);
}

uint32_t
lab_data(struct lab_peer *peer, uint32_t len, uint8_t flags)
{
	uint8_t data[LAB_PAYLOAD_MAX];
	struct lab_seg seg = {
		.flags = TCP_ACK | flags, .seq = peer->nxt, .ack = peer->rcv, .wnd = peer->wnd,
		.len = len, .data = data,
	};

	for (uint32_t i = 0; i < len; i++)
		data[i] = lab_byte(peer->nxt - peer->iss - 1 + i);
	peer->nxt += len + ((flags & TCP_FIN) != 0);
	return lab_input(peer, &seg);
}

/* ---- out */

/* finish checks a packet that leaves as a port and a receiver would, and unpacks it. */
static void
finish(const struct pkt_out *pkt, struct lab_out *to)
{
	uint8_t l4[LAB_FRAME_MAX];
	uint32_t len = pkt->hdr_len - pkt->l4_off;
	uint32_t payload_len = 0;
	uint16_t pseudo;
	struct ip_seg ip = {.l4 = l4};
	struct tcp_seg seg;
	struct counters ctr = {0};

	memcpy(l4, pkt->hdr + pkt->l4_off, len);
	dp_assert(pkt->l4_off == IP_PATH_HDR_LEN && pkt->span_cnt <= PKT_SPANS_MAX);
	for (uint16_t i = 0; i < pkt->span_cnt; i++) {
		dp_assert(pkt->span[i].len > 0);
		dp_assert(pkt->span[i].buf == NULL || pkt->span[i].buf->refcnt > 0);
		memcpy(l4 + len + payload_len, pkt->span[i].data, pkt->span[i].len);
		payload_len += pkt->span[i].len;
	}
	dp_assert(payload_len == pkt->payload_len && pkt->payload_len <= LAB_PAYLOAD_MAX);
	len += payload_len;
	dp_assert(len + IPV4_HDR_LEN <= 1500);
	dp_assert(tcp_get16(pkt->hdr + ETH_HDR_LEN + 2) == len + IPV4_HDR_LEN);
	memcpy(&pseudo, pkt->hdr + pkt->csum_off, 2);
	memset(l4 + TCP_CSUM_OFF, 0, 2);
	pseudo = (uint16_t)~ip_sum_fold(ip_sum(l4, len, pseudo));
	memcpy(l4 + TCP_CSUM_OFF, &pseudo, 2);
	memcpy(&ip.src_be, pkt->hdr + ETH_HDR_LEN + 12, 4);
	memcpy(&ip.dst_be, pkt->hdr + ETH_HDR_LEN + 16, 4);
	ip.l4_len = len;
	dp_assert(tcp_seg_parse(&seg, &ip, &ctr));
	dp_assert(seg.src_port != 0 && ip.src_be == htonl(0x0a000001));
	to->seg = (struct lab_seg){
		.flags = seg.flags, .seq = seg.seq, .ack = seg.ack, .wnd = seg.wnd,
		.opt = seg.opt, .len = seg.len, .data = to->data,
		.ecn = pkt->hdr[ETH_HDR_LEN + 1] & 3,
	};
	to->remote_port = seg.dst_port;
	to->span_cnt = pkt->span_cnt;
	memcpy(to->data, seg.data, seg.len);
}

static void
check_content(const struct lab *lab, const struct lab_out *from)
{
	const struct lab_peer *peer = lab->peers;
	uint32_t at;

	while (peer != NULL && peer->port != from->remote_port)
		peer = peer->next;
	if (peer == NULL || from->seg.len == 0)
		return;
	at = from->seg.seq - peer->irs - 1;
	dp_assert((uint64_t)at + from->seg.len <= peer->queued);
	dp_assert(is_content(from->data, at, from->seg.len));
}

/* leave lets a packet leave: as many segments as it says. */
static void
leave(struct lab *lab, const struct pkt_out *pkt)
{
	static struct pkt_out seg;
	uint32_t at = 0;

	lab->packet_cnt++;
	do {
		struct lab_out *to = &lab->out[lab->out_cnt];

		dp_assert(lab->out_cnt++ < LAB_OUT_MAX);
		at = tso_lab_cut(pkt, at, &seg);
		finish(&seg, to);
		to->packet_len = pkt->payload_len;
		check_content(lab, to);
	} while (at < pkt->payload_len);
}

uint32_t
lab_flush(struct lab *lab)
{
	static struct pkt_out pkts[16];
	uint16_t cnt;

	if (!lab->keep) {
		lab->out_cnt = 0;
		lab->packet_cnt = 0;
	}
	do {
		cnt = tcp_output(lab->stack, pkts, ARRAY_CNT(pkts), lab->now_us);
		for (uint16_t i = 0; i < cnt; i++)
			leave(lab, &pkts[i]);
		lab_check(lab);
	} while (cnt > 0 || lab_press(lab));
	dp_assert(!tcp_output_pending(lab->stack));
	return lab->out_cnt;
}

uint32_t
lab_wait(struct lab *lab, uint64_t us)
{
	uint64_t until_us = lab->now_us + us;
	bool keep = lab->keep;

	lab_flush(lab);
	lab->keep = true;
	while (lab->now_us < until_us) {
		struct tcp_note notes[4];
		uint64_t next_us = MIN(tcp_next_us(lab->stack), until_us);
		bool told = false;
		uint32_t cnt;

		lab->now_us = MAX(next_us, lab->now_us + 1);
		do {
			cnt = tcp_timers(lab->stack, lab->now_us, notes, ARRAY_CNT(notes));
			for (uint32_t i = 0; i < cnt; i++)
				lab_note(tcp_user(notes[i].tcb), notes[i].tcb, notes[i].events);
			told |= cnt > 0;
		} while (cnt == ARRAY_CNT(notes));
		if (told || tcp_output_pending(lab->stack) ||
		    lab->stack->holdings.want_first != NULL)
			lab_flush(lab);
	}
	lab->keep = keep;
	return lab->out_cnt;
}

uint32_t
lab_events(struct lab_peer *peer)
{
	uint32_t events = peer->events;

	peer->events = 0;
	return events;
}

const struct lab_seg *
lab_only(const struct lab *lab)
{
	dp_assert(lab->out_cnt == 1);
	return &lab->out[0].seg;
}

/* ---- short forms */

void
lab_connect(struct lab_peer *peer)
{
	struct lab_seg syn = {.flags = TCP_SYN, .seq = peer->iss, .wnd = peer->wnd, .opt = peer->syn};
	const struct lab_seg *synack;
	bool ts = peer->syn.has_ts;

	syn.opt.tsval = peer->tsval;
	dp_assert(lab_input(peer, &syn) == 0);
	lab_flush(peer->lab);
	synack = lab_only(peer->lab);
	dp_assert(synack->flags == (TCP_SYN | TCP_ACK) && synack->ack == peer->iss + 1);
	peer->syn = synack->opt;
	peer->ts = ts;
	peer->irs = synack->seq;
	peer->rcv = synack->seq + 1;
	peer->nxt = peer->iss + 1;
	dp_assert(lab_ack(peer, peer->rcv, NULL, 0) == TCP_EV_OPEN);
	lab_events(peer);
	dp_assert(lab_flush(peer->lab) == 0);
}

static void
frag_make(struct lab_peer *peer, struct frag *frag, uint32_t len)
{
	uint8_t *to = frag->bytes;

	memset(frag, 0, sizeof(*frag));
	if (len > FRAG_INLINE_MAX) {
		frag->span.buf = buf_get(peer->lab->bufs);
		dp_assert(frag->span.buf != NULL && len <= LAB_BUF_LEN);
		to = frag->span.buf->data;
		frag->span.data = to;
		frag->span.len = len;
		frag->origin = (struct origin){peer->port, peer->queued};
	} else {
		frag->inline_len = (uint8_t)len;
	}
	fill(to, peer->queued, len);
	peer->queued += len;
}

void
lab_queue(struct lab_peer *peer, uint32_t len, uint32_t frag_len)
{
	while (len > 0) {
		struct frag frag;
		uint32_t part = MIN(len, frag_len);

		frag_make(peer, &frag, part);
		dp_assert(tcp_send(peer->lab->stack, peer->tcb, &frag, 1) == 0);
		len -= part;
	}
}
