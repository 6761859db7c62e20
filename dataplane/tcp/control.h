/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* control.h is the queue of answers that no connection sends: resets, ACKs from TIME-WAIT, and
 * SYN-ACKs with cookies.
 *
 * Memory. TCP_CONTROL_OUT_MAX of them; more are not sent, counted.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_CONTROL_H
#define SPILLWAY_DATAPLANE_TCP_CONTROL_H

#include "dataplane/base/counters.h"
#include "dataplane/ip/ip.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/table.h"

struct answer {
	struct ip_path path;
	struct flow_key key;
	uint32_t seq;
	uint32_t ack;
	uint32_t tsval;
	uint32_t tsecr;
	uint16_t wnd;
	uint8_t flags;
	bool has_ts;
	bool sack_permitted;
	bool has_wscale;
	uint8_t wscale;
	uint16_t mss;              /* 0: no option */
};

struct control {
	struct answer answer[TCP_CONTROL_OUT_MAX];
	uint32_t first;
	uint32_t cnt;              /* [0, TCP_CONTROL_OUT_MAX] */
};

/* control_add returns the place for one more answer, or NULL when there is none, counted. */
struct answer *
control_add(struct control *control, struct counters *ctr);

/* control_reset_for answers a segment that belongs to no connection with RST (RFC 9293 3.10.7.1).
 * A segment that is itself a reset is not answered. */
void
control_reset_for(struct control *control, const struct tcp_seg *seg, struct counters *ctr);

/* control_output makes up to max packets of the answers, in order. Returns how many. */
uint16_t
control_output(struct control *control, struct pkt_out *pkts, uint16_t max, struct counters *ctr);

#endif
