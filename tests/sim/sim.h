/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sim.h is a world in virtual time: one stack that sends, peers that download from it, and one
 * network each way between them. Deterministic: the same configuration gives the same packets on
 * every machine and with every compiler.
 *
 *   stack ──(tcp_output)──► down: bottleneck ──► receivers
 *     ▲                                              │
 *     └──(tcp_input, real bytes, checksum)── up ◄────┘
 *
 * What the stack sends is verified where it leaves: lengths, numbers, content, and the checksum of
 * every packet when config.check is set, else of one in SIM_CHECK_EVERY. What arrives at it are
 * bytes, some of them damaged on the way. What does not hold aborts.
 * Content: the byte at offset i of a stream is that of a pattern at i % SIM_PATTERN_LEN.
 * Handshakes are not subject to the network, but for its delay.
 */
#ifndef SPILLWAY_TESTS_SIM_SIM_H
#define SPILLWAY_TESTS_SIM_SIM_H

#include "tests/sim/net.h"
#include "tests/sim/sim_trace.h"
#include "tests/sim/tcp_receiver.h"
#include "tests/unit/tcp_lab.h"

enum {
	SIM_FLOWS_MAX = 32,
	SIM_PATTERN_LEN = 65521,   /* a prime: no block of the stream is like its neighbours */
	SIM_BLOCK_LEN = 16384,
	SIM_FRAG_LEN = 13,         /* what stands before each block, held inline */
	SIM_BUFS = 16384,
	SIM_CHECK_EVERY = 64,
	SIM_LINK_OVERHEAD = 66,    /* bytes of a full packet that are not payload */
};

/* struct sim_flow_config is a download. */
struct sim_flow_config {
	uint64_t start_us;         /* after the world's start */
	uint64_t bytes;            /* then both sides close; 0: without end */
	uint32_t burst_bytes;      /* the application has so much at a time ... */
	uint32_t burst_us;         /* ... every so often; 0: as much as tcp_send_room asks for */
	struct receiver_config receiver;
};

struct sim_config {
	uint64_t seed;
	struct net_config down;
	struct net_config up;
	uint32_t flow_cnt;         /* [1, SIM_FLOWS_MAX], all as flow says, but for start_us: */
	uint32_t apart_us;         /* between the starts of flows */
	struct sim_flow_config flow;
	const char *cc;            /* congestion control by name; NULL: the default */
	uint32_t tso_max;          /* of the device's packets, which it cuts; 0: it does not */
	bool ecn;                  /* ours; the peer's is its receiver's */
	bool wrap;                 /* sequence numbers wrap at once */
	bool check;                /* every invariant after every step: slow */
	FILE *trace;               /* sim_trace.h; NULL: none */
};

struct sim_flow {
	struct sim_flow_config config;
	struct sim *sim;
	struct tcb *tcb;           /* from TCP_EV_OPEN until TCP_EV_CLOSED */
	uint16_t port;
	uint32_t src_be;
	uint32_t nxt;              /* the peer's SND.NXT */
	uint64_t syn_us;           /* when its SYN arrives, UINT64_MAX when it has */
	uint64_t ack_us;           /* when the ACK of our SYN-ACK arrives, UINT64_MAX: no */
	uint64_t fin_us;           /* when the receiver repeats its FIN */
	uint64_t burst_us;         /* when the application has the next burst */
	uint64_t burst_left;       /* of what it has, not queued yet */
	uint64_t open_us;          /* when it opened, 0: not yet */
	uint64_t done_us;          /* when all bytes were there, or it closed; 0: not yet */
	uint64_t queued;           /* bytes handed to tcp_send */
	uint64_t sent;             /* of which so many have left at least once */
	bool closed;               /* TCP_EV_CLOSED came */
	struct receiver receiver;
};

struct sim {
	struct sim_config config;
	struct lab lab;            /* for lab_check: its stack, its clock, its counters */
	uint64_t start_us;
	uint64_t packet_cnt;       /* data segments that left */
	uint64_t tso_cnt;          /* packets that left as several of them */
	uint64_t damaged_cnt;      /* that arrived at the stack */
	uint32_t next_flow;        /* whose turn it is to be looked at for data */
	struct net down;
	struct net up;
	struct sim_run run;
	struct sim_flow *flows;
};

/* sim_init makes a world. sim_fini ends it: what the stack handed out must all be back. */
void
sim_init(struct sim *sim, const struct sim_config *config);
void
sim_fini(struct sim *sim);

/* sim_run lets the world go on until us after its start, or until every flow is done when they
 * have an end. Returns whether every flow is done. */
bool
sim_run(struct sim *sim, uint64_t us);

/* sim_us returns the time since the world's start. */
uint64_t
sim_us(const struct sim *sim);

/* sim_counter returns a counter of the stack. */
uint64_t
sim_counter(const struct sim *sim, enum counter which);

/* sim_link fills the usual pair of networks: a link of rate_mbps with half of rtt_us each way, the
 * queue of one round trip; the way back of the same rate with room for everything. */
void
sim_link(struct sim_config *config, uint32_t rate_mbps, uint32_t rtt_us);

#endif
