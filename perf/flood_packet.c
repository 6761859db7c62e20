/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Headers put together by the system's structs. */
#include "perf/flood_packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

enum { MSS_OPTION_BYTES = 4, MSS = 1460, TTL = 64, QUOTE_BYTES = sizeof(struct iphdr) + 8 };

struct pseudo {
	uint32_t source_be;
	uint32_t target_be;
	uint8_t zero;
	uint8_t protocol;
	uint16_t bytes_be;
};

uint64_t
flood_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull;
}

static uint32_t
sum_add(uint32_t sum, const void *data, size_t bytes)
{
	const uint8_t *at = data;
	size_t i;

	for (i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return bytes % 2 == 0 ? sum : sum + ((uint32_t)at[bytes - 1] << 8);
}

static uint16_t
sum_finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void
ip_fill(struct iphdr *ip, const struct flood_tuple *tuple, uint8_t protocol, size_t payload_bytes)
{
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = TTL;
	ip->protocol = protocol;
	ip->saddr = tuple->source_be;
	ip->daddr = tuple->target_be;
	ip->tot_len = htons((uint16_t)(sizeof(*ip) + payload_bytes));
	ip->check = sum_finish(sum_add(0, ip, sizeof(*ip)));
}

static void
packet_finish(struct flood_packet *packet, uint32_t target_be, size_t bytes)
{
	packet->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = target_be};
	packet->bytes = (uint32_t)bytes;
}

void
flood_packet_tcp(struct flood_packet *packet, const struct flood_tuple *tuple,
		 const struct flood_segment *segment)
{
	size_t option_bytes = segment->flags & TH_SYN ? MSS_OPTION_BYTES : 0;
	size_t bytes = sizeof(struct tcphdr) + option_bytes + segment->payload_bytes;
	struct pseudo pseudo = {tuple->source_be, tuple->target_be, 0, IPPROTO_TCP,
				htons((uint16_t)bytes)};
	uint8_t *option = packet->data + sizeof(struct iphdr) + sizeof(struct tcphdr);
	struct tcphdr tcp = {
		.th_sport = tuple->source_port_be,
		.th_dport = tuple->target_port_be,
		.th_seq = htonl(segment->seq),
		.th_ack = htonl(segment->ack),
		.th_off = (uint8_t)((sizeof(tcp) + option_bytes) / 4) & 15,
		.th_flags = segment->flags,
		.th_win = htons(segment->window),
	};
	uint32_t sum;

	if (option_bytes != 0)
		memcpy(option, (uint8_t[]){TCPOPT_MAXSEG, TCPOLEN_MAXSEG, MSS >> 8, MSS & 255},
		       MSS_OPTION_BYTES);
	if (segment->payload_bytes != 0)
		memcpy(option + option_bytes, segment->payload, segment->payload_bytes);
	sum = sum_add(sum_add(0, &pseudo, sizeof(pseudo)), &tcp, sizeof(tcp));
	tcp.th_sum = sum_finish(sum_add(sum, option, option_bytes + segment->payload_bytes));
	memcpy(packet->data + sizeof(struct iphdr), &tcp, sizeof(tcp));
	ip_fill((struct iphdr *)packet->data, tuple, IPPROTO_TCP, bytes);
	packet_finish(packet, tuple->target_be, sizeof(struct iphdr) + bytes);
}

void
flood_packet_needs_fragments(struct flood_packet *packet, const struct flood_tuple *tuple,
			     uint32_t router_be, uint32_t seq, uint16_t mtu)
{
	struct flood_tuple back = {tuple->target_be, tuple->source_be, tuple->target_port_be,
				   tuple->source_port_be};
	struct flood_tuple outer = {router_be, tuple->target_be, 0, 0};
	size_t bytes = sizeof(struct icmphdr) + QUOTE_BYTES;
	uint8_t *quote = packet->data + sizeof(struct iphdr) + sizeof(struct icmphdr);
	struct icmphdr icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED};
	uint32_t seq_be = htonl(seq);

	ip_fill((struct iphdr *)quote, &back, IPPROTO_TCP, sizeof(struct tcphdr) + MSS);
	memcpy(quote + sizeof(struct iphdr), &back.source_port_be, 2);
	memcpy(quote + sizeof(struct iphdr) + 2, &back.target_port_be, 2);
	memcpy(quote + sizeof(struct iphdr) + 4, &seq_be, 4);
	icmp.un.frag.mtu = htons(mtu);
	icmp.checksum = sum_finish(sum_add(sum_add(0, &icmp, sizeof(icmp)), quote, QUOTE_BYTES));
	memcpy(packet->data + sizeof(struct iphdr), &icmp, sizeof(icmp));
	ip_fill((struct iphdr *)packet->data, &outer, IPPROTO_ICMP, bytes);
	packet_finish(packet, tuple->target_be, sizeof(struct iphdr) + bytes);
}
