/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Acknowledgements. */
#include "dataplane/tcp/ack.h"

#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/steer.h"
#include "dataplane/tcp/timers.h"

enum { TS_RTT_TICKS_MAX = 1 << 17 };   /* of 1024 us: an echo that is older means nothing */

bool
ack_acceptable(const struct tcb *tcb, const struct tcp_seg *seg)
{
	return seq_le(seg->ack, tcb->snd_nxt) &&
	       seq_ge(seg->ack, tcb->snd_una - tcb->snd_wnd_max);
}

/* update_window takes the peer's window from a segment that is not older than the one it was last
 * taken from (3.10.7.4, fifth; SND.WL2 is not kept: the ACK is not below snd_una here). Returns
 * whether its right edge moved on. */
static bool
update_window(struct tcb *tcb, const struct tcp_seg *seg)
{
	uint32_t edge = tcb->snd_una + tcb->snd_wnd;

	if (seq_lt(seg->seq, tcb->snd_wl1))
		return false;
	tcb->snd_wnd = (uint32_t)seg->wnd << tcb->snd_wscale;
	tcb->snd_wnd_max = MAX(tcb->snd_wnd_max, tcb->snd_wnd);
	tcb->snd_wl1 = seg->seq;
	return seq_gt(seg->ack + tcb->snd_wnd, edge);
}

/* advance gives up what was acknowledged. */
static void
advance(struct tcp_stack *stack, struct tcb *tcb, uint32_t ack, struct delivered *delivered)
{
	uint32_t bytes = seq_min(ack, tcb->sendq.end) - seq_min(tcb->snd_una, tcb->sendq.end);

	scoreboard_acked(&tcb->board, &stack->records, ack, delivered);
	sendq_release(&tcb->sendq, &stack->entries, ack);
	tcb->snd_una = ack;
	tcb->acked_bytes += bytes;
	tcb->retries = 0;
	tcb->probe_out = false;
	tcb_deadline_clear(tcb, TCP_DUE_RTO);          /* RFC 6298 5.3: started anew by settle */
	tcb_deadline_clear(tcb, TCP_DUE_PTO);          /* RFC 8985 7.2 */
	count_add(stack->ctr, CTR_tcp_payload_acked, bytes);
}

/* take_dsack takes the first block when it tells of what came twice (RFC 2883 4): below the
 * acknowledgement, or within the second block. Returns whether it does. */
static bool
take_dsack(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg,
           struct ack_news *news)
{
	struct tcp_range block = seg->opt.sack[0];
	struct tcp_range second = seg->opt.sack[1];

	if (!seq_lt(block.start, block.end))
		return false;
	if (seq_gt(block.end, seg->ack) &&
	    (seg->opt.sack_cnt < 2 || seq_lt(block.start, second.start) ||
	     seq_gt(block.end, second.end)))
		return false;
	news->dsack_probe = tcb->tlp.out && tcb->tlp.again &&
	                    block.end - tcb->tlp.end_seq + 1 <= 1; /* with or without FIN */
	news->dsack = news->dsack_probe || undo_dsack(tcb, block);
	news->dsack_range = block;
	count(stack->ctr, news->dsack ? CTR_tcp_dsacks : CTR_tcp_dsacks_ignored);
	return true;
}

/* take_sacks marks what the receiver has; a block that is not in flight tells nothing. */
static void
take_sacks(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg,
           struct ack_news *news)
{
	uint32_t i = take_dsack(stack, tcb, seg, news);

	news->sacks = true;
	for (; i < seg->opt.sack_cnt; i++) {
		struct tcp_range block = seg->opt.sack[i];

		if (seq_lt(tcb->snd_una, block.start) && seq_lt(block.start, block.end) &&
		    seq_le(block.end, tcb->snd_nxt))
			scoreboard_sacked(&tcb->board, &stack->records, block, &news->delivered);
	}
}

/* take_echo notes when, at the latest, what is echoed was sent, and what cannot have arrived yet
 * though it was sent: retransmissions since then, or of less than a round trip ago (RFC 8985 6.2
 * step 2). A segment out of order changes no echo, so that it tells only if snd_una moves. */
static void
take_echo(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg,
          struct ack_news *news)
{
	uint32_t ticks = tcp_ts_now(stack) + tcb->ts_offset - seg->opt.tsecr;

	news->delivered.again_before_us = stack->now_us - rtt_min_us(tcb);
	if (!tcb->ts_ok || seg->opt.tsecr == 0 || ticks > TS_RTT_TICKS_MAX)
		return;
	news->echo_us = ((stack->now_us >> 10) - ticks) << 10 | 1023;
	news->echo_us = MIN(news->echo_us, stack->now_us);
	if (news->acked_bytes > 0)
		news->delivered.again_before_us = MIN(news->delivered.again_before_us,
		                                      news->echo_us);
}

