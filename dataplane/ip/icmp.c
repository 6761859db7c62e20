/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ICMP: echo requests are answered in place (RFC 792, RFC 1122 3.2.2.6). Those with IP options
 * are ignored: a reply would have to carry them back, reversed. */
#include "dataplane/base/csum.h"
#include "dataplane/ip/headers.h"

#include <string.h>

static bool
is_echo_request(const struct ipv4_hdr *ip, const struct icmp_echo *echo, uint32_t ip_len)
{
	return ip->version_ihl == IP_VERSION_IHL && ip_len >= IPV4_HDR_LEN + sizeof(*echo) &&
	       echo->type == ICMP_ECHO_REQUEST && echo->code == 0 &&
	       csum_fold(csum_add(echo, ip_len - IPV4_HDR_LEN, 0)) == 0xffff;
}

static void
turn_round(struct eth_hdr *eth, struct ipv4_hdr *ip)
{
	uint8_t mac[6];
	uint32_t addr_be = ip->src_be;

	memcpy(mac, eth->dst, sizeof(mac));
	memcpy(eth->dst, eth->src, sizeof(eth->dst));
	memcpy(eth->src, mac, sizeof(eth->src));
	ip->src_be = ip->dst_be;
	ip->dst_be = addr_be;
	ip->ttl = IP_TTL_INITIAL;
	ip->csum = 0;
	ip->csum = (uint16_t)~csum_fold(csum_add(ip, IPV4_HDR_LEN, 0));
}

enum ip_verdict
icmp_input(struct counters *ctr, struct pkt_in *pkt, uint32_t ip_len, uint32_t *reply_len)
{
	struct ipv4_hdr *ip = (void *)(pkt->data + ETH_HDR_LEN);
	struct icmp_echo *echo = (void *)(pkt->data + IP_PATH_HDR_LEN);

	dp_assert(ETH_HDR_LEN + ip_len <= pkt->len);
	if (!is_echo_request(ip, echo, ip_len)) {
		count(ctr, CTR_icmp_ignored);
		return IP_DROP;
	}
	turn_round((void *)pkt->data, ip);
	echo->type = ICMP_ECHO_REPLY;
	echo->csum = 0;
	echo->csum = (uint16_t)~csum_fold(csum_add(echo, ip_len - IPV4_HDR_LEN, 0));
	count(ctr, CTR_icmp_replies);
	*reply_len = ETH_HDR_LEN + ip_len;
	return IP_REPLY;
}
