/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ARP (RFC 826): who asks for our address is told. What we ask ourselves is neighbour.c's. */
#include "dataplane/ip/headers.h"

#include <arpa/inet.h>
#include <string.h>

/* A request from our own address is somebody else's claim to it: not answered. A probe from
 * 0.0.0.0 is (RFC 5227 2.1.1). */
static bool
request_for_us(const struct ip_local *local, const struct arp_hdr *arp)
{
	return ntohs(arp->hrd_be) == ARP_HRD_ETHER && ntohs(arp->pro_be) == ETH_TYPE_IPV4 &&
	       arp->hln == 6 && arp->pln == 4 && ntohs(arp->op_be) == ARP_OP_REQUEST &&
	       arp->tpa_be == local->addr_be && arp->spa_be != local->addr_be &&
	       (arp->sha[0] & ETH_GROUP_BIT) == 0;
}

enum ip_verdict
arp_input(const struct ip_local *local, struct counters *ctr, struct pkt_in *pkt,
          uint32_t *reply_len)
{
	struct eth_hdr *eth = (void *)pkt->data;
	struct arp_hdr *arp = (void *)(pkt->data + ETH_HDR_LEN);

	if (pkt->len < ETH_HDR_LEN + sizeof(*arp) || !request_for_us(local, arp)) {
		count(ctr, CTR_arp_bad);
		return IP_DROP;
	}
	memcpy(eth->dst, arp->sha, sizeof(eth->dst));
	memcpy(eth->src, local->mac, sizeof(eth->src));
	memcpy(arp->tha, arp->sha, sizeof(arp->tha));
	memcpy(arp->sha, local->mac, sizeof(arp->sha));
	arp->tpa_be = arp->spa_be;
	arp->spa_be = local->addr_be;
	arp->op_be = htons(ARP_OP_REPLY);
	count(ctr, CTR_arp_replies);
	*reply_len = ETH_HDR_LEN + sizeof(*arp);
	return IP_REPLY;
}
