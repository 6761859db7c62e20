/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* pkt.h is a packet as the layers above port see it: no driver's type in it, so that tcp runs
 * unchanged under a driver, a simulator or a fuzzer.
 *
 * In:  struct pkt_in, filled by port_rx_burst, valid until port_rx_free.
 * Out: struct pkt_out, filled by tcp and ip, handed down by the worker to port_tx_burst, which
 *      copies or references every byte before it returns.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_PKT_H
#define SPILLWAY_DATAPLANE_BASE_PKT_H

#include "dataplane/base/limits.h"
#include "dataplane/base/span.h"

struct pkt_in {
	uint8_t *data;   /* the frame, from its Ethernet header; writable */
	uint32_t len;    /* bytes, linear */
	bool csum_good;  /* the device vouches for the TCP checksum */
	void *handle;    /* port's own */
};

/* struct pkt_out is headers in place, and payload by reference.
 * A span's buf may be NULL: then its bytes are good only until port_tx_burst returns.
 * The transport checksum field holds the folded, uncomplemented sum of the pseudo header;
 * port adds the transport header and payload and stores the complement, or leaves that to the
 * device. With tso_mss the packet is longer than an MTU: the device cuts its payload into segments
 * of that many bytes (only where port_info.tso_max allows). */
struct pkt_out {
	uint16_t hdr_len;      /* bytes used in hdr; l4_off + the transport header */
	uint16_t l4_off;       /* start of the transport header in hdr; 0: no checksum to finish */
	uint16_t csum_off;     /* of the checksum field in hdr */
	uint16_t span_cnt;     /* [0, PKT_SPANS_MAX] */
	uint16_t tso_mss;      /* payload bytes of each segment; 0: one segment, as it stands */
	uint32_t payload_len;  /* sum of the spans' lengths */
	uint8_t hdr[PKT_HDR_MAX];
	struct span span[PKT_SPANS_MAX];
};

#endif
