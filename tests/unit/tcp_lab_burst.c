/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Segments that arrive at once. */
#include "tests/unit/tcp_lab_burst.h"

#include <string.h>

enum { HELD_LEN = 2200 };

static struct {
	uint32_t cnt;
	struct lab_peer *peer[BURST_MAX];
	struct ip_seg seg[BURST_MAX];
	uint8_t l4[BURST_MAX][HELD_LEN];
} held;

static void
hold(struct lab_peer *peer, const struct ip_seg *ip)
{
	dp_assert(held.cnt < BURST_MAX && ip->l4_len <= HELD_LEN);
	memcpy(held.l4[held.cnt], ip->l4, ip->l4_len);
	held.seg[held.cnt] = *ip;
	held.seg[held.cnt].l4 = held.l4[held.cnt];
	held.peer[held.cnt++] = peer;
}

void
lab_hold(struct lab *lab)
{
	held.cnt = 0;
	lab->hold = hold;
}

/* peer_of returns whose connection it is: when it has just opened, who sent of its port. */
static struct lab_peer *
peer_of(const struct tcb *tcb)
{
	if (tcp_user(tcb) != NULL)
		return tcp_user(tcb);
	for (uint32_t i = 0; i < held.cnt; i++) {
		if (held.peer[i]->port == tcb->flow.key.remote_port)
			return held.peer[i];
	}
	return NULL;
}

uint32_t
lab_release(struct lab *lab, struct lab_told *told, void (*then)(const struct lab_told *))
{
	uint32_t events;
	uint32_t cnt = 0;
	struct tcb *tcb;

	lab->hold = NULL;
	tcp_burst_begin(lab->stack, held.seg, held.cnt, lab->now_us);
	while ((tcb = tcp_burst_next(lab->stack, &events)) != NULL) {
		struct lab_told one = {.peer = peer_of(tcb), .events = events};

		dp_assert(one.peer != NULL && events != 0 && cnt <= BURST_MAX);
		lab_note(one.peer, tcb, events);
		one.read = one.peer->read;
		if (told != NULL)
			told[cnt] = one;
		cnt++;
		if (then != NULL)
			then(&one);
	}
	lab_check(lab);
	held.cnt = 0;
	return cnt;
}
