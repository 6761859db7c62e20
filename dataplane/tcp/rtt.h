/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rtt.h estimates the round-trip time, from it the retransmission timeout (RFC 6298), and keeps
 * the least round trip of the last one to two TCP_MIN_RTT_US (RFC 8985 6.2 step 1). */
#ifndef SPILLWAY_DATAPLANE_TCP_RTT_H
#define SPILLWAY_DATAPLANE_TCP_RTT_H

#include "dataplane/base/common.h"

struct tcb;

/* struct min_rtt is the minimum of two spans of time, the one that runs and the one before. */
struct min_rtt {
	uint64_t since_us;     /* when the one that runs began */
	uint32_t now_us;       /* 0: no sample yet */
	uint32_t before_us;
};

/* rtt_init sets the timeout for a connection that has no sample. */
void
rtt_init(struct tcb *tcb);

/* rtt_sample takes one measurement, which must not be of a segment sent more than once
 * (RFC 6298 3), and ends back-off. rtt_us 0 is taken as 1. */
void
rtt_sample(struct tcb *tcb, uint64_t rtt_us);

/* rtt_min_sample takes a measurement by our own clock for the minimum. rtt_us > 0. */
void
rtt_min_sample(struct tcb *tcb, uint32_t rtt_us, uint64_t now_us);

/* rtt_min_us returns the least round trip, srtt while none was measured. */
uint32_t
rtt_min_us(const struct tcb *tcb);

/* rtt_timeout_us returns the timeout with its back-off, at most TCP_RTO_MAX_US. */
uint64_t
rtt_timeout_us(const struct tcb *tcb);

#endif
