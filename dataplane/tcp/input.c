/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A segment arrives: RFC 9293 3.10.7, with a short way for the segments that are as expected. */
#include "dataplane/tcp/input.h"

#include "dataplane/tcp/ack.h"
#include "dataplane/tcp/listen.h"
#include "dataplane/tcp/open.h"
#include "dataplane/tcp/states.h"
#include "dataplane/tcp/timers.h"

/* RFC 7323 5.5: after so long a timestamp no longer tells old from new */
#define TS_VALID_US (24ull * 24 * 3600 * 1000 * 1000)

/* ---- small steps */

static bool
in_window(const struct tcb *tcb, uint32_t seq)
{
	return seq - tcb->rcv_nxt < tcb_rcv_wnd(tcb);
}

/* acceptable is the four-case test of 3.10.7.4; our window is never zero. */
static bool
acceptable(const struct tcb *tcb, const struct tcp_seg *seg)
{
	uint32_t span = tcp_seg_span(seg);

	return in_window(tcb, seg->seq) || (span > 0 && in_window(tcb, seg->seq + span - 1));
}

/* ts_old is the test of PAWS (RFC 7323 5.3 R1). */
static bool
ts_old(const struct tcp_stack *stack, const struct tcb *tcb, const struct tcp_seg *seg)
{
	return seq_lt(seg->opt.tsval, tcb->ts_recent) &&
	       stack->now_us - tcb->ts_recent_us < TS_VALID_US;
}

/* take_timestamp keeps what to echo (RFC 7323 4.3); only once the ACK has shown that the segment
 * is no blind guess. */
static void
take_timestamp(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (seq_gt(seg->seq, tcb->last_ack_sent))
		return;
	tcb->ts_recent = seg->opt.tsval;
	tcb->ts_recent_us = stack->now_us;
}

/* answer_unacceptable acknowledges, so that the peer finds out. Empty segments are answered
 * seldom: two ends that disagree would keep each other busy. */
static void
answer_unacceptable(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (tcp_seg_span(seg) == 0) {
		if (stack->now_us - tcb->oow_ack_us < TCP_OOW_ACK_US && tcb->oow_ack_us != 0)
			return;
		tcb->oow_ack_us = stack->now_us;
	}
	tcb->ack_now = true;
}

/* received notes that bytes came in order: the ACK may wait for a second full segment (RFC 5681
 * 4.2), or for TCP_DELACK_SEGMENTS small ones, so that crumbs are not answered one by one. What is
 * full is the longest that the peer has sent, up to the size that we announced: a frame beyond
 * that was not cut on its way and stands for several segments. */
static void
received(struct tcp_stack *stack, struct tcb *tcb, uint32_t len)
{
	bool several = len > tcp_offered_mss(stack);

	if (LIKELY(!several))
		tcb->rcv_full = MAX(tcb->rcv_full, len);
	tcb->delack_bytes += len;
	if (several || ++tcb->delack_cnt >= TCP_DELACK_SEGMENTS ||
	    tcb->delack_bytes >= 2 * tcb->rcv_full)
		tcb->ack_now = true;
	else if (tcb->deadline_us[TCP_DUE_DELACK] == TCP_NEVER)
		tcb_deadline_set(stack, tcb, TCP_DUE_DELACK, stack->now_us + TCP_DELACK_US);
}

/* deliver makes bytes in order available to tcp_read. */
static void
deliver(struct tcp_stack *stack, struct tcb *tcb, const uint8_t *data, uint32_t len)
{
	struct reader *reader = &stack->reader;

	reader->tcb = tcb;
	reader->data = data;
	reader->len = len;
	reader->seq = tcb->rcv_nxt;
	count_add(stack->ctr, CTR_tcp_old_data,
	          reasm_drop(&tcb->reasm, &stack->ooo, tcb->rcv_nxt + len));
	tcb->rcv_nxt = reasm_reach(&tcb->reasm, tcb->rcv_nxt + len);
	reader->end = tcb->rcv_nxt;
	tcb->events |= TCP_EV_READ;
	count_add(stack->ctr, CTR_tcp_payload_in, reader->end - reader->seq);
}

/* ---- the short way */

