/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The least TCP that is let in. */
#include "perf/flood_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWER_BYTES = 128,      /* the headers are enough */
	ANSWERS_MAX = 4096,      /* of one look */
	WINDOW = 65535,
	HOLE_BYTES = 1,
	SPREAD_BYTES = 60000,    /* of what lies behind the hole */
	AHEAD_BYTES_MAX = 4096,  /* of tiny segments not acknowledged */
	FUTURE_BYTES = 1 << 20,  /* the least that an ACK is ahead */
};

static const uint8_t zeros[FLOOD_PAYLOAD_BYTES_MAX];

int
flood_conns_init(struct flood_conns *conns, const struct flood_options *options)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(options->ifname),
	};
	int one = 1;

	memset(conns, 0, sizeof(*conns));
	conns->options = options;
	conns->random = options->seed * 2 + 1;
	conns->answers = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(conns->answers, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (bind(conns->answers, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		fprintf(stderr, "spillway-flood: %s: %s\n", options->ifname, strerror(errno));
		return -1;
	}
	return 0;
}

void
flood_conns_fini(struct flood_conns *conns)
{
	close(conns->answers);
}

/* Who is meant tells itself by its address: they stand in a row. */
static struct flood_conn *
conn_find(struct flood_conns *conns, const struct iphdr *ip, const struct tcphdr *tcp)
{
	uint32_t index = ntohl(ip->daddr) - ntohl(conns->options->source_be);
	struct flood_conn *conn;

	if (ip->saddr != conns->options->target_be || index >= conns->options->connection_cnt)
		return NULL;
	conn = &conns->conn[index];
	return conn->state != FLOOD_CLOSED && conn->tuple.source_port_be == tcp->th_dport ? conn
											  : NULL;
}

static void
conn_answer(struct flood_conns *conns, struct flood_conn *conn, const struct iphdr *ip,
	    const struct tcphdr *tcp)
{
	uint32_t bytes = ntohs(ip->tot_len) - (uint32_t)(sizeof(*ip) + tcp->th_off * 4);
	uint32_t end = ntohl(tcp->th_seq) + bytes;

	if (tcp->th_flags & TH_RST) {
		conn->state = FLOOD_CLOSED;
		conns->reset_cnt++;
		return;
	}
	if (conn->state == FLOOD_SYN_SENT && (tcp->th_flags & TH_SYN)) {
		conn->state = FLOOD_OPEN;
		conn->snd_una = conn->snd_nxt = ntohl(tcp->th_ack);
		conn->hello_end = conn->snd_nxt + conns->options->hello_bytes;
		conn->rcv_nxt = ntohl(tcp->th_seq) + 1;
		conns->opened_cnt++;
		return;
	}
	if ((int32_t)(ntohl(tcp->th_ack) - conn->snd_una) > 0)
		conn->snd_una = ntohl(tcp->th_ack);
	if ((int32_t)(end - conn->rcv_nxt) > 0)
		conn->rcv_nxt = end;
}

void
flood_conns_take(struct flood_conns *conns)
{
	uint8_t data[ANSWER_BYTES];
	int i;

	for (i = 0; i < ANSWERS_MAX; i++) {
		const struct iphdr *ip = (const struct iphdr *)data;
		const struct tcphdr *tcp = (const struct tcphdr *)(data + sizeof(*ip));
		ssize_t got = recv(conns->answers, data, sizeof(data), 0);
		struct flood_conn *conn;

		if (got < 0)
			return;
		if ((size_t)got < sizeof(*ip) + sizeof(*tcp) || ip->ihl != 5 ||
		    ip->protocol != IPPROTO_TCP)
			continue;
		conns->answer_cnt++;
		conn = conn_find(conns, ip, tcp);
		if (conn != NULL)
			conn_answer(conns, conn, ip, tcp);
	}
}

static void
conn_open(struct flood_conns *conns, uint32_t index, uint64_t now_us, struct flood_packet *packet)
{
	struct flood_conn *conn = &conns->conn[index];
	uint64_t random = flood_random(&conns->random);
	struct flood_segment segment = {.flags = TH_SYN, .window = WINDOW};

	conn->tuple.source_be = htonl(ntohl(conns->options->source_be) + index);
	conn->tuple.target_be = conns->options->target_be;
	conn->tuple.source_port_be = htons((uint16_t)(1024 + random % 60000));
	conn->tuple.target_port_be = conns->options->target_port_be;
	conn->state = FLOOD_SYN_SENT;
	conn->tried_us = now_us;
	segment.seq = (uint32_t)(random >> 32);
	flood_packet_tcp(packet, &conn->tuple, &segment);
}

/* Zeros one by one. Begins again where the target stands when too much went unanswered: something
 * was lost. */
static void
tiny_fill(struct flood_conn *conn, struct flood_segment *segment)
{
	if (conn->snd_nxt - conn->snd_una > AHEAD_BYTES_MAX)
		conn->snd_nxt = conn->snd_una;
	segment->seq = conn->snd_nxt;
	segment->payload = zeros;
	segment->payload_bytes = 1;
	conn->snd_nxt += 1;
}

static void
hole_fill(struct flood_conns *conns, const struct flood_conn *conn, struct flood_segment *segment)
{
	uint64_t random = flood_random(&conns->random);

	segment->seq = conn->snd_una + HOLE_BYTES + (uint32_t)(random % SPREAD_BYTES);
	segment->payload = zeros;
	segment->payload_bytes = 1 + (uint32_t)(random >> 32) % FLOOD_PAYLOAD_BYTES_MAX;
}

static void
future_fill(struct flood_conns *conns, const struct flood_conn *conn, struct flood_segment *segment)
{
	uint32_t beyond = (uint32_t)flood_random(&conns->random) % (1u << 30);

	segment->seq = conn->snd_una;
	segment->ack = conn->rcv_nxt + FUTURE_BYTES + beyond;
}

static void
hello_fill(const struct flood_conns *conns, struct flood_conn *conn, struct flood_segment *segment)
{
	uint32_t left = conn->hello_end - conn->snd_una;

	segment->seq = conn->snd_una;
	segment->payload = conns->options->hello + conns->options->hello_bytes - left;
	segment->payload_bytes = left;
	conn->snd_nxt = conn->hello_end;
}

static void
conn_flood(struct flood_conns *conns, struct flood_conn *conn, struct flood_packet *packet)
{
	struct flood_segment segment = {.flags = TH_ACK, .window = WINDOW, .ack = conn->rcv_nxt};

	if ((int32_t)(conn->hello_end - conn->snd_una) > 0)
		hello_fill(conns, conn, &segment);
	else if (conns->options->kind == FLOOD_TINY)
		tiny_fill(conn, &segment);
	else if (conns->options->kind == FLOOD_OOO)
		hole_fill(conns, conn, &segment);
	else
		future_fill(conns, conn, &segment);
	flood_packet_tcp(packet, &conn->tuple, &segment);
}

bool
flood_conns_next(struct flood_conns *conns, uint64_t now_us, struct flood_packet *packet)
{
	uint64_t i;

	for (i = 0; i < conns->options->connection_cnt; i++) {
		uint32_t index = conns->next++ % (uint32_t)conns->options->connection_cnt;
		struct flood_conn *conn = &conns->conn[index];

		if (conn->state == FLOOD_OPEN)
			conn_flood(conns, conn, packet);
		else if (now_us - conn->tried_us > FLOOD_RETRY_US)
			conn_open(conns, index, now_us, packet);
		else
			continue;
		return true;
	}
	return false;
}

bool
flood_conns_leave(const struct flood_conns *conns, uint32_t index, struct flood_packet *packet)
{
	const struct flood_conn *conn = &conns->conn[index];
	struct flood_segment segment = {.flags = TH_RST, .seq = conn->snd_una};

	if (conn->state != FLOOD_OPEN)
		return false;
	flood_packet_tcp(packet, &conn->tuple, &segment);
	return true;
}
