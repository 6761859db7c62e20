/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A bench's memory that is short. */
#include "tests/unit/tcp_lab_missing.h"

#include <stdlib.h>

uint32_t
lab_missing(struct lab *lab, struct tcp_missing *missing, uint32_t max)
{
	uint32_t cnt = tcp_missing(lab->stack, missing, max);

	for (uint32_t i = 0; i < cnt; i++) {
		const struct lab_peer *peer = tcp_user(missing[i].tcb);

		dp_assert(missing[i].origin.id == peer->port && missing[i].len > 0);
		dp_assert(missing[i].seq == peer->irs + 1 + (uint32_t)missing[i].origin.off);
	}
	lab_check(lab);
	return cnt;
}

int
lab_refill(struct lab *lab, const struct tcp_missing *missing, uint32_t span_len)
{
	struct span spans[TCP_SEND_FRAGS_MAX] = {0};
	uint32_t cnt = 0;
	int err;

	for (uint32_t at = 0; at < missing->len; at += spans[cnt++].len) {
		struct buf *buf = buf_get(lab->bufs);

		dp_assert(buf != NULL && cnt < TCP_SEND_FRAGS_MAX);
		spans[cnt].buf = buf;
		spans[cnt].data = buf->data;
		spans[cnt].len = MIN(missing->len - at, span_len);
		for (uint32_t i = 0; i < spans[cnt].len; i++)
			buf->data[i] = lab_byte(missing->origin.off + at + i);
	}
	err = tcp_refill(lab->stack, missing->tcb, missing->seq, spans, cnt);
	for (uint32_t i = 0; err != 0 && i < cnt; i++)
		span_release(&spans[i]);
	lab_check(lab);
	return err;
}

uint32_t
lab_refill_all(struct lab *lab)
{
	struct tcp_missing missing;
	uint32_t cnt = 0;

	for (; lab_missing(lab, &missing, 1) > 0; cnt++)
		dp_assert(lab_refill(lab, &missing, LAB_BUF_LEN) == 0);
	return cnt;
}

uint32_t
lab_give_up(struct lab *lab)
{
	uint32_t cnt = 0;
	uint32_t now;

	do {
		now = tcp_give_up(lab->stack, UINT32_MAX);
		cnt += now;
		lab_check(lab);
	} while (now > 0);
	return cnt;
}

bool
lab_press(struct lab *lab)
{
	static int on = -1;

	if (on < 0)
		on = getenv("SPILLWAY_LAB_PRESSURE") != NULL;
	if (on == 0)
		return false;
	lab_give_up(lab);
	return lab_refill_all(lab) > 0;
}
