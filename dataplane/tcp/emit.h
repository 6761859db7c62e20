/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* emit.h puts headers before a payload: those of a path's template and what a segment says; or,
 * for what follows in the same turn, the former packet's with a new number and length.
 *
 * Memory: none. Clauses: RFC 9293 3.1. */
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

/* emit_headers_again gives a packet the headers of the one before it, but for the number and the
 * length. pkt->span, span_cnt and payload_len are filled already. former: made by emit_headers or
 * this, without SACK blocks. */
void
emit_headers_again(struct pkt_out *pkt, const struct pkt_out *former, const struct ip_path *path,
                   uint32_t seq);

#endif
