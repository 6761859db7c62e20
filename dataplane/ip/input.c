/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Received frames: Ethernet and IPv4 checks, and which protocol is next. */
#include "dataplane/base/csum.h"
#include "dataplane/ip/headers.h"

#include <arpa/inet.h>
#include <string.h>

static enum ip_verdict
drop(struct counters *ctr, enum counter which)
{
	count(ctr, which);
	return IP_DROP;
}

bool
ip_addr_is_host(const struct ip_local *local, uint32_t addr_be)
{
	uint32_t net = ntohl(addr_be) >> 24;

	return net != 0 && net != 127 && net < 224 && addr_be != local->addr_be;
}

/* ipv4_check returns the datagram's length, or 0 when it was dropped and counted. */
static uint32_t
ipv4_check(const struct ip_local *local, struct counters *ctr, const struct ipv4_hdr *ip,
           uint32_t room)
{
	uint32_t hdr_len = (ip->version_ihl & 0x0fu) * 4;
	uint32_t total_len = ntohs(ip->total_len_be);
	enum counter why;

	if (UNLIKELY(ip->version_ihl >> 4 != 4 || hdr_len < IPV4_HDR_LEN || hdr_len > total_len ||
	             total_len > room))
		why = CTR_ip_bad_header;
	else if (UNLIKELY(csum_fold(csum_add(ip, hdr_len, 0)) != 0xffff))
		why = CTR_ip_bad_checksum; /* RFC 1122 3.2.1.2 */
	else if (UNLIKELY(ip->dst_be != local->addr_be))
		why = CTR_ip_not_ours;
	else if (UNLIKELY(!ip_addr_is_host(local, ip->src_be)))
		why = CTR_ip_bad_source;
	else if (UNLIKELY((ntohs(ip->frag_be) & IP_FRAGMENT_MASK) != 0))
		why = CTR_ip_fragment;
	else
		return total_len;
	count(ctr, why);
	return 0;
}

static void
seg_fill(struct ip_seg *seg, const struct pkt_in *pkt, uint32_t total_len)
{
	const struct eth_hdr *eth = (const void *)pkt->data;
	const struct ipv4_hdr *ip = (const void *)(pkt->data + ETH_HDR_LEN);
	uint32_t hdr_len = (ip->version_ihl & 0x0fu) * 4;

	dp_assert(hdr_len <= total_len);
	seg->l4 = pkt->data + ETH_HDR_LEN + hdr_len;
	seg->l4_len = total_len - hdr_len;
	seg->src_be = ip->src_be;
	seg->dst_be = ip->dst_be;
	memcpy(seg->src_mac, eth->src, sizeof(seg->src_mac));
	memcpy(seg->dst_mac, eth->dst, sizeof(seg->dst_mac));
	seg->ecn = ip->tos & IP_ECN_MASK;
	seg->csum_good = pkt->csum_good;
}

static enum ip_verdict
ipv4_input(const struct ip_local *local, struct counters *ctr, struct pkt_in *pkt,
           struct ip_seg *seg, uint32_t *reply_len)
{
	const struct ipv4_hdr *ip = (const void *)(pkt->data + ETH_HDR_LEN);
	uint32_t total_len;

	if (UNLIKELY(pkt->len < IP_PATH_HDR_LEN))
		return drop(ctr, CTR_ip_bad_header);
	total_len = ipv4_check(local, ctr, ip, pkt->len - ETH_HDR_LEN);
	if (UNLIKELY(total_len == 0))
		return IP_DROP;
	seg_fill(seg, pkt, total_len);
	if (LIKELY(ip->proto == IP_PROTO_TCP))
		return IP_TCP;
	if (ip->proto != IP_PROTO_ICMP)
		return drop(ctr, CTR_ip_protocol);
	if (icmp_error_is(seg))
		return icmp_error_input(local, ctr, seg);
	return icmp_input(ctr, pkt, total_len, reply_len);
}

enum ip_verdict
ip_input(const struct ip_local *local, struct counters *ctr, struct pkt_in *pkt,
         struct ip_seg *seg, uint32_t *reply_len)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const struct eth_hdr *eth = (const void *)pkt->data;
	uint16_t type;
	bool to_us;

	if (UNLIKELY(pkt->len < ETH_HDR_LEN))
		return drop(ctr, CTR_eth_short);
	to_us = memcmp(eth->dst, local->mac, sizeof(local->mac)) == 0;
	type = ntohs(eth->type_be);
	if (UNLIKELY(eth->src[0] & ETH_GROUP_BIT))
		return drop(ctr, CTR_eth_not_ours);
	if (LIKELY(to_us && type == ETH_TYPE_IPV4))
		return ipv4_input(local, ctr, pkt, seg, reply_len);
	if (type == ETH_TYPE_ARP && (to_us || memcmp(eth->dst, broadcast, sizeof(broadcast)) == 0))
		return arp_input(local, ctr, pkt, reply_len);
	return drop(ctr, to_us ? CTR_eth_type : CTR_eth_not_ours);
}