bool
input_expected(const struct tcp_stack *stack, const struct tcb *tcb, const struct tcp_seg *seg)
{
	return (seg->flags & ~TCP_PSH) == TCP_ACK && seg->seq == tcb->rcv_nxt &&
	       tcb->state == TCP_ESTABLISHED && seg->opt.has_ts == tcb->ts_ok &&
	       seg->opt.sack_cnt == 0 && tcb->reasm.head == NULL &&
	       ack_acceptable(tcb, seg) && !(tcb->ts_ok && ts_old(stack, tcb, seg)) &&
	       seg->len <= tcb_rcv_wnd(tcb) && !tcb->ooo_fin;
}

static void
expected_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (tcb->ts_ok)
		take_timestamp(stack, tcb, seg);
	if (tcb->ecn.ok)
		ecn_segment_arrives(stack, tcb, seg);
	ack_arrives(stack, tcb, seg);
	if (seg->len == 0)
		return;
	deliver(stack, tcb, seg->data, seg->len);
	received(stack, tcb, seg->len);
}

/* ---- the long way */

/* sequence_arrives is the first check, with what RFC 7323 5.3 puts before it. Returns false when
 * the segment has been dealt with. */
static bool
sequence_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	bool reset = seg->flags & TCP_RST;

	if ((seg->flags & TCP_SYN) && tcb->state != TCP_SYN_RECEIVED)
		return true;                           /* RFC 5961 4.2: whatever its number */
	if (tcb->ts_ok && !reset && !(seg->flags & TCP_SYN)) {
		if (!seg->opt.has_ts) {                /* RFC 7323 3.2 */
			count(stack->ctr, CTR_tcp_no_timestamp);
			return false;
		}
		if (ts_old(stack, tcb, seg)) {
			count(stack->ctr, CTR_tcp_paws);
			answer_unacceptable(stack, tcb, seg);
			return false;
		}
	}
	if (acceptable(tcb, seg))
		return true;
	if (reset) {
		count(stack->ctr, CTR_tcp_bad_reset);
		return false;
	}
	if (open_crossed(tcb, seg)) {
		tcb_establish(stack, tcb, seg);
		tcb->ack_now = true;
		return false;
	}
	count(stack->ctr, CTR_tcp_out_of_window);
	if (tcb->state == TCP_SYN_RECEIVED && (seg->flags & TCP_SYN) && seg->seq == tcb->irs)
		tcb->synack_now = true;                /* the peer has not seen ours */
	else if (seg->flags & TCP_SYN)
		tcb_challenge(stack, tcb);
	else
		answer_unacceptable(stack, tcb, seg);
	return false;
}

/* reset_arrives: RFC 5961 3.2. */
static void
reset_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (seg->seq == tcb->rcv_nxt) {
		tcb_finish(stack, tcb, CTR_tcp_resets_in);
		return;
	}
	count(stack->ctr, CTR_tcp_bad_reset);
	tcb_challenge(stack, tcb);
}

/* time_wait hands a connection that both sides have closed to timewait.h. */
static void
time_wait(struct tcp_stack *stack, struct tcb *tcb)
{
	tcp_set_state(tcb, TCP_TIME_WAIT);
	tcb_finish(stack, tcb, CTR_tcp_closed);
	timewait_add(stack, tcb);
}

/* own_fin_acked moves on when our FIN has been acknowledged. */
static void
own_fin_acked(struct tcp_stack *stack, struct tcb *tcb)
{
	switch (tcb->state) {
	case TCP_FIN_WAIT_1:
		tcp_set_state(tcb, TCP_FIN_WAIT_2);
		if (tcb->deaf)
			tcb_deadline_set(stack, tcb, TCP_DUE_LIFE,
			                 stack->now_us + TCP_FIN_WAIT_2_US);
		break;
	case TCP_CLOSING:
		time_wait(stack, tcb);
		break;
	case TCP_LAST_ACK:
		tcb_finish(stack, tcb, CTR_tcp_closed);
		break;
	default:
		break;
	}
}

