/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ICMP on the bench. */
#include "tests/unit/tcp_lab_icmp.h"

#include <arpa/inet.h>

static uint32_t
give(struct lab_peer *peer, const struct ip_icmp *err)
{
	struct lab *lab = peer->lab;
	uint32_t events = 0;
	struct tcb *tcb = tcp_icmp(lab->stack, err, lab->now_us, &events);

	dp_assert((tcb == NULL) == (events == 0));
	peer->events |= events;
	if (events & TCP_EV_CLOSED)
		peer->tcb = NULL;
	lab_check(lab);
	return events;
}

static struct ip_icmp
about(const struct lab_peer *peer, uint32_t seq)
{
	return (struct ip_icmp){
		.local_be = htonl(0x0a000001),
		.remote_be = htonl(0x0a000002),
		.local_port = LAB_PORT,
		.remote_port = peer->port,
		.seq = seq,
		.quoted_len = 1500,
		.type = IP_ICMP_UNREACHABLE,
	};
}

uint32_t
lab_icmp(struct lab_peer *peer, uint8_t type, uint8_t code, uint32_t seq)
{
	struct ip_icmp err = about(peer, seq);

	err.type = type;
	err.code = code;
	return give(peer, &err);
}

void
lab_too_big(struct lab_peer *peer, uint32_t seq, uint16_t mtu)
{
	struct ip_icmp err = about(peer, seq);

	err.code = IP_ICMP_TOO_BIG;
	err.mtu = mtu;
	dp_assert(give(peer, &err) == 0);
}
