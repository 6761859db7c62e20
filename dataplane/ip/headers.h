/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* headers.h holds the wire formats that ip reads and writes in place, and what its files share.
 * Every multi-byte field is in network order ("_be"); structs are packed, so they may lie at any
 * address. Clauses: RFC 894 (Ethernet), 791 (IPv4), 826 (ARP), 792 (ICMP). */
#ifndef SPILLWAY_DATAPLANE_IP_HEADERS_H
#define SPILLWAY_DATAPLANE_IP_HEADERS_H

#include "dataplane/ip/ip.h"

#include <assert.h>

enum {
	ETH_TYPE_IPV4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_GROUP_BIT = 0x01,      /* of the first byte of an address */
	IP_VERSION_IHL = 0x45,     /* version 4, five words */
	IP_FLAG_DF = 0x4000,
	IP_FRAGMENT_MASK = 0x3fff, /* MF and the offset */
	IP_TTL_INITIAL = 64,      /* RFC 1122 3.2.1.7, RFC 1700 */
	IP_PROTO_ICMP = 1,
	IP_PROTO_TCP = 6,
	IP_ECN_MASK = 0x03,
	ARP_HRD_ETHER = 1,
	ARP_OP_REQUEST = 1,
	ARP_OP_REPLY = 2,
	ICMP_ECHO_REPLY = 0,
	ICMP_ECHO_REQUEST = 8,
};

struct eth_hdr {
	uint8_t dst[6];
	uint8_t src[6];
	uint16_t type_be;
} __attribute__((packed));
static_assert(sizeof(struct eth_hdr) == ETH_HDR_LEN, "Ethernet header");

struct ipv4_hdr {
	uint8_t version_ihl;
	uint8_t tos;
	uint16_t total_len_be;
	uint16_t id_be;
	uint16_t frag_be;
	uint8_t ttl;
	uint8_t proto;
	uint16_t csum;
	uint32_t src_be;
	uint32_t dst_be;
} __attribute__((packed));
static_assert(sizeof(struct ipv4_hdr) == IPV4_HDR_LEN, "IPv4 header");

struct arp_hdr {
	uint16_t hrd_be;
	uint16_t pro_be;
	uint8_t hln;
	uint8_t pln;
	uint16_t op_be;
	uint8_t sha[6];
	uint32_t spa_be;
	uint8_t tha[6];
	uint32_t tpa_be;
} __attribute__((packed));
static_assert(sizeof(struct arp_hdr) == 28, "ARP for IPv4 over Ethernet");

struct icmp_echo {
	uint8_t type;
	uint8_t code;
	uint16_t csum;
	uint16_t id_be;
	uint16_t seq_be;
} __attribute__((packed));
static_assert(sizeof(struct icmp_echo) == 8, "ICMP echo");

/* struct icmp_error is what stands before the packet that an error quotes (RFC 792, 1191 4). */
struct icmp_error {
	uint8_t type;
	uint8_t code;
	uint16_t csum;
	uint16_t unused;
	uint16_t mtu_be;
} __attribute__((packed));
static_assert(sizeof(struct icmp_error) == 8, "ICMP error");

/* struct tcp_quote is what of a TCP segment every error quotes: eight bytes. */
struct tcp_quote {
	uint16_t src_port_be;
	uint16_t dst_port_be;
	uint32_t seq_be;
} __attribute__((packed));
static_assert(sizeof(struct tcp_quote) == 8, "RFC 792: 64 bits of the datagram's data");

/* ip_addr_is_host tells whether an address may stand as a source (RFC 1122 3.2.1.3): not this
 * network, loopback, multicast, reserved or broadcast, and not our own. */
bool
ip_addr_is_host(const struct ip_local *local, uint32_t addr_be);

/* arp_input answers a request for our address in place (RFC 826); anything else is dropped and
 * counted. Arguments and verdict as ip_input's; the frame's destination is ours or broadcast. */
enum ip_verdict
arp_input(const struct ip_local *local, struct counters *ctr, struct pkt_in *pkt,
          uint32_t *reply_len);

/* icmp_error_is tells whether an ICMP message is an error that TCP may want to hear of. */
bool
icmp_error_is(const struct ip_seg *seg);

/* icmp_error_input takes an ICMP error apart.
 *
 * seg  the message; seg->icmp is filled for IP_ICMP.
 * Returns IP_ICMP; or IP_DROP, counted, unless its checksum is right and it quotes the start of a
 * TCP segment that we can have sent: from our address to a host, without IP options, which we do
 * not use. */
enum ip_verdict
icmp_error_input(const struct ip_local *local, struct counters *ctr, struct ip_seg *seg);

/* icmp_input answers an echo request in place; anything else is dropped and counted.
 *
 * pkt     a frame to us whose IPv4 header was checked.
 * ip_len  bytes from the IPv4 header to the datagram's end. */
enum ip_verdict
icmp_input(struct counters *ctr, struct pkt_in *pkt, uint32_t ip_len, uint32_t *reply_len);

#endif
