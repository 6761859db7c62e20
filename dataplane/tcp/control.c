/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Answers that need no connection. */
#include "dataplane/tcp/control.h"

#include "dataplane/tcp/emit.h"

static_assert((TCP_CONTROL_OUT_MAX & (TCP_CONTROL_OUT_MAX - 1)) == 0, "masked, not divided");

struct answer *
control_add(struct control *control, struct counters *ctr)
{
	struct answer *answer;

	if (control->cnt == TCP_CONTROL_OUT_MAX) {
		count(ctr, CTR_tcp_control_full);
		return NULL;
	}
	answer = &control->answer[(control->first + control->cnt) & (TCP_CONTROL_OUT_MAX - 1)];
	control->cnt++;
	return answer;
}

void
control_reset_for(struct control *control, const struct tcp_seg *seg, struct counters *ctr)
{
	struct answer *answer;

	if (seg->flags & TCP_RST)
		return;
	answer = control_add(control, ctr);
	if (answer == NULL)
		return;
	*answer = (struct answer){
		.key = {seg->ip->src_be, seg->ip->dst_be, seg->src_port, seg->dst_port},
	};
	ip_path_init(&answer->path, seg->ip);
	if (seg->flags & TCP_ACK) {
		answer->flags = TCP_RST;
		answer->seq = seg->ack;
	} else {
		answer->flags = TCP_RST | TCP_ACK;
		answer->ack = seg->seq + tcp_seg_span(seg);
	}
	count(ctr, CTR_tcp_resets_out);
}

uint16_t
control_output(struct control *control, struct pkt_out *pkts, uint16_t max, struct counters *ctr)
{
	uint16_t cnt = 0;

	while (cnt < max && control->cnt > 0) {
		const struct answer *answer = &control->answer[control->first];
		struct emit emit = {
			.path = &answer->path,
			.key = &answer->key,
			.seq = answer->seq,
			.ack = answer->ack,
			.wnd = answer->wnd,
			.flags = answer->flags,
			.opt = {.has_ts = answer->has_ts, .tsval = answer->tsval,
			        .tsecr = answer->tsecr, .mss = answer->mss,
			        .has_wscale = answer->has_wscale, .wscale = answer->wscale,
			        .sack_permitted = answer->sack_permitted},
		};

		pkts[cnt].span_cnt = 0;
		pkts[cnt].payload_len = 0;
		emit_headers(&pkts[cnt++], &emit);
		count(ctr, CTR_tcp_segments_out);
		control->first = (control->first + 1) & (TCP_CONTROL_OUT_MAX - 1);
		control->cnt--;
	}
	return cnt;
}
