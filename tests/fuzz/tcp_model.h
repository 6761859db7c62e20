/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_model.h is what a peer can know of a connection from outside, kept beside the stack while it
 * is fuzzed, and compared with it after each step:
 *
 *   snd_una <= snd_nxt <= snd_una + the largest window ever offered, and a probe's byte, and FIN
 *   bytes that left, each first time in order and without gaps   = snd_nxt
 *   bytes queued by the owner                                    = acknowledged + still queued
 *   bytes the owner has read                                     = rcv_nxt
 *   whoever has something outstanding has a timer or a turn coming
 *   a peer that falls silent is forgotten in bounded time
 *
 * Clauses. RFC 9293 3.3.1, 3.4, 3.8.6; 1122 4.2.3.5 (R2). */
#ifndef SPILLWAY_TESTS_FUZZ_TCP_MODEL_H
#define SPILLWAY_TESTS_FUZZ_TCP_MODEL_H

#include "tests/unit/tcp_lab.h"

struct tcp_model {
	struct lab_peer *peer;
	uint32_t wnd_max;          /* unscaled */
	uint8_t wscale_max;
	uint32_t sent_bytes;       /* that have left at least once */
};

/* tcp_model_init begins a model of a peer that has not said anything. */
void
tcp_model_init(struct tcp_model *model, struct lab_peer *peer);

/* tcp_model_offer notes the window and the scale of a segment that goes to the stack. */
void
tcp_model_offer(struct tcp_model *model, const struct lab_seg *seg);

/* tcp_model_offer_any notes that the peer may have offered anything. */
void
tcp_model_offer_any(struct tcp_model *model);

/* tcp_model_sent notes the packets that left in the lab's last step. */
void
tcp_model_sent(struct tcp_model *model, const struct lab *lab);

/* tcp_model_check compares; all that left must have been noted. */
void
tcp_model_check(struct tcp_model *model, const struct lab *lab);

/* tcp_model_silence lets the peers be silent for so long that no connection may be left. */
void
tcp_model_silence(struct lab *lab);

#endif
