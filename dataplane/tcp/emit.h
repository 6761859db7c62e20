/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* emit.h puts headers before a payload. Memory: none. Clauses: RFC 9293 3.1. */
#ifndef SPILLWAY_DATAPLANE_TCP_EMIT_H
#define SPILLWAY_DATAPLANE_TCP_EMIT_H

#include "dataplane/ip/ip.h"
#include "dataplane/tcp/options.h"
#include "dataplane/tcp/table.h"

struct emit {
	const struct ip_path *path;
	const struct flow_key *key;
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd;          /* as it stands in the header */
	uint8_t flags;
	uint8_t ecn;           /* RFC 3168 codepoint, [0, 3] */
	struct tcp_options opt;
};

/* emit_headers writes Ethernet, IP and TCP headers. pkt->span, span_cnt and payload_len are
 * filled already. */
void
emit_headers(struct pkt_out *pkt, const struct emit *emit);

#endif
