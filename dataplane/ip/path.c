/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Sending: the header template of a path, and its sums. */
#include "dataplane/base/csum.h"
#include "dataplane/ip/headers.h"

#include <arpa/inet.h>
#include <string.h>

uint32_t
ip_sum(const void *data, uint32_t len, uint32_t sum)
{
	return csum_fold(csum_add(data, len, sum));
}

void
ip_path_init(struct ip_path *path, const struct ip_seg *seg)
{
	struct eth_hdr *eth = (void *)path->hdr;
	struct ipv4_hdr *ip = (void *)(path->hdr + ETH_HDR_LEN);

	memset(path, 0, sizeof(*path));
	memcpy(eth->dst, seg->src_mac, sizeof(eth->dst));
	memcpy(eth->src, seg->dst_mac, sizeof(eth->src));
	eth->type_be = htons(ETH_TYPE_IPV4);
	ip->version_ihl = IP_VERSION_IHL;
	ip->frag_be = htons(IP_FLAG_DF); /* RFC 6864 4.1: atomic, so the ID may be anything */
	ip->ttl = IP_TTL_INITIAL;
	ip->proto = IP_PROTO_TCP;
	ip->src_be = seg->dst_be;
	ip->dst_be = seg->src_be;
	path->hdr_sum = csum_fold(csum_add(ip, IPV4_HDR_LEN, 0));
	path->pseudo_sum = ip_sum(&ip->src_be, 8, htons(IP_PROTO_TCP));
}

uint16_t
ip_path_resize(const struct ip_path *path, struct pkt_out *pkt, uint16_t l4_len)
{
	struct ipv4_hdr *ip = (void *)(pkt->hdr + ETH_HDR_LEN);
	uint16_t total_len_be = htons((uint16_t)(IPV4_HDR_LEN + l4_len));

	dp_assert(l4_len <= UINT16_MAX - IPV4_HDR_LEN);
	ip->total_len_be = total_len_be;
	ip->csum = (uint16_t)~ip_sum_fold((uint32_t)path->hdr_sum + total_len_be + htons(ip->tos));
	return ip_sum_fold(path->pseudo_sum + htons(l4_len));
}

uint16_t
ip_path_write(const struct ip_path *path, struct pkt_out *pkt, uint16_t l4_len, uint8_t ecn)
{
	struct ipv4_hdr *ip = (void *)(pkt->hdr + ETH_HDR_LEN);

	dp_assert(ecn <= IP_ECN_MASK);
	memcpy(pkt->hdr, path->hdr, IP_PATH_HDR_LEN);
	ip->tos = ecn;
	pkt->l4_off = IP_PATH_HDR_LEN;
	return ip_path_resize(path, pkt, l4_len);
}

bool
ip_seg_csum_ok(const struct ip_seg *seg)
{
	uint64_t sum = (uint64_t)seg->src_be + seg->dst_be + htons(IP_PROTO_TCP) +
	               htons((uint16_t)seg->l4_len);

	return csum_fold(csum_add(seg->l4, seg->l4_len, sum)) == 0xffff;
}