/* ack_field_arrives is the fifth check. Returns false when the segment has been dealt with. */
static bool
ack_field_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	if (tcb->state == TCP_SYN_RECEIVED && !listen_ack(stack, tcb, seg))
		return false;
	if (!ack_acceptable(tcb, seg)) {
		count(stack->ctr, CTR_tcp_bad_ack);
		tcb_challenge(stack, tcb);             /* RFC 5961 5.2 */
		return false;
	}
	if (tcb->ts_ok)
		take_timestamp(stack, tcb, seg);
	if (tcb->ecn.ok)
		ecn_segment_arrives(stack, tcb, seg);
	ack_arrives(stack, tcb, seg);
	if (tcb_fin_acked(tcb))
		own_fin_acked(stack, tcb);
	return tcb->state != TCP_CLOSED;
}

/* text_early holds bytes that are ahead of their turn. */
static void
text_early(struct tcp_stack *stack, struct tcb *tcb, uint32_t seq, const uint8_t *data,
           uint32_t len)
{
	struct reasm_text text = {seq, len, data};
	struct reasm_took took = reasm_insert(&tcb->reasm, &stack->ooo, text,
	                                      &stack->ooo_hand);

	if (took.kept > 0)
		count(stack->ctr, CTR_tcp_ooo_segments);
	count_add(stack->ctr, CTR_tcp_old_data, took.old);
	count_add(stack->ctr, CTR_tcp_ooo_full, took.refused + took.taken);
}

/* text_arrives is the seventh step. */
static void
text_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	uint32_t old = seq_lt(seg->seq, tcb->rcv_nxt) ? tcb->rcv_nxt - seg->seq : 0;
	uint32_t seq = seg->seq + old;
	uint32_t len = seg->len - MIN(old, seg->len);
	uint32_t room = tcb->rcv_nxt + tcb_rcv_wnd(tcb) - seq;
	bool gap = tcb->reasm.head != NULL;

	count_add(stack->ctr, CTR_tcp_old_data, seg->len - len);
	if (len > room) {
		count_add(stack->ctr, CTR_tcp_beyond_window, len - room);
		len = room;
	}
	if (seg->len > 0 && len == 0)
		tcb->ack_now = true;
	if (len == 0)
		return;
	if (tcb->rcv_fin || tcb->deaf) {               /* nobody reads it any more */
		count_add(stack->ctr, CTR_tcp_after_close, len);
		if (!tcb->rcv_fin && seq == tcb->rcv_nxt)
			tcb->rcv_nxt += len;
		tcb->ack_now = true;
		return;
	}
	if (seq != tcb->rcv_nxt) {
		text_early(stack, tcb, seq, seg->data + old, len);
		tcb->ack_now = true;                   /* RFC 5681 4.2: duplicate ACK at once */
		return;
	}
	deliver(stack, tcb, seg->data + old, len);
	received(stack, tcb, len);
	tcb->ack_now |= gap;                           /* 4.2: a gap is being filled */
}

/* fin_arrives is the eighth step, for a FIN whose turn it is. */
static void
fin_arrives(struct tcp_stack *stack, struct tcb *tcb)
{
	tcb->rcv_fin = true;
	tcb->rcv_nxt++;
	tcb->ack_now = true;
	tcb->events |= TCP_EV_FIN;
	switch (tcb->state) {
	case TCP_ESTABLISHED:
		tcp_set_state(tcb, TCP_CLOSE_WAIT);
		break;
	case TCP_FIN_WAIT_1:
		tcp_set_state(tcb, TCP_CLOSING);
		break;
	case TCP_FIN_WAIT_2:
		time_wait(stack, tcb);
		break;
	default:
		break;
	}
}

/* fin_check remembers a FIN that is early and takes one whose turn it is. */
static void
fin_check(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	uint32_t fin_seq = seg->seq + seg->len;

	if (tcb->rcv_fin)
		return;
	if ((seg->flags & TCP_FIN) && in_window(tcb, fin_seq)) {
		tcb->ooo_fin = true;
		tcb->ooo_fin_seq = fin_seq;
		tcb->ack_now = true;
	}
	if (tcb->ooo_fin && tcb->ooo_fin_seq == tcb->rcv_nxt)
		fin_arrives(stack, tcb);
}

