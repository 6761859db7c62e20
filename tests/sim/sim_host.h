/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sim_host.h is the bytes between the stack and the world: segments made for tcp_input, and what
 * tcp_output gave taken apart and verified. */
#ifndef SPILLWAY_TESTS_SIM_SIM_HOST_H
#define SPILLWAY_TESTS_SIM_SIM_HOST_H

#include "tests/sim/sim.h"

/* sim_pattern returns the content at an offset of a stream; SIM_BLOCK_LEN bytes follow. */
const uint8_t *
sim_pattern(uint64_t offset);

/* sim_seal writes a segment of a flow's peer, with its checksum. Only flags, seq, ack, wnd and opt
 * are looked at. */
void
sim_seal(const struct sim_flow *flow, const struct tcp_seg *seg, struct net_packet *packet);

/* sim_flow_of returns the flow that a packet of the stack belongs to. */
struct sim_flow *
sim_flow_of(struct sim *sim, const struct pkt_out *pkt);

/* sim_take_apart verifies a packet that leaves the stack and fills what the network carries. */
void
sim_take_apart(struct sim *sim, struct sim_flow *flow, const struct pkt_out *pkt,
               struct net_packet *packet);

/* sim_parse reads a packet at the receiver. */
void
sim_parse(const struct sim_flow *flow, const struct net_packet *packet, struct receiver_seg *seg);

#endif
