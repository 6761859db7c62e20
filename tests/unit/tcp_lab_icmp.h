/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_lab_icmp.h gives a stack on the bench ICMP errors. */
#ifndef SPILLWAY_TESTS_UNIT_TCP_LAB_ICMP_H
#define SPILLWAY_TESTS_UNIT_TCP_LAB_ICMP_H

#include "tests/unit/tcp_lab.h"

/* lab_icmp gives the stack an error that quotes the segment with number seq of a peer's
 * connection. Returns the events. */
uint32_t
lab_icmp(struct lab_peer *peer, uint8_t type, uint8_t code, uint32_t seq);

/* lab_too_big gives the stack "fragmentation needed" with a next hop's MTU, 0: not told. Expects
 * no event. */
void
lab_too_big(struct lab_peer *peer, uint32_t seq, uint16_t mtu);

#endif
