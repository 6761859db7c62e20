/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_lab_burst.h lets the lab's segments arrive at once. */
#ifndef SPILLWAY_TESTS_UNIT_TCP_LAB_BURST_H
#define SPILLWAY_TESTS_UNIT_TCP_LAB_BURST_H

#include "tests/unit/tcp_lab.h"

/* struct lab_told is one thing that the stack told while a burst went in. */
struct lab_told {
	struct lab_peer *peer;
	uint32_t events;
	uint64_t read;         /* of the peer's stream, by then */
};

/* lab_hold keeps the segments of all peers back from now on: lab_input and its short forms return
 * 0. At most BURST_MAX. One lab at a time. */
void
lab_hold(struct lab *lab);

/* lab_release lets what was held arrive as one burst, and checks the stack.
 *
 * told  out, [0, BURST_MAX + 1), may be NULL.
 * then  called for each of them, once the peer has read; may close its connection. May be NULL.
 * Returns how many. */
uint32_t
lab_release(struct lab *lab, struct lab_told *told, void (*then)(const struct lab_told *));

#endif
