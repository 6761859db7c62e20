/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making packets: which headers and which fragments. The headers' bytes are in emit.c. */
#include "dataplane/tcp/packet.h"

#include "dataplane/tcp/emit.h"
#include "dataplane/tcp/timers.h"

#include <string.h>

static void
emit_init(struct tcp_stack *stack, struct tcb *tcb, struct emit *emit)
{
	emit->path = &tcb->path;
	emit->key = &tcb->flow.key;
	emit->ack = tcb->rcv_nxt;
	emit->wnd = (uint16_t)MIN(tcb_rcv_wnd(tcb) >> tcb->rcv_wscale, 65535u);
	emit->flags = TCP_ACK;
	emit->ecn = ECN_NOT_ECT;
	memset(&emit->opt, 0, offsetof(struct tcp_options, sack));
	if (tcb->ts_ok) {
		emit->opt.has_ts = true;
		emit->opt.tsval = tcp_ts_now(stack) + tcb->ts_offset;
		emit->opt.tsecr = tcb->ts_recent;
	}
}

/* ack_told notes that a segment carrying rcv_nxt leaves. */
static void
ack_told(struct tcb *tcb)
{
	tcb->ack_now = false;
	tcb->delack_cnt = 0;
	tcb->delack_bytes = 0;
	tcb->last_ack_sent = tcb->rcv_nxt;
	tcb_deadline_clear(tcb, TCP_DUE_DELACK);
}

/* shorten takes what is beyond len bytes off a packet. */
static void
shorten(struct pkt_out *pkt, uint32_t len)
{
	uint32_t beyond = pkt->payload_len - len;

	for (; beyond >= pkt->span[pkt->span_cnt - 1].len; pkt->span_cnt--)
		beyond -= pkt->span[pkt->span_cnt - 1].len;
	pkt->span[pkt->span_cnt - 1].len -= beyond;
	pkt->payload_len = len;
}

/* payload_gather fills in the data of a packet. What is to be cut ends with a full segment even if
 * there are too many fragments for all of it. */
static void
payload_gather(struct tcb *tcb, struct pkt_out *pkt, const struct packet_content *content,
               uint32_t data_end)
{
	struct tcp_range range = {content->range.start, data_end};
	struct sendq_entry *hint = tcb->sendq.hint;

	pkt->payload_len = sendq_gather(&tcb->sendq, content->reader, range, pkt->span,
	                                &pkt->span_cnt);
	if (content->tso_mss == 0 || range.start + pkt->payload_len == data_end)
		return;
	if (pkt->payload_len > content->tso_mss)
		shorten(pkt, pace_segments(&tcb->pace, pkt->payload_len) * content->tso_mss);
	dp_assert(content->reader == SENDQ_NEW);
	tcb->sendq.hint = hint;
}

/* packet_segments returns how many segments a packet is on the wire. */
static uint32_t
packet_segments(const struct tcb *tcb, const struct pkt_out *pkt)
{
	if (pkt->tso_mss == 0)
		return 1;
	return pace_segments(&tcb->pace, pkt->payload_len - 1) + 1;
}

uint32_t
packet_make(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt,
            const struct packet_content *content)
{
	struct tcp_range range = content->range;
	uint32_t data_end = seq_min(range.end, tcb->sendq.end);
	uint32_t fin = 0;
	struct emit emit;

	emit_init(stack, tcb, &emit);
	emit.seq = range.start;
	if (packet_sack_cnt(tcb) > 0)
		emit.opt.sack_cnt = reasm_blocks(&tcb->reasm, emit.opt.sack, packet_sack_cnt(tcb));
	pkt->span_cnt = 0;
	pkt->payload_len = 0;
	if (seq_lt(range.start, data_end))
		payload_gather(tcb, pkt, content, data_end);
	if (range.start + pkt->payload_len == tcb->sendq.end) {
		fin = range.end == tcb->sendq.end + 1;
		emit.flags |= (pkt->payload_len > 0 ? TCP_PSH : 0) | (fin ? TCP_FIN : 0);
	}
	if (tcb->ecn.ok)
		ecn_segment_leaves(tcb, &emit,
		                   content->reader == SENDQ_NEW && pkt->payload_len > 0 &&
		                           range.end - tcb->snd_una <= tcb->snd_wnd);
	emit_headers(pkt, &emit);
	if (pkt->payload_len > content->tso_mss)
		pkt->tso_mss = content->tso_mss;
	ack_told(tcb);
	count_add(stack->ctr, CTR_tcp_segments_out, packet_segments(tcb, pkt));
	count_add(stack->ctr, CTR_tcp_payload_out, pkt->payload_len);
	return pkt->payload_len + fin;
}

uint32_t
packet_make_next(struct tcb *tcb, struct pkt_out *pkt, const struct pkt_out *former,
                 struct tcp_range range)
{
	pkt->payload_len = sendq_gather(&tcb->sendq, SENDQ_NEW, range, pkt->span, &pkt->span_cnt);
	emit_headers_again(pkt, former, &tcb->path, range.start);
	if (range.start + pkt->payload_len == tcb->sendq.end)
		pkt->hdr[IP_PATH_HDR_LEN + TCP_FLAGS_OFF] |= TCP_PSH;
	return pkt->payload_len;
}

void
packet_make_syn(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt)
{
	struct emit emit;

	emit_init(stack, tcb, &emit);
	emit.seq = tcb->iss;
	emit.flags = TCP_SYN | (tcb->state == TCP_SYN_SENT ? 0 : TCP_ACK) |
	             ecn_syn_flags(stack, tcb);
	emit.wnd = (uint16_t)MIN(tcb_rcv_wnd(tcb), 65535u);    /* RFC 7323 2.2: not scaled */
	emit.opt.mss = tcp_offered_mss(stack);
	emit.opt.has_wscale = tcb->rcv_wscale > 0;
	emit.opt.wscale = tcb->rcv_wscale;
	emit.opt.sack_permitted = tcb->sack_ok;
	pkt->span_cnt = 0;
	pkt->payload_len = 0;
	emit_headers(pkt, &emit);
	ack_told(tcb);
	count(stack->ctr, CTR_tcp_segments_out);
	tcb->synack_now = false;
	tcb->last_send_us = stack->now_us;
}
