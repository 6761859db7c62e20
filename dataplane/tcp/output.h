/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* output.h turns what connections owe into packets. */
#ifndef SPILLWAY_DATAPLANE_TCP_OUTPUT_H
#define SPILLWAY_DATAPLANE_TCP_OUTPUT_H

#include "dataplane/tcp/stack.h"

/* what a connection may send now, the most urgent first */
enum tcp_owed {
	TCP_OWED_NOTHING,
	TCP_OWED_SYN,          /* ours, or the SYN-ACK */
	TCP_OWED_AGAIN,        /* what was lost */
	TCP_OWED_TLP,          /* a tail loss probe */
	TCP_OWED_NEW,          /* new data or FIN */
	TCP_OWED_PROBE,
	TCP_OWED_KEEPALIVE,
	TCP_OWED_ACK,
};

/* tcb_owed returns the next thing that congestion window, peer's window and queue allow. */
enum tcp_owed
tcb_owed(struct tcb *tcb);

/* tcb_window_allows tells whether the peer's window lets new data into a segment now. */
bool
tcb_window_allows(const struct tcb *tcb);

/* tcb_paced tells whether only the gate of pacing holds something back. */
bool
tcb_paced(struct tcb *tcb);

#endif
