/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rtt.h estimates the round-trip time and from it the retransmission timeout (RFC 6298). */
#ifndef SPILLWAY_DATAPLANE_TCP_RTT_H
#define SPILLWAY_DATAPLANE_TCP_RTT_H

#include "dataplane/tcp/tcb.h"

/* rtt_init sets the timeout for a connection that has no sample. */
void
rtt_init(struct tcb *tcb);

/* rtt_sample takes one measurement, which must not be of a segment sent more than once
 * (RFC 6298 3), and ends back-off. rtt_us 0 is taken as 1. */
void
rtt_sample(struct tcb *tcb, uint64_t rtt_us);

/* rtt_timeout_us returns the timeout with its back-off, at most TCP_RTO_MAX_US. */
uint64_t
rtt_timeout_us(const struct tcb *tcb);

#endif
