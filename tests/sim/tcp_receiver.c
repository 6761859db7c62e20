/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A model of a receiver. */
#include "tests/sim/tcp_receiver.h"

#include <string.h>

enum {
	DELACK_US = 40000,
	QUICK_ACKS = 16,
	READ_EVERY_US = 1000,
	SILLY_BYTES = 1448,
	ECN_CE = 3,
};

uint8_t
receiver_wscale(uint32_t buffer_bytes)
{
	uint8_t wscale = 0;

	while (wscale < TCP_WSCALE_MAX && buffer_bytes >> wscale > 65535)
		wscale++;
	return wscale;
}

void
receiver_init(struct receiver *receiver, const struct receiver_config *config, uint64_t now_us)
{
	memset(receiver, 0, offsetof(struct receiver, range));
	receiver->config = *config;
	if (config->ack_every == 0)
		receiver->config.ack_every = 2;
	receiver->wscale = receiver_wscale(config->buffer_bytes);
	receiver->fin_at = UINT64_MAX;
	receiver->ack_due_us = UINT64_MAX;
	receiver->quick_cnt = QUICK_ACKS;
	receiver->read_us = now_us + config->read_from_us;
}

/* ---- what is out of order */

/* range_at returns the first range that ends at or after an offset, as an index from first. */
static uint32_t
range_at(const struct receiver *receiver, uint64_t offset)
{
	const struct receiver_range *range = receiver->range + receiver->first;
	uint32_t low = 0;
	uint32_t high = receiver->cnt;

	if (high > 0 && range[high - 1].end < offset)  /* mostly it is the last one */
		return high;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (range[middle].end < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
range_insert(struct receiver *receiver, uint32_t at, uint64_t start, uint64_t end)
{
	struct receiver_range *range = receiver->range;

	if (receiver->first + receiver->cnt == RECEIVER_RANGES_MAX) {
		memmove(range, range + receiver->first, receiver->cnt * sizeof(*range));
		receiver->first = 0;
	}
	dp_assert(receiver->cnt < RECEIVER_RANGES_MAX);
	range += receiver->first + at;
	memmove(range + 1, range, (receiver->cnt - at) * sizeof(*range));
	*range = (struct receiver_range){start, end};
	receiver->cnt++;
}

/* note_twice remembers bytes that came again (RFC 2883 4): the first such part of a segment. */
static void
note_twice(struct receiver *receiver, uint64_t start, uint64_t end)
{
	receiver->twice_bytes += end - start;
	if (!receiver->dsack)
		receiver->twice = (struct receiver_range){start, end};
	receiver->dsack = !receiver->config.no_dsack && !receiver->config.no_sack;
}

/* range_add enters early bytes, joined with those that they touch. */
static void
range_add(struct receiver *receiver, uint64_t start, uint64_t end)
{
	struct receiver_range *range = receiver->range + receiver->first;
	uint32_t at = range_at(receiver, start);
	uint32_t next = at;

	if (at == receiver->cnt || range[at].start > end) {
		range_insert(receiver, at, start, end);
		return;
	}
	if (MAX(range[at].start, start) < MIN(range[at].end, end))
		note_twice(receiver, MAX(range[at].start, start), MIN(range[at].end, end));
	for (; next < receiver->cnt && range[next].start <= end; next++)
		end = MAX(end, range[next].end);
	range[at].start = MIN(range[at].start, start);
	range[at].end = end;
	memmove(range + at + 1, range + next, (receiver->cnt - next) * sizeof(*range));
	receiver->cnt -= next - at - 1;
}

/* note_recent puts a block at the head of those that are told first (RFC 2018 4). */
static void
note_recent(struct receiver *receiver, uint64_t offset)
{
	uint32_t kept = 1;
	uint64_t old[RECEIVER_RECENT_MAX];
	struct receiver_range now = receiver->range[receiver->first + range_at(receiver, offset + 1)];

	memcpy(old, receiver->recent, sizeof(old));
	receiver->recent[0] = offset;
	for (uint32_t i = 0; i < receiver->recent_cnt && kept < RECEIVER_RECENT_MAX; i++) {
		if (old[i] < now.start || old[i] >= now.end)
			receiver->recent[kept++] = old[i];
	}
	receiver->recent_cnt = kept;
}

/* advance takes ranges whose turn has come. Returns whether there were any. */
static bool
advance(struct receiver *receiver)
{
	bool any = false;

	while (receiver->cnt > 0 && receiver->range[receiver->first].start <= receiver->got) {
		receiver->got = MAX(receiver->got, receiver->range[receiver->first].end);
		receiver->first++;
		receiver->cnt--;
		any = true;
	}
	if (receiver->cnt == 0)
		receiver->first = 0;
	return any;
}

/* ---- segments */

/* in_order takes bytes that begin at or before got. Returns whether an ACK is due now. */
static bool
in_order(struct receiver *receiver, uint64_t end, uint64_t now_us)
{
	bool filled;

	receiver->got = end;
	filled = advance(receiver);
	if (filled || receiver->cnt > 0)               /* RFC 5681 4.2 */
		return true;
	receiver->unacked_cnt++;
	if (receiver->quick_cnt > 0) {
		receiver->quick_cnt--;
		return true;
	}
	receiver->ack_due_us = MIN(receiver->ack_due_us, now_us + DELACK_US);
	return receiver->unacked_cnt >= receiver->config.ack_every;
}

static bool
take_bytes(struct receiver *receiver, uint64_t start, uint64_t end, uint64_t now_us)
{
	uint64_t edge = receiver->told_edge;

	if (end > edge) {
		receiver->beyond_bytes += end - MAX(start, edge);
		end = edge;
	}
	if (start < receiver->got && start < end)
		note_twice(receiver, start, MIN(end, receiver->got));
	if (start >= end || end <= receiver->got)
		return true;                   /* old, or no room: told at once */
	if (start > receiver->got) {
		range_add(receiver, start, end);
		note_recent(receiver, start);
		return true;
	}
	return in_order(receiver, end, now_us);
}

/* take_ecn notes congestion until the sender answers it (RFC 3168 6.1.3). */
static void
take_ecn(struct receiver *receiver, const struct receiver_seg *seg)
{
	if (!receiver->config.ecn)
		return;
	if (seg->flags & RECEIVER_CWR)
		receiver->ece = false;
	if (seg->ecn == ECN_CE)
		receiver->ece = true;
}

bool
receiver_take(struct receiver *receiver, const struct receiver_seg *seg, uint64_t now_us)
{
	uint64_t end = seg->offset + seg->len;
	bool ece = receiver->ece;
	bool due = false;

	if (seg->has_ts && seg->offset <= receiver->got)       /* RFC 7323 4.3 */
		receiver->ts_recent = seg->tsval;
	take_ecn(receiver, seg);
	if (seg->len > 0)
		due = take_bytes(receiver, seg->offset, end, now_us);
	if (seg->flags & TCP_FIN)
		receiver->fin_at = end;
	if (receiver->got == receiver->fin_at)
		receiver->fin = true;
	return due || receiver->ece != ece || (seg->flags & TCP_FIN) != 0;
}

/* ---- the reader and the window */

/* edge_now returns the right edge that could be told now. It moves by much or not at all. */
static uint64_t
edge_now(const struct receiver *receiver)
{
	uint64_t edge = receiver->read + receiver->config.buffer_bytes;
	uint64_t unit = MIN(receiver->config.buffer_bytes / 2, (uint32_t)SILLY_BYTES);

	return edge >= receiver->told_edge + MAX(unit, 1u) ? edge : receiver->told_edge;
}

bool
receiver_read(struct receiver *receiver, uint64_t now_us)
{
	uint64_t held = receiver->got - receiver->read;
	uint64_t len = UINT64_MAX;
	uint64_t window = receiver->told_edge - receiver->got;

	if (now_us < receiver->read_us)
		return false;
	if (receiver->config.read_bytes_per_ms > 0) {
		uint64_t ms = (now_us - receiver->read_us) / 1000;

		len = ms * receiver->config.read_bytes_per_ms;
		receiver->read_us += ms * 1000;
	}
	receiver->read += MIN(len, held);
	/* a window that shrank to less than half is told when it has doubled */
	return window < receiver->config.buffer_bytes / 2 &&
	       edge_now(receiver) - receiver->got >= MAX(2 * window, 1u);
}

uint64_t
receiver_next_us(const struct receiver *receiver)
{
	uint64_t read_us = UINT64_MAX;

	if (receiver->got > receiver->read)
		read_us = receiver->read_us +
		          (receiver->config.read_bytes_per_ms > 0 ? READ_EVERY_US : 0);
	return MIN(receiver->ack_due_us, read_us);
}

/* ---- ACKs */

static struct tcp_range
numbers(const struct receiver *receiver, struct receiver_range range)
{
	uint32_t first = receiver->irs + 1;

	return (struct tcp_range){first + (uint32_t)range.start, first + (uint32_t)range.end};
}

static void
fill_sacks(struct receiver *receiver, struct tcp_options *opt)
{
	uint32_t max = receiver->config.no_ts ? 4 : 3;
	uint32_t kept = 0;

	if (receiver->dsack)
		opt->sack[opt->sack_cnt++] = numbers(receiver, receiver->twice);
	receiver->dsack = false;
	for (uint32_t i = 0; i < receiver->recent_cnt; i++) {
		uint64_t offset = receiver->recent[i];
		uint32_t at;

		if (offset < receiver->got)
			continue;
		at = range_at(receiver, offset + 1);
		dp_assert(at < receiver->cnt);
		receiver->recent[kept++] = offset;
		if (opt->sack_cnt < max)
			opt->sack[opt->sack_cnt++] =
				numbers(receiver, receiver->range[receiver->first + at]);
	}
	receiver->recent_cnt = kept;
}

/* tell_window returns the window as it stands in the header. What is told is never taken back,
 * but for what the shift rounds off. */
static uint16_t
tell_window(struct receiver *receiver)
{
	uint64_t edge = edge_now(receiver);
	uint64_t room = edge > receiver->got ? edge - receiver->got : 0;
	uint64_t wnd = MIN(room >> receiver->wscale, 65535u);

	receiver->told_edge = MAX(receiver->told_edge, receiver->got + (wnd << receiver->wscale));
	return (uint16_t)wnd;
}

void
receiver_ack(struct receiver *receiver, struct tcp_seg *ack, uint64_t now_us)
{
	memset(ack, 0, sizeof(*ack));
	ack->flags = TCP_ACK | (receiver->ece ? RECEIVER_ECE : 0);
	ack->ack = receiver->irs + 1 + (uint32_t)receiver->got + receiver->fin;
	ack->wnd = tell_window(receiver);
	ack->opt.has_ts = !receiver->config.no_ts;
	ack->opt.tsval = (uint32_t)(now_us >> 10);
	ack->opt.tsecr = receiver->ts_recent;
	if (!receiver->config.no_sack)
		fill_sacks(receiver, &ack->opt);
	receiver->unacked_cnt = 0;
	receiver->ack_due_us = UINT64_MAX;
}
