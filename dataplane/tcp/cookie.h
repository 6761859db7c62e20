/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cookie.h is the SYN cookie: a SYN-ACK that carries in its own numbers all that is needed to make
 * the connection when it comes back, so that a SYN costs no memory.
 *
 *   ISN     31       bit of the time counter (2^26 us, about 67 s) in which it was made
 *           30..28   index of the peer's MSS, rounded down
 *           27..0    keyed hash of the flow, the peer's ISN, the counter and all the bits said here
 *   TSval    5       ECN                 the low bits of our timestamp, when the peer sends them;
 *            4       SACK permitted      never ahead of our clock
 *            3..0    window scale + 1, 0: none
 *
 * A cookie is good in the counter in which it was made and the next. A blind guess is right once in
 * 2^28. Without timestamps the connection has neither window scale nor SACK nor ECN.
 * What a cookie gives up: the SYN-ACK is not sent again by us (the peer repeats its SYN), and a
 * new ISN is not above that of an earlier connection of the same ports.
 *
 * Threads. One worker. Memory. None. Cost. One SipHash for each SYN and for each ACK that might
 * bring one back.
 * Clauses. RFC 4987 3.6, appendix A; 7323 5.4.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_COOKIE_H
#define SPILLWAY_DATAPLANE_TCP_COOKIE_H

#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/table.h"

enum {
	COOKIE_COUNTER_SHIFT = 26, /* microseconds to counters */
	COOKIE_TS_BITS = 6,
};

/* struct cookie_use remembers whether any cookie can come back at all. */
struct cookie_use {
	uint64_t sent_us;          /* of the latest; 0: none ever */
};

/* struct cookie_syn is what a SYN asks for. */
struct cookie_syn {
	uint32_t irs;              /* the peer's ISN */
	bool ecn;                  /* ECN (RFC 3168 6.1.1) */
	struct tcp_options opt;
};

/* struct cookie is what the SYN-ACK says. */
struct cookie {
	uint32_t isn;
	uint32_t tsval;            /* when the SYN has timestamps */
};

/* cookie_make makes the numbers of a SYN-ACK.
 *
 * tsval  our timestamp now, offset included. That of the cookie is at most 2^6 - 1 behind, never
 *        ahead, so that the connection's clock goes on from it (RFC 7323 5.4). */
struct cookie
cookie_make(const uint64_t secret[2], const struct flow_key *key, const struct cookie_syn *syn,
            uint64_t now_us, uint32_t tsval);

/* cookie_open takes back what cookie_make hid.
 *
 * seg  the peer's first segment: it acknowledges the cookie and is next to its SYN.
 * syn  out: what the connection is to have; the MSS rounded down, the timestamps the segment's.
 * Returns false when it is no cookie of ours, or too old. */
bool
cookie_open(const uint64_t secret[2], const struct flow_key *key, const struct tcp_seg *seg,
            uint64_t now_us, struct cookie_syn *syn);

/* cookie_sent notes that a cookie was sent. */
static inline void
cookie_sent(struct cookie_use *use, uint64_t now_us)
{
	use->sent_us = now_us;
}

/* cookie_expected tells whether one may come back: else an ACK is a stray one. */
static inline bool
cookie_expected(const struct cookie_use *use, uint64_t now_us)
{
	return use->sent_us != 0 &&
	       (now_us >> COOKIE_COUNTER_SHIFT) - (use->sent_us >> COOKIE_COUNTER_SHIFT) <= 1;
}

#endif
