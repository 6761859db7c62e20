/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tso_lab.h is a device that cuts packets into segments, for benches. It knows nothing of who made
 * them: each segment has the packet's header with its own number, lengths and sums, PSH and FIN
 * only at the end, CWR only at the start. What a device could not cut aborts. */
#ifndef SPILLWAY_TESTS_UNIT_TSO_LAB_H
#define SPILLWAY_TESTS_UNIT_TSO_LAB_H

#include "dataplane/ip/ip.h"
#include "dataplane/tcp/segment.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	TSO_LAB_FLAGS = 13,
	TSO_LAB_CWR = 0x80,
};

/* tso_lab_spans gives a segment the spans of len bytes of the packet from at on. */
static inline void
tso_lab_spans(const struct pkt_out *pkt, uint32_t at, uint32_t len, struct pkt_out *seg)
{
	seg->payload_len = len;
	seg->span_cnt = 0;
	for (uint16_t i = 0; len > 0; i++) {
		struct span span = pkt->span[i];
		uint32_t skip = MIN(at, span.len);

		dp_assert(i < pkt->span_cnt);
		at -= skip;
		if (skip == span.len)
			continue;
		span.data += skip;
		span.len = MIN(span.len - skip, len);
		len -= span.len;
		seg->span[seg->span_cnt++] = span;
	}
}

/* tso_lab_sums sets lengths and sums as the stack would have, had it made the segment. */
static inline void
tso_lab_sums(struct pkt_out *seg)
{
	uint8_t *ip = seg->hdr + ETH_HDR_LEN;
	uint16_t l4_len = (uint16_t)(seg->hdr_len - seg->l4_off + seg->payload_len);
	uint16_t sum;

	tcp_put16(ip + 2, (uint16_t)(IPV4_HDR_LEN + l4_len));
	tcp_put16(ip + 10, 0);
	sum = (uint16_t)~ip_sum_fold(ip_sum(ip, IPV4_HDR_LEN, 0));
	memcpy(ip + 10, &sum, 2);
	sum = ip_sum_fold(ip_sum(ip + 12, 8, htons(6) + htons(l4_len)));
	memcpy(seg->hdr + seg->csum_off, &sum, 2);
}

/* tso_lab_cut makes the segment of the packet's payload that begins at at, which is 0 or what the
 * calls before it returned. Returns where the next begins; the payload's length after the last.
 * A packet that is one segment is only copied. */
static inline uint32_t
tso_lab_cut(const struct pkt_out *pkt, uint32_t at, struct pkt_out *seg)
{
	uint32_t len = MIN((uint32_t)pkt->tso_mss, pkt->payload_len - at);
	uint8_t *tcp = seg->hdr + pkt->l4_off;

	*seg = *pkt;
	if (pkt->tso_mss == 0)
		return pkt->payload_len;
	dp_assert(pkt->payload_len > pkt->tso_mss);
	dp_assert(pkt->hdr_len + pkt->payload_len - ETH_HDR_LEN <= UINT16_MAX);
	dp_assert((tcp[TSO_LAB_FLAGS] & (TCP_SYN | TCP_FIN | TCP_RST | TSO_LAB_CWR)) == 0);
	tso_lab_sums(seg);
	dp_assert(memcmp(seg->hdr, pkt->hdr, pkt->hdr_len) == 0);
	seg->tso_mss = 0;
	tso_lab_spans(pkt, at, len, seg);
	tcp_put32(tcp + 4, tcp_get32(tcp + 4) + at);
	if (at + len < pkt->payload_len)
		tcp[TSO_LAB_FLAGS] &= (uint8_t)~TCP_PSH;
	tso_lab_sums(seg);
	return at + len;
}

#endif
