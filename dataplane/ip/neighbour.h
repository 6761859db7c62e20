/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* neighbour.h finds the MAC address of a next hop that no received frame has told us: it asks by
 * ARP. Connections that come to us need none of this: their first frame tells (ip.h).
 *
 *   neighbour_find ──► NEIGHBOUR_ASKED ── neighbour_output ──► request ... reply
 *                                                                │ neighbour_input
 *   neighbour_find ──► NEIGHBOUR_KNOWN ◄─────────────────────────┘
 *
 * Only an answer to a question that is open is believed: nobody can fill or change the table who
 * was not asked.
 *
 * Threads. A table belongs to one worker. Time is the caller's, in microseconds, monotonic, > 0.
 * Memory. NEIGHBOURS_MAX entries in place.
 * Clauses. RFC 826; 1122 2.3.2.1 (validation by age, at most one request a second).
 */
#ifndef SPILLWAY_DATAPLANE_IP_NEIGHBOUR_H
#define SPILLWAY_DATAPLANE_IP_NEIGHBOUR_H

#include "dataplane/ip/ip.h"

enum neighbour_state {
	NEIGHBOUR_NONE,        /* free, or not to be found: nobody answered, or too many are asked */
	NEIGHBOUR_ASKED,
	NEIGHBOUR_KNOWN,
};

struct neighbour {
	uint32_t addr_be;
	uint8_t mac[6];
	uint8_t state;         /* enum neighbour_state */
	uint8_t tries;         /* requests sent */
	uint64_t due_us;       /* ASKED: of the next request; KNOWN: when it is no longer valid */
};

struct neighbours {
	const struct ip_local *local;
	struct counters *ctr;
	uint32_t asked_cnt;
	struct neighbour entry[NEIGHBOURS_MAX];
};

/* neighbours_init makes an empty table. local and ctr outlive it. */
COLD void
neighbours_init(struct neighbours *table, const struct ip_local *local, struct counters *ctr);

/* neighbour_find tells what is known of an address on the link; it asks when nothing is.
 *
 * mac  out, for NEIGHBOUR_KNOWN: 6 bytes.
 * Returns NEIGHBOUR_KNOWN; NEIGHBOUR_ASKED: call again after neighbour_input or at
 * neighbour_next_us; or NEIGHBOUR_NONE: NEIGHBOUR_TRIES requests were not answered, or the table
 * is full of open questions, both counted. The next call asks anew. */
enum neighbour_state
neighbour_find(struct neighbours *table, uint32_t addr_be, uint64_t now_us, uint8_t *mac);

/* neighbour_input takes a received frame if it answers an open question. Returns true when it did:
 * the frame is of no further use. Anything else is left to ip_input. */
bool
neighbour_input(struct neighbours *table, const struct pkt_in *pkt, uint64_t now_us);

/* neighbour_output makes the requests that are due. pkts out, [0, max). Returns how many. */
uint16_t
neighbour_output(struct neighbours *table, struct pkt_out *pkts, uint16_t max, uint64_t now_us);

/* neighbour_next_us returns when neighbour_output or neighbour_find has something new to say;
 * UINT64_MAX when no question is open. */
uint64_t
neighbour_next_us(const struct neighbours *table);

#endif
