/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* net.h is one direction of a network in virtual time: a queue of bounded length before a wire of
 * some rate, a delay after it, and mischief from a seeded generator. The same seed gives the same
 * network.
 *
 *   net_send ──► loss ──► queue (drop, mark) ──► wire ──► delay, jitter, reordering, copies
 *                                                                      │
 *   net_receive ◄──────────── batches ◄────────────────────────────────┘
 *
 * A packet carries its TCP header in bytes and its payload by reference (an offset in the flow's
 * stream), so that millions of them cost little.
 *
 * Memory. Taken by net_init; at most NET_PACKETS_MAX are under way. Nothing is allocated later.
 */
#ifndef SPILLWAY_TESTS_SIM_NET_H
#define SPILLWAY_TESTS_SIM_NET_H

#include "dataplane/base/common.h"

enum {
	NET_PACKETS_MAX = 1 << 17,
	NET_HDR_MAX = 60,          /* bytes of a TCP header */
	NET_HELD_MAX = 256,        /* packets that others are overtaking */
	NET_OVERHEAD = 34,         /* bytes of a packet beside its TCP segment */
};

struct net_rng {
	uint64_t state;
};

/* struct net_burst is loss of many in a row (Gilbert and Elliott): two states, and in the bad one
 * a packet is lost with a chance of its own. */
struct net_burst {
	uint32_t begin_ppm;        /* chance of good to bad, each packet */
	uint32_t end_ppm;          /* chance of bad to good, each packet */
	uint32_t loss_ppm;         /* in the bad state */
};

/* struct net_script is mischief done to packets that are named: counted from 1 as they are sent. */
struct net_script {
	uint32_t drop_at;          /* 0: none */
	uint32_t drop_cnt;
	uint32_t late_at;          /* 0: none. Overtaken by ... */
	uint16_t late_by;          /* ... so many */
};

struct net_config {
	uint32_t delay_us;         /* one way */
	uint32_t byte_ns;          /* time on the wire of one byte; 80: 100 Mb/s, 0: none */
	uint32_t queue_bytes;      /* before the wire; more is dropped. 0: what passes in twice the
				    * delay, at least 32 full packets */
	uint32_t mark_bytes;       /* more in the queue than this: CE, where ECN is used. 0: never */
	uint32_t loss_ppm;
	struct net_burst burst;
	uint32_t dup_ppm;
	uint32_t corrupt_ppm;      /* one bit is turned */
	uint32_t jitter_us;        /* added to the delay, uniform in [0, jitter_us] */
	bool jitter_reorders;      /* what is delayed less overtakes */
	uint32_t reorder_ppm;      /* these are overtaken by [reorder_min, reorder_max] packets */
	uint16_t reorder_min;
	uint16_t reorder_max;
	struct net_script script;
	uint32_t batch_us;         /* packets arrive at multiples of this only; 0: when they do */
};

struct net_packet {
	uint64_t at_us;            /* when it arrives */
	uint64_t order;            /* of those that arrive together */
	uint64_t offset;           /* of the payload in its stream */
	uint32_t src_be;
	uint16_t flow;
	uint16_t payload_len;
	uint8_t hdr_len;
	uint8_t ecn;               /* RFC 3168 codepoint */
	bool corrupt;
	uint8_t hdr[NET_HDR_MAX];
};

/* a place for a packet that is under way: its number, and when */
struct net_slot {
	uint64_t at_us;
	uint64_t order;
	uint32_t index;
};

struct net_held {
	uint64_t release_order;    /* leaves behind the packet of this order ... */
	uint64_t until_us;         /* ... and at the latest then */
	uint32_t index;
};

struct net_counts {
	uint64_t sent;
	uint64_t lost;             /* by chance */
	uint64_t dropped;          /* the queue was full */
	uint64_t marked;
	uint64_t duplicated;
	uint64_t corrupted;
	uint64_t reordered;
};

struct net {
	struct net_config config;
	struct net_counts counts;
	struct net_rng rng;
	bool bad;                  /* state of the bursts */
	uint64_t free_ns;          /* when the wire has sent what is queued */
	uint64_t last_us;          /* latest arrival given out in order */
	uint64_t order;
	uint32_t free_cnt;
	uint32_t taken;            /* what net_receive returned last; NET_PACKETS_MAX: nothing */
	uint32_t ring_first;       /* those in order: a ring */
	uint32_t ring_cnt;
	uint32_t heap_cnt;         /* those out of order */
	uint32_t held_cnt;
	struct net_held held[NET_HELD_MAX];
	struct net_packet *packets;
	uint32_t *free;
	struct net_slot *ring;
	struct net_slot *heap;
};

/* net_random returns a number in [0, below), below > 0. */
uint32_t
net_random(struct net_rng *rng, uint32_t below);

/* net_init takes memory for a network. net_fini drops what is under way and frees it. */
void
net_init(struct net *net, const struct net_config *config, uint64_t seed);
void
net_fini(struct net *net);

/* net_queue_bytes returns the bytes that may wait before the wire. */
uint32_t
net_queue_bytes(const struct net_config *config);

/* net_send gives a packet to the network at now_us; it is copied. at_us, order and corrupt are the
 * network's to fill. */
void
net_send(struct net *net, const struct net_packet *packet, uint64_t now_us);

/* net_next_us returns when the next packet arrives, UINT64_MAX when none is under way. */
uint64_t
net_next_us(const struct net *net);

/* net_receive returns the next packet that arrives at or before now_us, or NULL. It is good until
 * the next call of net_receive. */
const struct net_packet *
net_receive(struct net *net, uint64_t now_us);

#endif