/* sample measures the round trip: by our own record of what was sent once, else by the echoed
 * timestamp, which tells a retransmission from the original (RFC 7323 4.1). Returns it, 0: none. */
static uint32_t
sample(struct tcp_stack *stack, struct tcb *tcb, const struct ack_news *news)
{
	uint64_t rtt_us;

	if (news->delivered.sent_us != 0) {
		rtt_us = MAX(stack->now_us - news->delivered.sent_us, 1u);
		rtt_us = MIN(rtt_us, (uint64_t)TCP_RTO_MAX_US);
		rtt_min_sample(tcb, (uint32_t)rtt_us, stack->now_us);
	} else {
		if (news->acked_bytes == 0 || news->echo_us == 0)
			return 0;
		rtt_us = MAX(stack->now_us - news->echo_us, 1u);
		rtt_us = MIN(rtt_us, (uint64_t)TCP_RTO_MAX_US);
	}
	rtt_sample(tcb, rtt_us);
	return (uint32_t)rtt_us;
}

/* tell_cc tells congestion control what came of an ACK. before is the phase it arrived in. */
static void
tell_cc(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg,
        struct ack_news *news, uint8_t before)
{
	uint32_t una = tcb->snd_una - news->acked_bytes;
	struct cc_ack ack = {
		.now_us = stack->now_us,
		.acked_bytes = news->acked_bytes,
		.delivered_bytes = news->delivered.bytes,
		.rtt_us = news->rtt_us,
		.srtt_us = tcb->srtt_us,
		.pipe_bytes = tcb_pipe(tcb),
		.una = tcb->snd_una,
		.nxt = tcb->snd_nxt,
		.merged = seg->merged,
		.recovering = tcb->phase != before || before == TCP_PHASE_FAST,
		.repairing = tcb->phase != TCP_PHASE_OPEN,
	};

	if (news->acked_bytes > 0 && tcb->cwnd_limited && seq_gt(una, tcb->cwnd_limited_seq))
		tcb->cwnd_limited = false;
	ack.cwnd_limited = tcb->cwnd_limited || before == TCP_PHASE_RTO;
	steer_acked(stack, tcb, &ack, &news->delivered.pick);
}

/* window_opened sends the probe's byte again: the peer had no room for it then. */
static void
window_opened(struct tcp_stack *stack, struct tcb *tcb)
{
	tcb->probe_out = false;
	tcb->backoff = 0;
	scoreboard_lose_first(&tcb->board, &stack->records, tcb->mss);
}

void
ack_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	struct ack_news news = {0};
	uint32_t wnd = tcb->snd_wnd;
	uint8_t phase = tcb->phase;
	bool probing = tcb->probe_out;
	bool opened;

	if (seq_lt(seg->ack, tcb->snd_una))            /* an old one: nothing new in it */
		return;
	opened = update_window(tcb, seg);
	news.acked_bytes = seg->ack - tcb->snd_una;
	take_echo(stack, tcb, seg, &news);
	if (news.acked_bytes > 0)
		advance(stack, tcb, seg->ack, &news.delivered);
	if (UNLIKELY(tcb->pmtu_on & PMTU_ON_ACK))
		pmtu_acked(stack, tcb);
	if (tcb->sack_ok && seg->opt.sack_cnt > 0)
		take_sacks(stack, tcb, seg, &news);
	if (tcb->probe_out && tcb->snd_wnd > 0)
		window_opened(stack, tcb);
	if (tcb->snd_wnd == 0 && !tcb->fin_queued)
		tcb->retries = 0;                      /* alive: RFC 9293 3.8.6.1 */
	news.rtt_us = sample(stack, tcb, &news);
	if (tcb->sack_ok)                              /* RFC 6675 2 */
		news.duplicate = news.acked_bytes == 0 && news.delivered.bytes > 0;
	else                                           /* RFC 5681 2 */
		news.duplicate = news.acked_bytes == 0 && seg->len == 0 && tcb->snd_wnd == wnd &&
		                 (seg->flags & TCP_FIN) == 0 && tcb_flight(tcb) > 0;
	if (news.duplicate)
		why_trace(stack, tcb, TRACE_duplicate, news.delivered.bytes, 1);
	if (!probing)
		recovery_acked(stack, tcb, &news);
	if (tcb->ecn.ok)
		ecn_ack_arrives(stack, tcb, seg);
	if (news.acked_bytes > 0 || news.delivered.bytes > 0)
		tell_cc(stack, tcb, seg, &news, phase);
	if (!tcb->fin_queued && (news.acked_bytes > 0 || opened))
		tcb->events |= TCP_EV_ROOM;
}
