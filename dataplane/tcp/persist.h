/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* persist.h bounds how long a peer that does not read may hold what is queued for it.
 *
 * A shut window is probed as long as the peer answers (RFC 9293 3.8.6.1), and what is not
 * acknowledged is sent again as long as it does (RFC 1122 R2); neither ends a peer that keeps its
 * window shut, takes the probes' single bytes, opens it by crumbs or acknowledges at a trickle.
 * So: while something is queued, TCP_PERSIST_BYTES or all that was queued must be acknowledged
 * within TCP_PERSIST_MAX_US, whatever held it back; else the connection is reset (RFC 6429 3 lets
 * the system). It is looked at every TCP_PERSIST_LOOK_US, so at most that much later. A peer that
 * was not heard of for TCP_RTO_MAX_US is left to R2.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_PERSIST_H
#define SPILLWAY_DATAPLANE_TCP_PERSIST_H

#include "dataplane/base/common.h"

struct tcb;

struct persist {
	uint64_t since_us;         /* when goal_bytes was set */
	uint64_t goal_bytes;       /* acknowledged in all, that count as progress */
};

/* persist_begin takes note that something is queued. */
void
persist_begin(struct tcb *tcb, uint64_t now_us);

/* persist_expired looks at what became of it, and begins anew when it was enough. Returns whether
 * it was too little for too long. */
bool
persist_expired(struct tcb *tcb, uint64_t now_us);

#endif
