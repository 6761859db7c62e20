/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Taking a received segment apart. */
#include "dataplane/tcp/segment.h"

bool
tcp_seg_parse(struct tcp_seg *seg, const struct ip_seg *ip, struct counters *ctr)
{
	const uint8_t *hdr = ip->l4;
	uint32_t hdr_len;

	if (ip->l4_len < TCP_HDR_LEN) {
		count(ctr, CTR_tcp_bad_header);
		return false;
	}
	hdr_len = (uint32_t)(hdr[12] >> 4) * 4;
	seg->src_port = tcp_get16(hdr);
	seg->dst_port = tcp_get16(hdr + 2);
	if (hdr_len < TCP_HDR_LEN || hdr_len > ip->l4_len || seg->src_port == 0 ||
	    seg->dst_port == 0) {
		count(ctr, CTR_tcp_bad_header);
		return false;
	}
	if (!ip->csum_good && !ip_seg_csum_ok(ip)) {
		count(ctr, CTR_tcp_bad_checksum);
		return false;
	}
	seg->seq = tcp_get32(hdr + 4);
	seg->ack = tcp_get32(hdr + 8);
	seg->flags = hdr[13];
	seg->merged = 0;
	seg->wnd = tcp_get16(hdr + 14);
	seg->data = hdr + hdr_len;
	seg->len = ip->l4_len - hdr_len;
	seg->ip = ip;
	if (!tcp_options_parse(&seg->opt, hdr + TCP_HDR_LEN, hdr_len - TCP_HDR_LEN)) {
		count(ctr, CTR_tcp_bad_options);
		return false;
	}
	return true;
}
