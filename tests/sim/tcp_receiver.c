/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A model of a receiver. Offsets are of 64 bits: it does not share the arithmetic under test. */
#include "tests/sim/tcp_receiver.h"

#include <string.h>

enum { DELACK_US = 40000 };

void
receiver_init(struct receiver *receiver, const struct lab_peer *peer, uint32_t buffer_bytes,
              bool sack)
{
	memset(receiver, 0, sizeof(*receiver));
	receiver->irs = peer->irs;
	receiver->buffer_bytes = buffer_bytes;
	receiver->wscale = 7;
	receiver->sack = sack;
	receiver->fin_at = UINT64_MAX;
	receiver->ack_due_us = UINT64_MAX;
}

/* range_add enters early bytes as the latest range, joined with those that they touch. */
static void
range_add(struct receiver *receiver, uint64_t start, uint64_t end)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < receiver->range_cnt; i++) {
		if (receiver->range[i].start <= end && start <= receiver->range[i].end) {
			start = MIN(start, receiver->range[i].start);
			end = MAX(end, receiver->range[i].end);
		} else {
			receiver->range[kept++] = receiver->range[i];
		}
	}
	dp_assert(kept < RECEIVER_RANGES_MAX);
	memmove(&receiver->range[1], &receiver->range[0], kept * sizeof(receiver->range[0]));
	receiver->range[0].start = start;
	receiver->range[0].end = end;
	receiver->range_cnt = kept + 1;
}

/* advance takes ranges whose turn has come. Returns whether there were any. */
static bool
advance(struct receiver *receiver)
{
	uint32_t kept = 0;
	bool any = false;

	for (uint32_t i = 0; i < receiver->range_cnt; i++) {
		if (receiver->range[i].start <= receiver->got) {
			receiver->got = MAX(receiver->got, receiver->range[i].end);
			any = true;
		} else {
			receiver->range[kept++] = receiver->range[i];
		}
	}
	receiver->range_cnt = kept;
	return any;
}

static bool
take_bytes(struct receiver *receiver, uint64_t start, const struct lab_seg *seg, uint64_t now_us)
{
	uint64_t end = start + seg->len;

	for (uint32_t i = 0; i < seg->len; i++)
		dp_assert(seg->data[i] == lab_byte(start + i));
	if (end <= receiver->got || end > receiver->read + receiver->buffer_bytes)
		return true;                   /* old, or no room: told at once */
	if (start > receiver->got) {
		range_add(receiver, start, end);
		return true;
	}
	receiver->got = end;
	if (advance(receiver) || receiver->range_cnt > 0 || ++receiver->unacked_cnt >= 2)
		return true;
	receiver->ack_due_us = MIN(receiver->ack_due_us, now_us + DELACK_US);
	return false;
}

bool
receiver_take(struct receiver *receiver, const struct lab_seg *seg, uint64_t now_us)
{
	/* the offset nearest to what is expected */
	uint32_t expected = receiver->irs + 1 + (uint32_t)receiver->got;
	int32_t ahead = (int32_t)(seg->seq - expected);
	uint64_t start = receiver->got + (uint64_t)(int64_t)ahead;
	bool due = false;

	if (seg->opt.has_ts && (ahead <= 0 || receiver->ts_recent == 0))
		receiver->ts_recent = seg->opt.tsval;
	if (seg->len > 0)
		due = take_bytes(receiver, start, seg, now_us);
	if (seg->flags & TCP_FIN)
		receiver->fin_at = start + seg->len;
	if (receiver->got == receiver->fin_at && !receiver->fin) {
		receiver->fin = true;
		return true;
	}
	return due || (seg->flags & TCP_FIN) != 0;
}

bool
receiver_read(struct receiver *receiver, uint64_t len)
{
	uint64_t held = receiver->got - receiver->read;
	bool shut = receiver->buffer_bytes - held < receiver->buffer_bytes / 4;

	receiver->read += MIN(len, held);
	held = receiver->got - receiver->read;
	return shut && receiver->buffer_bytes - held >= receiver->buffer_bytes / 4;
}

void
receiver_ack(struct receiver *receiver, struct lab_seg *ack, uint32_t seq, uint64_t now_us)
{
	uint64_t room = receiver->buffer_bytes - (receiver->got - receiver->read);

	*ack = (struct lab_seg){
		.flags = TCP_ACK,
		.seq = seq,
		.ack = receiver->irs + 1 + (uint32_t)receiver->got + receiver->fin,
		.wnd = (uint16_t)MIN(room >> receiver->wscale, 65535u),
		.opt = {.has_ts = true, .tsval = (uint32_t)(now_us >> 10),
		        .tsecr = receiver->ts_recent},
	};
	for (uint32_t i = 0; receiver->sack && i < MIN(receiver->range_cnt, 3u); i++) {
		ack->opt.sack[i].start = receiver->irs + 1 + (uint32_t)receiver->range[i].start;
		ack->opt.sack[i].end = receiver->irs + 1 + (uint32_t)receiver->range[i].end;
		ack->opt.sack_cnt++;
	}
	receiver->unacked_cnt = 0;
	receiver->ack_due_us = UINT64_MAX;
}
