/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_receiver.h is a model of a peer that downloads, much as Linux does it: it acknowledges each
 * segment at first and every second one later, at once while something is missing; tells what it
 * holds out of order by SACK and what came twice by D-SACK; keeps a bounded buffer, and its reader
 * may be slow. Offsets are of 64 bits: it does not share the arithmetic under test.
 *
 * Clauses. RFC 2018 4, 2883 4, 3168 6.1.3, 5681 4.2, 7323 4.3, 9293 3.8.6.2.2 (no silly windows).
 */
#ifndef SPILLWAY_TESTS_SIM_TCP_RECEIVER_H
#define SPILLWAY_TESTS_SIM_TCP_RECEIVER_H

#include "dataplane/tcp/segment.h"

enum {
	RECEIVER_RANGES_MAX = 1 << 15,
	RECEIVER_RECENT_MAX = 4,
	RECEIVER_ECE = 0x40,       /* control bits of RFC 3168 */
	RECEIVER_CWR = 0x80,
};

struct receiver_config {
	uint32_t buffer_bytes;     /* [0, 2^30]: its largest window */
	uint32_t read_bytes_per_ms; /* 0: the reader takes everything at once */
	uint32_t read_from_us;     /* it does not read before, after its start */
	uint32_t ack_every;        /* segments an ACK when nothing is missing; 0: 2 */
	bool no_sack;
	bool no_dsack;
	bool no_ts;
	bool ecn;
};

struct receiver_range {
	uint64_t start;
	uint64_t end;
};

/* struct receiver_seg is a segment as it came, its place in the stream made out. */
struct receiver_seg {
	uint64_t offset;
	uint32_t len;
	uint8_t flags;
	uint8_t ecn;               /* RFC 3168 codepoint */
	bool has_ts;
	uint32_t tsval;
};

struct receiver {
	struct receiver_config config;
	uint8_t wscale;
	uint32_t irs;              /* number before the first byte */
	uint64_t got;              /* bytes in order */
	uint64_t read;             /* of which the reader has taken these */
	uint64_t read_us;          /* when it last read */
	uint64_t told_edge;        /* right edge of the window, as told */
	uint64_t twice_bytes;      /* that came more than once */
	uint64_t beyond_bytes;     /* that did not fit the window */
	bool fin;                  /* the sender's FIN has arrived in its turn */
	uint64_t fin_at;           /* its offset, UINT64_MAX until known */
	uint32_t unacked_cnt;      /* segments since the last ACK */
	uint32_t quick_cnt;        /* ACKs that are still sent at once */
	uint64_t ack_due_us;       /* delayed ACK; UINT64_MAX: none */
	uint32_t ts_recent;
	bool ece;
	bool dsack;                /* the next ACK reports twice */
	struct receiver_range twice;
	uint64_t recent[RECEIVER_RECENT_MAX]; /* offsets in ranges, the latest first */
	uint32_t recent_cnt;
	uint32_t first;            /* ranges held: range[first, first + cnt), sorted, disjoint */
	uint32_t cnt;
	struct receiver_range range[RECEIVER_RANGES_MAX];
};

/* receiver_wscale returns the shift that lets a buffer be told in 16 bits. */
uint8_t
receiver_wscale(uint32_t buffer_bytes);

/* receiver_init readies a receiver that has sent its SYN. */
void
receiver_init(struct receiver *receiver, const struct receiver_config *config, uint64_t now_us);

/* receiver_take takes a segment. Returns true when an ACK is due now. */
bool
receiver_take(struct receiver *receiver, const struct receiver_seg *seg, uint64_t now_us);

/* receiver_read lets the reader take what it can by now_us. Returns true when the window opens so
 * much that an ACK is due. */
bool
receiver_read(struct receiver *receiver, uint64_t now_us);

/* receiver_next_us returns when an ACK or a read is due, UINT64_MAX when none is. */
uint64_t
receiver_next_us(const struct receiver *receiver);

/* receiver_ack fills the ACK that the receiver sends now: all but its own sequence number and
 * ports. */
void
receiver_ack(struct receiver *receiver, struct tcp_seg *ack, uint64_t now_us);

#endif
