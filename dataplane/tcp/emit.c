/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Headers of a segment that leaves. */
#include "dataplane/tcp/emit.h"

#include "dataplane/tcp/segment.h"

#include <string.h>

enum { COPIED_LEN = 80 };      /* all headers without SACK blocks, in whole vectors */
static_assert(COPIED_LEN >= (int)IP_PATH_HDR_LEN + (int)TCP_HDR_LEN + (int)TCP_OPT_TS_LEN &&
              COPIED_LEN <= (int)PKT_HDR_MAX, "the headers of data");

void
emit_headers(struct pkt_out *pkt, const struct emit *emit)
{
	uint8_t *hdr = pkt->hdr + IP_PATH_HDR_LEN;
	uint32_t hdr_len = TCP_HDR_LEN + tcp_options_build(hdr + TCP_HDR_LEN, &emit->opt);
	uint16_t sum;

	sum = ip_path_write(emit->path, pkt, (uint16_t)(hdr_len + pkt->payload_len), emit->ecn);
	tcp_put16(hdr, emit->key->local_port);
	tcp_put16(hdr + 2, emit->key->remote_port);
	tcp_put32(hdr + 4, emit->seq);
	tcp_put32(hdr + 8, emit->ack);
	hdr[12] = (uint8_t)(hdr_len / 4 << 4);
	hdr[13] = emit->flags;
	tcp_put16(hdr + 14, emit->wnd);
	memcpy(hdr + TCP_CSUM_OFF, &sum, sizeof(sum));
	tcp_put16(hdr + 18, 0);
	pkt->hdr_len = (uint16_t)(IP_PATH_HDR_LEN + hdr_len);
	pkt->csum_off = IP_PATH_HDR_LEN + TCP_CSUM_OFF;
	pkt->tso_mss = 0;
}

void
emit_headers_again(struct pkt_out *pkt, const struct pkt_out *former, const struct ip_path *path,
                   uint32_t seq)
{
	dp_assert(former->hdr_len <= COPIED_LEN);
	pkt->hdr_len = former->hdr_len;
	pkt->l4_off = former->l4_off;
	pkt->csum_off = former->csum_off;
	pkt->tso_mss = 0;
	memcpy(pkt->hdr, former->hdr, COPIED_LEN);
	tcp_put32(pkt->hdr + IP_PATH_HDR_LEN + 4, seq);
	if (pkt->payload_len != former->payload_len) {
		uint32_t l4_len = pkt->hdr_len - IP_PATH_HDR_LEN + pkt->payload_len;
		uint16_t sum = ip_path_resize(path, pkt, (uint16_t)l4_len);

		memcpy(pkt->hdr + IP_PATH_HDR_LEN + TCP_CSUM_OFF, &sum, sizeof(sum));
	}
}
