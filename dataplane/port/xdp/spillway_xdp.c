/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/* Copyright (c) 2026 The Spillway authors */

/* Takes IPv4 TCP packets for the listen port at the served address off the interface and leaves
 * everything else to the kernel: ARP, ping, ssh, other ports and addresses, VLANs, IP options and
 * fragments. Runs in the kernel; port attaches it and then writes spillway_target. Until then, and
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

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static __always_inline int
is_plain_tcp(const struct headers *hdr)
{
	return hdr->eth.h_proto == bpf_htons(ETH_P_IP) && hdr->ip.version == 4 &&
	       hdr->ip.ihl == IHL_PLAIN && hdr->ip.protocol == IPPROTO_TCP &&
	       (hdr->ip.frag_off & bpf_htons(FRAGMENT_MASK)) == 0;
}

SEC("xdp")
int
spillway_xdp(struct xdp_md *ctx)
{
	const struct headers *hdr = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	const __u32 key = 0;
	const struct target *target;

	if ((const void *)(hdr + 1) > end || !is_plain_tcp(hdr))
		return XDP_PASS;
	target = bpf_map_lookup_elem(&spillway_target, &key);
	if (target == NULL || target->port == 0 || hdr->tcp.dest != target->port ||
	    hdr->ip.daddr != target->address)
		return XDP_PASS;
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
