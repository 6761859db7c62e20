/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* relay_end.h: one end of the relay: a raw socket on an interface that sees every frame.
 *
 * The kernel stamps each frame when it arrives; a frame that waited in the socket is not late by
 * that. Single thread.
 */
#ifndef SPILLWAY_PERF_RELAY_END_H
#define SPILLWAY_PERF_RELAY_END_H

#include "perf/relay_line.h"

#include <stdint.h>

enum relay_end_limit {
	RELAY_BURST_MAX = 64,
	RELAY_SOCKET_BYTES = 256 << 20,
};

struct relay_end {
	int fd;
	const char *name;          /* of the interface */
	uint64_t truncated_cnt;    /* frames dropped: longer than RELAY_FRAME_BYTES_MAX */
	uint64_t socket_drop_cnt;  /* frames that the kernel dropped: the relay was too slow */
	uint64_t device_drop_base; /* of the interface when the relay began */
};

/* relay_end_open opens the interface of this name in the caller's network namespace.
 *
 * Returns 0, or -1 after a line on stderr. */
int
relay_end_open(struct relay_end *end, const char *name);

/* relay_end_close closes it. */
void
relay_end_close(struct relay_end *end);

/* relay_end_take receives what has arrived, without waiting, each with its arrival_ns.
 *
 * packets  cnt packets to be filled, at most RELAY_BURST_MAX; those filled come first.
 * Returns how many were filled, or -1 when the interface is gone. */
int
relay_end_take(struct relay_end *end, struct relay_packet **packets, uint32_t cnt);

/* relay_end_give sends packets, in order. Returns how many the interface took. */
uint32_t
relay_end_give(struct relay_end *end, struct relay_packet *const *packets, uint32_t cnt);

/* relay_end_count brings socket_drop_cnt up to date. */
void
relay_end_count(struct relay_end *end);

/* relay_end_device_drops is what the interface lost on the way to its peer since
 * relay_end_open: the peer's receive queue was full. */
uint64_t
relay_end_device_drops(const struct relay_end *end);

/* relay_now_ns is the clock of arrival_ns: CLOCK_MONOTONIC in nanoseconds. */
uint64_t
relay_now_ns(void);

#endif
