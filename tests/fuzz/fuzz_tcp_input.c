/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: every TCP segment, at every moment of a connection. The input is a list of
 * steps: segments whose numbers lie near what the stack expects, segments of raw bytes with the
 * checksum mended, one by one or in bursts, and what an owner and a clock do between them. After
 * each step the lab checks the stack's invariants, the packets that left and the content both ways,
 * and a model of each peer what it can know from outside; at the end every buffer and every entry
 * of the stack's pools must be back, and after some inputs the peers fall silent first. */
#include "tests/fuzz/tcp_model.h"
#include "tests/unit/tcp_lab_burst.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	PEERS = 3,
	STEPS_MAX = 400,
	RAW_PEER = 2,
	QUEUE_FRAGS_MAX = 256,
	STEP_BITS = 31,
	BURST_BEGINS = 31,     /* of a step's bits: the segments that follow arrive at once */
};

enum step {
	STEP_SEGMENT,
	STEP_ACK,
	STEP_SACK,
	STEP_RAW,
	STEP_SYN,
	STEP_SEND,
	STEP_CLOSE,
	STEP_ABORT,
	STEP_WAIT,
	STEP_FLUSH,
	STEP_CNT
};

struct input {
	const uint8_t *data;
	size_t len;
};

static struct lab lab;
static struct lab_peer peers[PEERS];
static struct tcp_model models[PEERS];
static uint32_t hold_left;     /* segments until the burst is complete; 0: there is none */
static uint32_t ahead[PEERS];  /* bytes in order of each peer that are in it */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t
take8(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->data++;
}

static uint32_t
take16(struct input *in)
{
	uint32_t high = take8(in);

	return high << 8 | take8(in);
}

/* window returns what a peer offers, small as often as large. */
static uint16_t
window(struct input *in)
{
	uint8_t shift = take8(in) & 15;

	return (uint16_t)(take16(in) >> shift);
}

/* near returns a number close to seq, or seldom anywhere. */
static uint32_t
near(struct input *in, uint32_t seq)
{
	uint8_t how = take8(in);

	switch (how & 7) {
	case 0:
	case 1:
	case 2:
		return seq;
	case 3:
		return seq + (how >> 3);
	case 4:
		return seq - (how >> 3);
	case 5:
		return seq + take16(in);
	case 6:
		return seq - take16(in);
	default:
		return take16(in) << 16 | take16(in);
	}
}

/* give hands the stack a segment of a peer, and its model first. */
static void
give(struct lab_peer *peer, const struct lab_seg *seg)
{
	tcp_model_offer(&models[peer - peers], seg);
	lab_input(peer, seg);
}

/* note_sent tells the models of the packets that left in the last step. */
static void
note_sent(void)
{
	for (uint32_t i = 0; i < PEERS; i++)
		tcp_model_sent(&models[i], &lab);
}

/* tcb_of returns the stack's connection with a peer, half-open or not, or NULL. */
static const struct tcb *
tcb_of(const struct lab_peer *peer)
{
	struct flow_key key = {htonl(0x0a000002), htonl(0x0a000001), peer->port, LAB_PORT};
	struct flow *flow = table_find(&lab.stack->table, &key);

	return flow != NULL && flow->kind == FLOW_TCB ? CONTAINER_OF(flow, struct tcb, flow) : NULL;
}

static uint32_t
expected_seq(const struct lab_peer *peer)
{
	const struct tcb *tcb = tcb_of(peer);

	return (tcb != NULL ? tcb->rcv_nxt : peer->nxt) + ahead[peer - peers];
}

static uint32_t
expected_ack(struct input *in, const struct lab_peer *peer)
{
	const struct tcb *tcb = tcb_of(peer);

	if (tcb == NULL)
		return near(in, peer->irs + 1);
	return near(in, take8(in) & 1 ? tcb->snd_nxt : tcb->snd_una);
}

