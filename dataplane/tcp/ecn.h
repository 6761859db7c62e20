/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ecn.h is explicit congestion notification: routers mark rather than drop, the receiver echoes
 * it, the sender answers as to a loss, without one.
 *
 *   handshake  SYN with ECE and CWR, SYN-ACK with ECE only
 *   sender     new data is ECT(0); ECE on an ACK: one reduction a window, then CWR on new data
 *   receiver   CE on a segment: ECE on all that we send, until CWR arrives
 *
 * Not marked as capable: SYN, SYN-ACK, pure ACKs, what is sent again, probes (6.1.1,
 * 6.1.4 to 6.1.6), and anything while congestion control has no answer to marks.
 *
 * Threads, memory. State lives in the connection. Clauses. RFC 3168 6.1; 8311; 8511.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_ECN_H
#define SPILLWAY_DATAPLANE_TCP_ECN_H

#include "dataplane/tcp/emit.h"
#include "dataplane/tcp/segment.h"

struct tcp_stack;
struct tcb;

enum {
	ECN_NOT_ECT = 0,
	ECN_ECT0 = 2,
	ECN_CE = 3,
};

struct ecn {
	uint32_t reduced_seq;  /* no further reduction until it is acknowledged */
	bool ok;               /* both ends agreed */
	bool echo;             /* ECE on what we send */
	bool cwr;              /* CWR on the next new data */
	bool reduced;          /* reduced_seq counts */
};

/* ecn_offered tells whether a segment is a SYN that offers ECN which we take (6.1.1). */
bool
ecn_offered(const struct tcp_stack *stack, const struct tcp_seg *seg);

/* ecn_syn_arrives takes what the peer's SYN offers (6.1.1). */
void
ecn_syn_arrives(const struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

/* ecn_synack_arrives takes the answer to a SYN that carried ecn_syn_flags (6.1.1). */
void
ecn_synack_arrives(const struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

/* ecn_syn_flags returns the flags that our SYN offers ECN with, or our SYN-ACK agrees. A SYN that
 * is sent again offers it no more: some networks drop those that do (6.1.1.1). */
uint8_t
ecn_syn_flags(const struct tcp_stack *stack, const struct tcb *tcb);

/* ecn_segment_arrives takes the mark, or CWR, of an acceptable segment (6.1.3). Only for
 * connections with ecn.ok. */
void
ecn_segment_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

/* ecn_ack_arrives takes ECE of an acceptable ACK, after snd_una has moved and recovery has run
 * (6.1.2). Only for connections with ecn.ok. */
void
ecn_ack_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg);

/* ecn_segment_leaves sets flags and codepoint of a segment; fresh: it carries new data within
 * the window. Only for connections with ecn.ok. */
void
ecn_segment_leaves(struct tcb *tcb, struct emit *emit, bool fresh);

#endif