/* tcp_segment_arrives walks 3.10.7.4, "SEGMENT ARRIVES, otherwise". */
static void
tcp_segment_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	/* first, check the sequence number */
	if (!sequence_arrives(stack, tcb, seg))
		return;
	/* second, check the RST bit */
	if (seg->flags & TCP_RST) {
		reset_arrives(stack, tcb, seg);
		return;
	}
	/* third, check security: none on this host */
	/* fourth, check the SYN bit: RFC 5961 4.2 */
	if (seg->flags & TCP_SYN) {
		count(stack->ctr, CTR_tcp_bad_flags);
		tcb_challenge(stack, tcb);
		return;
	}
	/* fifth, check the ACK field */
	if (!ack_field_arrives(stack, tcb, seg))
		return;
	/* sixth, check the URG bit: urgent data is data (RFC 6093) */
	/* seventh, process the segment text */
	text_arrives(stack, tcb, seg);
	/* eighth, check the FIN bit */
	fin_check(stack, tcb, seg);
}

/* answer_arrives takes a segment in SYN-SENT; what it carries beside its SYN goes on at the
 * seventh step. */
static void
answer_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	struct tcp_seg rest = *seg;

	if (!open_answer_arrives(stack, tcb, seg) || seg->len == 0)
		return;
	rest.seq++;
	rest.flags = seg->flags & (uint8_t)~TCP_SYN;
	text_arrives(stack, tcb, &rest);
}

/* ---- where a segment goes */

/* stray_arrives takes a segment that no connection waits for. beyond: as of listen_syn. Returns the
 * connection that its cookie made, or NULL. */
static struct tcb *
stray_arrives(struct tcp_stack *stack, const struct tcp_seg *seg, const uint32_t *beyond)
{
	bool listening = ports_listening(&stack->ports, seg->dst_port);
	enum tcp_state state = listening ? TCP_LISTEN : TCP_CLOSED;
	const struct tcp_rule *rule = tcp_rule_for(state, tcp_happening_of(seg->flags));

	switch (rule->step) {
	case TCP_STEP_OPEN:
		listen_syn(stack, seg, beyond);
		return NULL;
	case TCP_STEP_COOKIE:
		return listen_cookie(stack, seg, rule->counter);
	default:
		count(stack->ctr, rule->counter);
		if (rule->step == TCP_STEP_RESET)
			control_reset_for(&stack->control, seg, stack->ctr);
		return NULL;
	}
}

/* waiting_arrives takes a segment of a connection in TIME-WAIT; a SYN may begin a new one. */
static void
waiting_arrives(struct tcp_stack *stack, struct timewait_entry *entry, const struct tcp_seg *seg)
{
	const struct tcp_rule *rule = tcp_rule_for(TCP_TIME_WAIT, tcp_happening_of(seg->flags));
	uint32_t beyond = entry->snd_nxt;

	if (rule->step != TCP_STEP_WAIT)
		count(stack->ctr, rule->counter);
	else if (timewait_arrives(stack, entry, seg))
		stray_arrives(stack, seg, &beyond);
}

static void
tcb_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	const struct tcp_rule *rule;

	tcb->last_rcv_us = stack->now_us;
	if (LIKELY(input_expected(stack, tcb, seg))) {
		expected_arrives(stack, tcb, seg);
	} else {
		rule = tcp_rule_for(tcb->state, tcp_happening_of(seg->flags));
		if (rule->step == TCP_STEP_WALK)
			tcp_segment_arrives(stack, tcb, seg);
		else if (rule->step == TCP_STEP_ANSWER)
			answer_arrives(stack, tcb, seg);
		else
			count(stack->ctr, rule->counter);
	}
}

struct tcb *
input_arrives(struct tcp_stack *stack, struct flow *flow, const struct tcp_seg *seg)
{
	struct tcb *tcb = NULL;

	if (UNLIKELY(flow == NULL))
		tcb = stray_arrives(stack, seg, NULL);
	else if (UNLIKELY(flow->kind == FLOW_TIME_WAIT))
		waiting_arrives(stack, CONTAINER_OF(flow, struct timewait_entry, flow), seg);
	else
		tcb = CONTAINER_OF(flow, struct tcb, flow);
	if (tcb != NULL)
		tcb_arrives(stack, tcb, seg);
	return tcb;
}