static void
options(struct input *in, struct lab_peer *peer, struct tcp_options *opt)
{
	uint8_t what = take8(in);

	peer->ts = peer->tcb != NULL && peer->tcb->ts_ok && (what & 1) == 0;
	if (what & 2)
		peer->tsval += take8(in);
	if (what & 4)
		peer->tsval -= take8(in);
	opt->mss = what & 8 ? (uint16_t)take16(in) : 0;
	opt->has_wscale = what & 16;
	opt->wscale = opt->has_wscale ? take8(in) & 15 : 0;
	opt->sack_permitted = what & 32;
}

static void
segment(struct input *in, struct lab_peer *peer)
{
	const struct tcb *tcb = tcb_of(peer);
	uint32_t iss = tcb != NULL ? tcb->irs : peer->iss;
	uint8_t data[LAB_PAYLOAD_MAX];
	struct lab_seg seg = {.flags = take8(in) & 0x3f, .data = data};

	if (seg.flags & 0x20)                          /* URG is dull: mostly plain ACKs */
		seg.flags = TCP_ACK | (seg.flags & TCP_FIN);
	seg.seq = near(in, expected_seq(peer));
	seg.ack = expected_ack(in, peer);
	seg.wnd = window(in);
	seg.len = take16(in) % 1461;
	options(in, peer, &seg.opt);
	for (uint32_t i = 0; i < seg.len; i++)
		data[i] = lab_byte(seg.seq - iss - 1 + i);
	if (hold_left > 0 && seg.seq == expected_seq(peer))
		ahead[peer - peers] += seg.len;
	give(peer, &seg);
}

static void
sack(struct input *in, struct lab_peer *peer)
{
	struct tcp_range blocks[3];
	uint8_t cnt = take8(in) % 4;
	uint32_t una = peer->tcb != NULL ? peer->tcb->snd_una : 0;

	for (uint8_t i = 0; i < cnt; i++) {
		blocks[i].start = una + take8(in) * (take8(in) & 1 ? 1448 : 97);
		blocks[i].end = blocks[i].start + take8(in) * 724;
	}
	peer->nxt = expected_seq(peer);
	peer->ts = peer->tcb != NULL && peer->tcb->ts_ok;
	tcp_model_offer(&models[peer - peers], &(struct lab_seg){.wnd = peer->wnd});
	lab_ack(peer, expected_ack(in, peer), blocks, cnt);
}

/* raw gives the stack bytes as they are, from a port of their own. */
static void
raw(struct input *in)
{
	uint8_t l4[600] = {0};
	uint32_t wanted = take16(in) % sizeof(l4);
	uint32_t len = MIN(wanted, (uint32_t)in->len);
	struct ip_seg ip = {.l4 = l4, .l4_len = len, .csum_good = true,
	                    .src_be = htonl(0x0a000002), .dst_be = htonl(0x0a000001)};

	memcpy(l4, in->data, len);
	in->data += len;
	in->len -= len;
	tcp_put16(l4, peers[RAW_PEER].port);
	tcp_put16(l4 + 2, LAB_PORT);
	tcp_model_offer_any(&models[RAW_PEER]);
	lab_deliver(&peers[RAW_PEER], &ip);
}

static void
syn(struct input *in, struct lab_peer *peer)
{
	struct lab_seg seg = {.flags = TCP_SYN, .wnd = window(in)};

	if (peer->tcb != NULL)
		return;
	options(in, peer, &seg.opt);
	seg.opt.has_ts = take8(in) & 1;
	seg.opt.tsval = peer->tsval;
	seg.seq = take8(in) & 1 ? peer->iss : near(in, UINT32_MAX - 100);
	peer->iss = seg.seq;
	peer->nxt = seg.seq + 1;
	peer->ts = false;
	give(peer, &seg);
	lab_flush(&lab);
	note_sent();
	for (uint32_t i = 0; i < lab.out_cnt; i++) {
		if (lab.out[i].seg.flags == (TCP_SYN | TCP_ACK) &&
		    lab.out[i].remote_port == peer->port)
			peer->irs = lab.out[i].seg.seq;
	}
	if (take8(in) & 3) {
		peer->wnd = window(in);
		peer->ts = seg.opt.has_ts;
		tcp_model_offer(&models[peer - peers], &(struct lab_seg){.wnd = peer->wnd});
		lab_ack(peer, peer->irs + 1, NULL, 0);
	}
}

