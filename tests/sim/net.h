/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* net.h is one direction of a network in virtual time: a rate, a queue before it, a delay after
 * it, and mischief from a seeded generator. The same seed gives the same network.
 */
#ifndef SPILLWAY_TESTS_SIM_NET_H
#define SPILLWAY_TESTS_SIM_NET_H

#include "tests/unit/tcp_lab.h"

enum { NET_PACKETS_MAX = 8192 };

struct net_rng {
	uint64_t state;
};

struct net_config {
	uint32_t delay_us;         /* one way */
	uint32_t byte_ns;          /* time on the wire of one byte; 80: 100 Mb/s */
	uint32_t queue_bytes;      /* before the wire; more is dropped */
	uint32_t loss_ppm;
	uint32_t dup_ppm;
	uint32_t reorder_ppm;      /* delayed further, by up to delay_us */
};

struct net_packet {
	uint64_t at_us;            /* when it arrives */
	uint64_t order;
	struct lab_seg seg;        /* seg.data leads into data */
	uint8_t data[LAB_PAYLOAD_MAX];
};

struct net {
	struct net_config config;
	struct net_rng *rng;
	uint64_t free_ns;          /* when the wire has sent what is queued */
	uint64_t order;
	uint32_t cnt;
	uint32_t lost_cnt;
	struct net_packet *heap[NET_PACKETS_MAX];
};

/* net_random returns a number in [0, below), below > 0. */
uint32_t
net_random(struct net_rng *rng, uint32_t below);

/* net_send gives a segment to the network at now_us; it is copied. */
void
net_send(struct net *net, const struct lab_seg *seg, uint64_t now_us);

/* net_next_us returns when the next segment arrives, UINT64_MAX when none is under way. */
uint64_t
net_next_us(const struct net *net);

/* net_receive returns the segment that arrives at or before now_us, or NULL. Free it. */
struct net_packet *
net_receive(struct net *net, uint64_t now_us);

/* net_clear drops what is under way. */
void
net_clear(struct net *net);

#endif
