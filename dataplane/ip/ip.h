/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ip.h takes Ethernet and IPv4 off a received frame and puts them on a segment to send.
 *
 * It answers what a host on a wire of its own must answer: ARP for its address (RFC 826) and ICMP
 * echo (RFC 792, RFC 1122 3.2.2.6), in the received frame, in place. Where the kernel shares the
 * address (af_xdp) such frames never arrive here. ICMP errors about TCP segments of ours are taken
 * apart for TCP; others are ignored. There is no IPv6, so no ICMPv6 either.
 * The next hop's MAC address is learnt from the frame that opened a connection; for those that we
 * open ourselves, neighbour.h asks.
 *
 * Threads. Stateless but for the counters; each worker calls it with its own.
 * Memory. None.
 * Clauses. RFC 791, 894, 1122 3.2.1, 6864 (atomic datagrams: DF set, ID free), 792, 1191 4.
 */
#ifndef SPILLWAY_DATAPLANE_IP_IP_H
#define SPILLWAY_DATAPLANE_IP_IP_H

#include "dataplane/base/counters.h"
#include "dataplane/base/pkt.h"

enum {
	ETH_HDR_LEN = 14,
	IPV4_HDR_LEN = 20,
	IP_PATH_HDR_LEN = ETH_HDR_LEN + IPV4_HDR_LEN,
};

/* struct ip_local is the station that we are. */
struct ip_local {
	uint8_t mac[6];
	uint16_t mtu;          /* bytes of IP packet */
	uint32_t addr_be;
};

/* what ICMP errors are about (RFC 792, 1122 3.2.2, 1191 4) */
enum ip_icmp_type {
	IP_ICMP_UNREACHABLE = 3,
	IP_ICMP_SOURCE_QUENCH = 4,
	IP_ICMP_TIME_EXCEEDED = 11,
	IP_ICMP_PARAMETER = 12,
};
enum ip_icmp_unreachable {
	IP_ICMP_PROTOCOL = 2,
	IP_ICMP_PORT = 3,
	IP_ICMP_TOO_BIG = 4,
};

/* struct ip_icmp is an ICMP error and the TCP segment that it quotes. Anybody may have sent it:
 * that the segment was ours is for TCP to judge (RFC 5927). */
struct ip_icmp {
	uint32_t local_be;     /* the quoted source: our address */
	uint32_t remote_be;    /* the quoted destination */
	uint32_t seq;          /* quoted */
	uint16_t local_port;   /* quoted, host order */
	uint16_t remote_port;
	uint16_t quoted_len;   /* bytes of the packet that failed, as quoted; >= IPV4_HDR_LEN + 8 */
	uint16_t mtu;          /* IP_ICMP_TOO_BIG: the next hop's; 0: it does not tell */
	uint8_t type;          /* enum ip_icmp_type */
	uint8_t code;
};

/* struct ip_seg is a transport segment as it arrived; pointers lead into the frame. */
struct ip_seg {
	const uint8_t *l4;
	uint32_t l4_len;       /* from the IP header's total length, >= 0 */
	uint32_t src_be;
	uint32_t dst_be;
	uint8_t src_mac[6];
	uint8_t dst_mac[6];
	uint8_t ecn;           /* RFC 3168 codepoint, [0, 3] */
	bool csum_good;        /* the device vouches for the transport checksum */
	struct ip_icmp icmp;   /* filled for IP_ICMP only */
};

/* struct ip_range is addresses from first to last, as numbers in the machine's own order. */
struct ip_range {
	uint32_t first;
	uint32_t last;
};

/* ip_range_find looks an address, in the machine's own order, up in sorted ranges of which none
 * overlaps another. Returns the index of the one that it is in, or cnt. */
static inline uint32_t
ip_range_find(const struct ip_range *ranges, uint32_t cnt, uint32_t address)
{
	uint32_t low = 0, high = cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ranges[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < cnt && ranges[low].first <= address ? low : cnt;
}

enum ip_verdict {
	IP_DROP,  /* counted */
	IP_TCP,   /* *seg is filled, but for icmp */
	IP_ICMP,  /* seg->icmp is filled too: an error about a TCP segment from our address */
	IP_REPLY, /* the frame now holds an answer: send its first *reply_len bytes back */
};

/* struct ip_path leads to one remote address: a header template. */
struct ip_path {
	uint8_t hdr[IP_PATH_HDR_LEN]; /* IPv4 total length and checksum are 0 */
	uint16_t hdr_sum;             /* folded sum of the template's IPv4 header */
	uint32_t pseudo_sum;          /* addresses and protocol (RFC 9293 3.1), unfolded */
};

/* ip_input looks at one received frame.
 *
 * pkt        the frame; rewritten in place when the verdict is IP_REPLY.
 * seg        out, for IP_TCP and IP_ICMP; good as long as the frame.
 * reply_len  out, for IP_REPLY: bytes.
 * Broadcast, multicast and other stations' frames, fragments, bad checksums and addresses are
 * dropped and counted (RFC 1122 3.2.1). */
enum ip_verdict
ip_input(const struct ip_local *local, struct counters *ctr, struct pkt_in *pkt,
         struct ip_seg *seg, uint32_t *reply_len);

/* ip_path_init makes the way back to where a segment came from. */
void
ip_path_init(struct ip_path *path, const struct ip_seg *seg);

/* ip_path_write puts Ethernet and IPv4 headers at the start of pkt->hdr.
 *
 * l4_len  bytes that follow the IPv4 header: transport header and payload.
 * ecn     RFC 3168 codepoint for the packet.
 * Sets pkt->l4_off to IP_PATH_HDR_LEN. Returns the folded pseudo-header sum with l4_len in it,
 * for the transport checksum field (see struct pkt_out). */
uint16_t
ip_path_write(const struct ip_path *path, struct pkt_out *pkt, uint16_t l4_len, uint8_t ecn);

/* ip_path_resize gives headers that ip_path_write has put into pkt->hdr, or that were copied from
 * such, another length. Returns as ip_path_write does. */
uint16_t
ip_path_resize(const struct ip_path *path, struct pkt_out *pkt, uint16_t l4_len);

/* ip_sum adds bytes to a running ones' complement sum, 16-bit words in network order as the
 * machine reads them (RFC 1071). An odd last byte is padded with zero: only the last range of a
 * sum may be odd. */
uint32_t
ip_sum(const void *data, uint32_t len, uint32_t sum);

/* ip_sum_fold folds a running sum to 16 bits. Store its complement. */
static inline uint16_t
ip_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* ip_seg_csum_ok verifies a TCP segment's checksum in software. */
bool
ip_seg_csum_ok(const struct ip_seg *seg);

#endif
