/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ICMP errors about TCP segments of ours (RFC 792, 1122 3.2.2): every length is the sender's word
 * and is checked before it is believed. */
#include "dataplane/base/csum.h"
#include "dataplane/ip/headers.h"

#include <arpa/inet.h>

enum {
	QUOTE_OFF = sizeof(struct icmp_error),
	ERROR_LEN_MIN = QUOTE_OFF + IPV4_HDR_LEN + sizeof(struct tcp_quote),
	IP_OFFSET_MASK = 0x1fff,
};

bool
icmp_error_is(const struct ip_seg *seg)
{
	uint8_t type = seg->l4_len > 0 ? seg->l4[0] : 0;

	return type == IP_ICMP_UNREACHABLE || type == IP_ICMP_SOURCE_QUENCH ||
	       type == IP_ICMP_TIME_EXCEEDED || type == IP_ICMP_PARAMETER;
}

/* is_ours tells whether a quoted header can be of a TCP segment that we sent. Its checksum and
 * TTL are as the failing router saw or left them: they tell nothing. */
static bool
is_ours(const struct ip_local *local, const struct ipv4_hdr *quote)
{
	return quote->version_ihl == IP_VERSION_IHL && quote->proto == IP_PROTO_TCP &&
	       (ntohs(quote->frag_be) & IP_OFFSET_MASK) == 0 &&
	       ntohs(quote->total_len_be) >= IPV4_HDR_LEN + sizeof(struct tcp_quote) &&
	       quote->src_be == local->addr_be && ip_addr_is_host(local, quote->dst_be);
}

static void
fill(struct ip_icmp *icmp, const uint8_t *msg)
{
	const struct icmp_error *error = (const void *)msg;
	const struct ipv4_hdr *quote = (const void *)(msg + QUOTE_OFF);
	const struct tcp_quote *tcp = (const void *)(msg + QUOTE_OFF + IPV4_HDR_LEN);
	bool too_big = error->type == IP_ICMP_UNREACHABLE && error->code == IP_ICMP_TOO_BIG;

	*icmp = (struct ip_icmp){
		.local_be = quote->src_be,
		.remote_be = quote->dst_be,
		.seq = ntohl(tcp->seq_be),
		.local_port = ntohs(tcp->src_port_be),
		.remote_port = ntohs(tcp->dst_port_be),
		.quoted_len = ntohs(quote->total_len_be),
		.mtu = too_big ? ntohs(error->mtu_be) : 0, /* RFC 1191 4 */
		.type = error->type,
		.code = error->code,
	};
}

enum ip_verdict
icmp_error_input(const struct ip_local *local, struct counters *ctr, struct ip_seg *seg)
{
	const struct ipv4_hdr *quote = (const void *)(seg->l4 + QUOTE_OFF);

	dp_assert(icmp_error_is(seg));
	if (seg->l4_len < ERROR_LEN_MIN ||
	    csum_fold(csum_add(seg->l4, seg->l4_len, 0)) != 0xffff) {
		count(ctr, CTR_icmp_ignored);
		return IP_DROP;
	}
	if (!is_ours(local, quote)) {
		count(ctr, CTR_icmp_bad_quote);
		return IP_DROP;
	}
	fill(&seg->icmp, seg->l4);
	count(ctr, CTR_icmp_errors);
	return IP_ICMP;
}
