/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* challenge.h limits challenge ACKs: those that answer a segment which may be a guess.
 *
 * Design. Each connection has a limit of its own, which is the one that binds: what an attacker
 * does on a connection of his shows nothing of another. The limit of all is far above it and drawn
 * anew each second by a keyed hash, from half of to one and a half times TCP_CHALLENGE_ACKS_PER_S:
 * who uses it up on connections of his own cannot tell from his count whether one ACK went to
 * somebody else (the side channel of CVE-2016-5696).
 *
 * Threads. One worker. Memory. None.
 * Clauses. RFC 5961 7 (10 ACKs in 5 seconds).
 */
#ifndef SPILLWAY_DATAPLANE_TCP_CHALLENGE_H
#define SPILLWAY_DATAPLANE_TCP_CHALLENGE_H

#include "dataplane/base/counters.h"

#include <stdbool.h>

/* struct challenge is the limit of all connections; zeroed: not drawn yet. */
struct challenge {
	uint64_t epoch;            /* of 2^20 us */
	uint32_t left;             /* that may still be sent in it */
};

/* struct challenge_own is the limit of one connection; zeroed: none sent. */
struct challenge_own {
	uint32_t epoch;            /* of 2^22 us */
	uint32_t cnt;              /* sent in it */
};

/* challenge_may tells whether a challenge ACK may be sent now, and counts it: as sent or as
 * limited.
 *
 * own  the connection's; NULL when none is left to hold one (TIME-WAIT). */
bool
challenge_may(struct challenge *all, struct challenge_own *own, const uint64_t secret[2],
              uint64_t now_us, struct counters *ctr);

#endif
