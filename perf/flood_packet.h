/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* flood_packet.h: IPv4 packets as an attacker makes them, checksums right.
 *
 * Addresses and ports are in network byte order, sequence numbers in the host's. Single thread.
 */
#ifndef SPILLWAY_PERF_FLOOD_PACKET_H
#define SPILLWAY_PERF_FLOOD_PACKET_H

#include <netinet/in.h>
#include <stdint.h>

enum flood_packet_limit {
	FLOOD_PAYLOAD_BYTES_MAX = 128,
	FLOOD_PACKET_BYTES_MAX = 20 + 24 + FLOOD_PAYLOAD_BYTES_MAX,
};

/* struct flood_tuple is a connection as its attacker's or client's side sees it. */
struct flood_tuple {
	uint32_t source_be;
	uint32_t target_be;
	uint16_t source_port_be;
	uint16_t target_port_be;
};

struct flood_segment {
	uint32_t seq;
	uint32_t ack;
	uint8_t flags; /* TH_SYN ... of netinet/tcp.h; a SYN carries an MSS of 1460 */
	uint16_t window;
	const uint8_t *payload;
	uint32_t payload_bytes; /* at most FLOOD_PAYLOAD_BYTES_MAX */
};

struct flood_packet {
	struct sockaddr_in to;
	uint32_t bytes;
	uint8_t data[FLOOD_PACKET_BYTES_MAX];
};

/* flood_packet_tcp makes a TCP segment. */
void
flood_packet_tcp(struct flood_packet *packet, const struct flood_tuple *tuple,
		 const struct flood_segment *segment);

/* flood_packet_needs_fragments makes an ICMP "fragmentation needed" (RFC 1191 4) that quotes a
 * segment which the target is said to have sent to tuple's source.
 *
 * router_be  who says so.
 * seq        of the quoted segment.
 * mtu        that is claimed. */
void
flood_packet_needs_fragments(struct flood_packet *packet, const struct flood_tuple *tuple,
			     uint32_t router_be, uint32_t seq, uint16_t mtu);

/* flood_random gives the next of a fast sequence of random numbers. state is any seed. */
uint64_t
flood_random(uint64_t *state);

#endif
