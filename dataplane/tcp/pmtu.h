/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* pmtu.h finds the largest packet that a connection's path carries.
 *
 *       ICMP says so, and nothing speaks against it     timeouts of a large segment
 *   max ──────────────────────────────────────► told size          │
 *    │                                              │              │
 *    └──────────────────────► 1220, then 576 ◄──────┴──────────────┘
 *                                   │ one larger segment of real data at a time
 *                                   ▼
 *             1220 ─ 1280 ─ 1400 ─ 1452 ─ 1492 ─ 1500 ─ ... ─ max
 *
 * Every packet has DF set. A connection begins with what link and peer allow. A told size is used
 * at once, except below a size that was acknowledged before: then only when the retransmission
 * timer shows that progress has stopped (RFC 5927 7.2). What was sent too large and is lost is no
 * congestion: it is sent again, cut, and the window stays; so with a lost probe (RFC 8899 3).
 * A timeout remains a timeout. Sizes are tried anew TCP_PMTU_RAISE_US after the last news.
 * Without SACK a lost probe cannot be told from the rest: such a connection does not probe.
 *
 * Memory. In the connection; tcb->pmtu_on lies with what each segment touches and is 0 when there
 * is nothing to do.
 * Clauses. RFC 1191 (6.3, 7.1), 4821 and 8899 (probing with data, black holes), 5927 7.2. The
 * stack has no IPv6: of RFC 8201 nothing is needed.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_PMTU_H
#define SPILLWAY_DATAPLANE_TCP_PMTU_H

#include "dataplane/ip/ip.h"
#include "dataplane/tcp/options.h"

struct tcp_stack;
struct tcb;

/* what is to be done when a segment leaves (SEND) or is acknowledged (ACK) */
enum pmtu_on {
	PMTU_WANT_PROOF = 1 << 0,  /* SEND: note a full segment */
	PMTU_SMALLER = 1 << 1,     /* SEND: less than max is used; larger ones may be tried */
	PMTU_PROOF = 1 << 2,       /* ACK: of proof_end shows that the present size arrives */
	PMTU_CLAIM = 1 << 3,       /* ACK: of claim_seq shows that the claim is false */
	PMTU_PROBE = 1 << 4,       /* ACK: of probe_end shows that its size arrives */
	PMTU_ON_SEND = PMTU_WANT_PROOF | PMTU_SMALLER,
	PMTU_ON_ACK = PMTU_PROOF | PMTU_CLAIM | PMTU_PROBE,
};

/* sizes are bytes of IP packet */
struct pmtu {
	uint64_t search_us;        /* no probe before */
	uint32_t probe_seq;        /* the probe in flight */
	uint32_t probe_end;
	uint32_t proof_end;
	uint32_t claim_seq;        /* the segment that a claim in doubt quotes */
	uint32_t rto_una;          /* snd_una at the last timeout */
	uint32_t icmp_epoch;       /* of 2^20 us */
	uint16_t max;              /* what link and peer allow */
	uint16_t mtu;              /* what is sent */
	uint16_t high;             /* nothing larger is tried before search_us */
	uint16_t arrived;          /* the largest that is known to arrive; 0: none yet */
	uint16_t claim;
	uint16_t probe;
	uint8_t probes_lost;       /* of one size */
	uint8_t rto_cnt;           /* of a large segment at rto_una */
	uint8_t icmp_cnt;          /* acted on in icmp_epoch */
};

/* pmtu_init begins with tcb->mss, which link, peer and options allow. Call when all of them are
 * known. */
void
pmtu_init(struct tcb *tcb);

/* pmtu_told takes the claim of a router, about a segment that is in flight (RFC 1191 6). Counted
 * whatever becomes of it. */
void
pmtu_told(struct tcp_stack *stack, struct tcb *tcb, const struct ip_icmp *err);

/* pmtu_timed_out takes a timeout: call before recovery makes anything of it. tcb->mss may be
 * smaller afterwards. */
void
pmtu_timed_out(struct tcp_stack *stack, struct tcb *tcb);

/* pmtu_probe_len returns the bytes that the next new segment should have: len, or more when it is
 * to be a probe. Only with PMTU_SMALLER.
 *
 * len  what it would have, > 0 unless it is a bare FIN. */
uint32_t
pmtu_probe_len(const struct tcp_stack *stack, const struct tcb *tcb, uint32_t len);

/* pmtu_sent notes new data that leaves in one segment. Only with a bit of PMTU_ON_SEND. */
void
pmtu_sent(struct tcp_stack *stack, struct tcb *tcb, struct tcp_range data);

/* pmtu_acked looks at snd_una, which moved. Only with a bit of PMTU_ON_ACK. */
void
pmtu_acked(struct tcp_stack *stack, struct tcb *tcb);

/* pmtu_probe_lost tells whether what was just found lost is the probe and nothing else, and if so
 * takes note: it is to be sent again and is no sign of congestion (RFC 8899 3, 4821 7.6).
 *
 * newly_lost  bytes; they are marked on the scoreboard. */
bool
pmtu_probe_lost(struct tcp_stack *stack, struct tcb *tcb, uint32_t newly_lost);

#endif
