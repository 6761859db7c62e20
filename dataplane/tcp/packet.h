/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* packet.h makes packets of what a connection sends. What that is, and what it means for windows
 * and records, is for output.c.
 *
 * Threads. The stack's worker. Memory. None; a packet refers to what is queued.
 * Clauses. RFC 9293 3.1, 7323 3, 2018 3.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_PACKET_H
#define SPILLWAY_DATAPLANE_TCP_PACKET_H

#include "dataplane/tcp/stack.h"

/* struct packet_content is what goes into a packet. */
struct packet_content {
	struct tcp_range range;    /* data, and FIN where it reaches it; empty: a bare ACK */
	enum sendq_reader reader;
	uint16_t tso_mss;          /* of what may be more than a segment; else 0 */
};

/* packet_sack_cnt returns the blocks that our segments carry now. */
static inline uint8_t
packet_sack_cnt(const struct tcb *tcb)
{
	if (LIKELY(tcb->reasm.cnt == 0) || !tcb->sack_ok || tcb->rcv_fin)
		return 0;
	return (uint8_t)MIN(tcb->reasm.cnt, tcb->ts_ok ? 3u : 4u);
}

/* packet_make makes a packet, counted. It acknowledges all that has arrived.
 *
 * content  a range beyond a segment's length has tso_mss, or is a probe of the path.
 * Returns the sequence numbers that went in: the range's, or fewer where they lie in too many
 * fragments. */
uint32_t
packet_make(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt,
            const struct packet_content *content);

/* packet_make_next makes another packet of new data in the same turn. What packet_make acknowledged
 * and agreed on with ECN holds for it.
 *
 * former  the one before it: without FIN, CWR and SACK blocks.
 * range   of data; at most a segment's length, without FIN.
 * Returns the bytes that went in. */
uint32_t
packet_make_next(struct tcb *tcb, struct pkt_out *pkt, const struct pkt_out *former,
                 struct tcp_range range);

/* packet_count counts packets that packet_make_next made. */
static inline void
packet_count(struct tcp_stack *stack, uint32_t packets, uint32_t bytes)
{
	count_add(stack->ctr, CTR_tcp_segments_out, packets);
	count_add(stack->ctr, CTR_tcp_payload_out, bytes);
}

/* packet_make_syn makes our SYN, counted: with the ACK of the peer's, or, in SYN-SENT, alone. */
void
packet_make_syn(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt);

#endif
