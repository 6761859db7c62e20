/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/* Copyright (c) 2026 The Spillway authors */

/* Takes IPv4 TCP packets for the listen port at the served address off the interface, and ICMP
 * errors about TCP packets from there, of which the kernel would know nothing. Leaves everything
 * else to the kernel: ARP, ping, ssh, other ports and addresses, VLANs, IP options and fragments.
 * Runs in the kernel; port attaches it and then writes spillway_target. Until then, and
 * while nobody polls the queue, every packet passes. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
	QUEUES_MAX = 64,
	IHL_PLAIN = 5,
	FRAGMENT_MASK = 0x3fff, /* more fragments, and the offset */
	UNREACHABLE = 3,        /* RFC 792; <linux/icmp.h> wants a machine's socket headers */
	SOURCE_QUENCH = 4,
	TIME_EXCEEDED = 11,
	PARAMETER_PROBLEM = 12,
};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct target {
	__be32 address;
	__be16 port; /* 0: nothing is taken */
	__u16 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct target);
} spillway_target SEC(".maps");

struct net_headers {
	struct ethhdr eth;
	struct iphdr ip;
} __attribute__((packed));

struct headers {
	struct net_headers net;
	struct tcphdr tcp;
} __attribute__((packed));

/* An ICMP error, and what of the packet it quotes is looked at: the least there can be. */
struct error_headers {
	struct net_headers net;
	__u8 type;
	__u8 code;
	__be16 csum;
	__be32 rest;
	struct iphdr quoted;
	__be16 quoted_source;
	__be16 quoted_dest;
	__be32 quoted_seq;
} __attribute__((packed));

static __always_inline int
is_plain(const struct net_headers *net, __u8 protocol)
{
	return net->eth.h_proto == bpf_htons(ETH_P_IP) && net->ip.version == 4 &&
	       net->ip.ihl == IHL_PLAIN && net->ip.protocol == protocol &&
	       (net->ip.frag_off & bpf_htons(FRAGMENT_MASK)) == 0;
}

static __always_inline int
is_error(__u8 type)
{
	return type == UNREACHABLE || type == SOURCE_QUENCH || type == TIME_EXCEEDED ||
	       type == PARAMETER_PROBLEM;
}

/* is_port tells whether an address and port are those that are served. */
static __always_inline int
is_port(const struct target *target, __be32 address, __be16 port)
{
	return target->port != 0 && port == target->port && address == target->address;
}

/* is_segment tells whether a packet is TCP for us. */
static __always_inline int
is_segment(const struct target *target, const void *data, const void *end)
{
	const struct headers *hdr = data;

	return (const void *)(hdr + 1) <= end && is_plain(&hdr->net, IPPROTO_TCP) &&
	       is_port(target, hdr->net.ip.daddr, hdr->tcp.dest);
}

/* is_our_error tells whether a packet is an ICMP error about TCP that we sent. */
static __always_inline int
is_our_error(const struct target *target, const void *data, const void *end)
{
	const struct error_headers *hdr = data;

	return (const void *)(hdr + 1) <= end && is_plain(&hdr->net, IPPROTO_ICMP) &&
	       hdr->net.ip.daddr == target->address && is_error(hdr->type) &&
	       hdr->quoted.version == 4 && hdr->quoted.ihl == IHL_PLAIN &&
	       hdr->quoted.protocol == IPPROTO_TCP &&
	       is_port(target, hdr->quoted.saddr, hdr->quoted_source);
}

SEC("xdp")
int
spillway_xdp(struct xdp_md *ctx)
{
	const void *data = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	const __u32 key = 0;
	const struct target *target = bpf_map_lookup_elem(&spillway_target, &key);

	if (target == NULL)
		return XDP_PASS;
	if (!is_segment(target, data, end) && !is_our_error(target, data, end))
		return XDP_PASS;
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
