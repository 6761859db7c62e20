/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* segment.h is a TCP segment as it arrived, taken apart once.
 *
 * Memory. None; pointers lead into the received frame.
 * Clauses. RFC 9293 3.1.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_SEGMENT_H
#define SPILLWAY_DATAPLANE_TCP_SEGMENT_H

#include "dataplane/base/counters.h"
#include "dataplane/ip/ip.h"
#include "dataplane/tcp/options.h"

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum {
	TCP_HDR_LEN = 20,
	TCP_HDR_MAX = 60,
	TCP_FLAGS_OFF = 13,    /* of the flags in the header */
	TCP_CSUM_OFF = 16,     /* of the checksum */
};

struct tcp_seg {
	uint32_t seq;
	uint32_t ack;
	const uint8_t *data;
	uint32_t len;          /* payload bytes */
	uint16_t src_port;     /* host order */
	uint16_t dst_port;     /* host order */
	uint16_t wnd;          /* as it stands in the header, unscaled */
	uint8_t flags;
	uint8_t merged;        /* acknowledgements before it that it stands for as well */
	struct tcp_options opt;
	const struct ip_seg *ip;
};

/* tcp_seg_parse checks and takes apart a segment.
 *
 * seg  out, with nothing merged; refers to ip, which must outlive it.
 * Returns false when it is to be dropped, counted: header too short or longer than the segment,
 * a port of zero, wrong checksum, malformed options. */
bool
tcp_seg_parse(struct tcp_seg *seg, const struct ip_seg *ip, struct counters *ctr);

/* tcp_seg_span returns the sequence numbers that a segment takes: payload, SYN and FIN
 * (RFC 9293 3.4). */
static inline uint32_t
tcp_seg_span(const struct tcp_seg *seg)
{
	return seg->len + ((seg->flags & TCP_SYN) != 0) + ((seg->flags & TCP_FIN) != 0);
}

static inline uint16_t
tcp_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
tcp_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void
tcp_put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void
tcp_put32(uint8_t *p, uint32_t value)
{
	tcp_put16(p, (uint16_t)(value >> 16));
	tcp_put16(p + 2, (uint16_t)value);
}

#endif
