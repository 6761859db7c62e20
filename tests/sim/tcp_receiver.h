/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_receiver.h is a model of a peer that downloads: it acknowledges every second segment,
 * tells what it holds out of order by SACK, keeps a bounded buffer and may be slow to read it.
 */
#ifndef SPILLWAY_TESTS_SIM_TCP_RECEIVER_H
#define SPILLWAY_TESTS_SIM_TCP_RECEIVER_H

#include "tests/unit/tcp_lab.h"

enum { RECEIVER_RANGES_MAX = 4096 };

struct receiver {
	uint32_t irs;              /* number before the first byte */
	uint64_t got;              /* bytes in order */
	uint64_t read;             /* of which the reader has taken these */
	uint32_t buffer_bytes;
	uint8_t wscale;
	bool sack;
	bool fin;                  /* the sender's FIN has arrived in its turn */
	uint64_t fin_at;           /* its offset, UINT64_MAX until known */
	uint32_t unacked_cnt;      /* segments since the last ACK */
	uint64_t ack_due_us;       /* delayed ACK; UINT64_MAX: none */
	uint32_t ts_recent;
	uint32_t range_cnt;
	struct { uint64_t start, end; } range[RECEIVER_RANGES_MAX]; /* early bytes, latest first */
};

/* receiver_init readies a receiver that has done the handshake. */
void
receiver_init(struct receiver *receiver, const struct lab_peer *peer, uint32_t buffer_bytes,
              bool sack);

/* receiver_take takes a segment, checking its content. Returns true when an ACK is due now. */
bool
receiver_take(struct receiver *receiver, const struct lab_seg *seg, uint64_t now_us);

/* receiver_read lets the reader take up to len bytes. Returns true when the window, as last told,
 * was nearly shut and no longer is: an ACK is due. */
bool
receiver_read(struct receiver *receiver, uint64_t len);

/* receiver_ack fills the ACK that the receiver would send now. seq is the peer's SND.NXT. */
void
receiver_ack(struct receiver *receiver, struct lab_seg *ack, uint32_t seq, uint64_t now_us);

#endif
