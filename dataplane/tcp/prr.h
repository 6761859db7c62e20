/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* prr.h is proportional rate reduction (RFC 9937): in fast recovery each ACK lets out so much that
 * the flight comes down to ssthresh by the time recovery ends, neither at once nor in a burst.
 *
 * Threads. The stack's worker. Memory. In the connection.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_PRR_H
#define SPILLWAY_DATAPLANE_TCP_PRR_H

#include "dataplane/base/common.h"

struct tcb;

struct prr {
	uint32_t delivered_bytes;  /* prr_delivered: since recovery began */
	uint32_t out_bytes;        /* prr_out: sent since, new or again */
	uint32_t ratio_64k;        /* ssthresh / RecoverFS, in 2^-16, rounded up */
};

/* struct prr_ack is what an ACK tells PRR. */
struct prr_ack {
	uint32_t delivered_bytes;  /* newly acknowledged or SACKed; 0: time told, not an ACK */
	bool advanced;             /* snd_una moved */
	bool lost;                 /* something was newly found lost */
};

/* prr_start begins with ssthresh set. recover_bytes is RecoverFS: the flight less what was SACKed
 * before this ACK, with what this ACK acknowledged (RFC 9937 6.1). */
void
prr_start(struct tcb *tcb, uint32_t recover_bytes);

/* prr_acked sets the congestion window for an ACK in recovery (6.2). */
void
prr_acked(struct tcb *tcb, const struct prr_ack *ack);

#endif