static bool
may_send(const struct lab_peer *peer)
{
	return peer->tcb != NULL && tcp_send_room(lab.stack, peer->tcb) > 0 &&
	       lab.bufs->free_cnt > 0;
}

static void
queue(struct input *in, struct lab_peer *peer)
{
	uint32_t len = 1 + take16(in);
	uint32_t frag_len = 1 + take8(in) * 60;

	len = MIN(len, QUEUE_FRAGS_MAX * frag_len);
	for (; len > 0 && may_send(peer); len -= MIN(len, frag_len))
		lab_queue(peer, MIN(len, frag_len), frag_len);
}

/* release lets a burst arrive. */
static void
release(void)
{
	hold_left = 0;
	memset(ahead, 0, sizeof(ahead));
	lab_release(&lab, NULL, NULL);
}

/* hold begins a burst. */
static void
hold(struct input *in)
{
	if (hold_left > 0)
		release();
	hold_left = 2 + take8(in) % (BURST_MAX - 2);
	lab_hold(&lab);
}

/* is_segment tells whether a step is one that a burst can hold. */
static bool
is_segment(enum step step)
{
	return step == STEP_SEGMENT || step == STEP_ACK || step == STEP_SACK || step == STEP_RAW;
}

static void
step(struct input *in, uint8_t what)
{
	struct lab_peer *peer = &peers[(what >> 5) % PEERS];

	switch ((enum step)((what & STEP_BITS) % STEP_CNT)) {
	case STEP_SEGMENT:
		segment(in, peer);
		return;                                /* lab_deliver has checked */
	case STEP_ACK:
	case STEP_SACK:
		sack(in, peer);
		return;
	case STEP_RAW:
		raw(in);
		return;
	case STEP_SYN:
		syn(in, peer);
		return;
	case STEP_SEND:
		queue(in, peer);
		break;
	case STEP_CLOSE:
		if (peer->tcb != NULL)
			tcp_close(lab.stack, peer->tcb, lab.now_us);
		break;
	case STEP_ABORT:
		if (peer->tcb != NULL)
			tcp_abort(lab.stack, peer->tcb);
		peer->tcb = NULL;
		break;
	case STEP_WAIT:
		lab_wait(&lab, (uint64_t)take8(in) << (take8(in) % 20));
		note_sent();
		break;
	default:
		lab_flush(&lab);
		note_sent();
		return;
	}
	lab_check(&lab);
}

static void
begin(bool wrap)
{
	if (lab.stack == NULL)
		lab_init(&lab, &lab_plain, 2);
	lab_begin(&lab, wrap ? &lab_wrap : &lab_plain);
	for (uint16_t i = 0; i < PEERS; i++) {
		lab_peer_init(&lab, &peers[i], (uint16_t)(40000 + i));
		peers[i].any_content = i == RAW_PEER;
		tcp_model_init(&models[i], &peers[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = {data, len};
	uint8_t how = take8(&in);

	begin(how & 1);
	for (uint32_t i = 0; i < STEPS_MAX && in.len > 0; i++) {
		uint8_t what = take8(&in);
		bool held = is_segment((what & STEP_BITS) % STEP_CNT);

		if ((what & STEP_BITS) == BURST_BEGINS) {
			hold(&in);
			continue;
		}
		if (hold_left > 0 && !held)
			release();
		step(&in, what);
		if (hold_left > 0 && --hold_left == 0)
			release();
		for (uint32_t j = 0; j < PEERS && hold_left == 0; j++)
			tcp_model_check(&models[j], &lab);
	}
	if (hold_left > 0)
		release();
	lab_flush(&lab);
	if (how & 2)
		tcp_model_silence(&lab);
	lab_empty(&lab);
	return 0;
}
