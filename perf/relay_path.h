/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* relay_path.h: what an impaired path does to each packet of one direction.
 *
 *   arrival -> burst and random loss drawn -> queue (tail drop, ECN mark) -> serialised at the rate
 *           -> lost packets vanish here: they have used the wire -> delay, jitter, reorder, copy
 *
 * A path is arithmetic only: it holds no packet, reads no clock and makes no system call. All that
 * is random is a function of (seed, index of the packet, purpose), so that the k-th packet of a
 * direction meets the same fate in every run of the same seed. Single thread.
 */
#ifndef SPILLWAY_PERF_RELAY_PATH_H
#define SPILLWAY_PERF_RELAY_PATH_H

#include <stdbool.h>
#include <stdint.h>

enum relay_path_limit {
	RELAY_PPM = 1000000,
	RELAY_REORDER_PACKETS_MAX = 1000,
};

/* struct relay_path_options is one direction; all zero is a wire without any fault. */
struct relay_path_options {
	uint64_t delay_us;          /* from the end of serialisation */
	uint64_t jitter_us;         /* uniform in [0, jitter_us], on top of the delay */
	uint64_t jitter_reorders;   /* 1: jitter may overtake; 0: order is kept */
	uint64_t loss_ppm;          /* random loss */
	uint64_t burst_enter_ppm;   /* Gilbert-Elliott: good to bad, for each packet */
	uint64_t burst_leave_ppm;   /* bad to good, for each packet */
	uint64_t burst_loss_ppm;    /* loss while bad; when 0 and a burst can begin: all */
	uint64_t reorder_ppm;       /* packets that are held back */
	uint64_t reorder_packets;   /* until so many later ones have passed */
	uint64_t duplicate_ppm;     /* packets that arrive twice */
	uint64_t rate_bps;          /* bits of Ethernet frames per second; 0: no limit */
	uint64_t queue_bytes;       /* waiting for the wire, tail drop; 0: no limit */
	uint64_t ecn_bytes;         /* ECN-capable packets are marked beyond; 0: never */
	uint64_t mtu_bytes;         /* longer IP packets vanish silently; 0: none does */
};

enum relay_verdict {
	RELAY_PASS,
	RELAY_LOST_RANDOM,
	RELAY_LOST_BURST,
	RELAY_LOST_QUEUE,
	RELAY_LOST_MTU,
	RELAY_VERDICT_CNT
};

struct relay_fate {
	enum relay_verdict verdict;
	bool mark;       /* the queue was beyond ecn_bytes */
	bool duplicate;  /* to be sent twice */
	bool hold;       /* to be held until options.reorder_packets later ones are due */
	uint64_t due_ns; /* when it leaves the path; for a held one: when it would have */
};

struct relay_path {
	struct relay_path_options options;
	uint64_t seed;
	uint64_t index;        /* packets that arrived */
	uint64_t wire_free_ns; /* when the last queued bit has been sent */
	uint64_t last_due_ns;
	uint64_t queue_peak_bytes;
	bool bad; /* Gilbert-Elliott's state */
};

/* relay_path_init makes a fresh path; seed chooses its luck. */
void
relay_path_init(struct relay_path *path, const struct relay_path_options *options, uint64_t seed);

/* relay_path_decide tells what becomes of the next packet.
 *
 * arrival_ns  any clock that does not run backwards between calls.
 * frame_bytes with the Ethernet header of 14 bytes, without preamble and checksum. */
struct relay_fate
relay_path_decide(struct relay_path *path, uint64_t arrival_ns, uint32_t frame_bytes);

/* relay_path_delay_min_ns is the shortest time that any packet takes. */
uint64_t
relay_path_delay_min_ns(const struct relay_path *path);

#endif
