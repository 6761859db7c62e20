/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Headers of a segment that leaves. */
#include "dataplane/tcp/emit.h"

#include "dataplane/tcp/segment.h"

#include <string.h>

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
