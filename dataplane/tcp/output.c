/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a connection may send, and sending it: order of urgency, SWS avoidance, segmentation, the
 * round robin. Packets are made in packet.c. */
#include "dataplane/tcp/output.h"

#include "dataplane/tcp/packet.h"
#include "dataplane/tcp/ready.h"
#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/steer.h"
#include "dataplane/tcp/timers.h"

enum { SEGMENT_COST = 64 };            /* bytes that a segment costs beside its payload */

/* ---- what may be sent */

/* payload_max returns the bytes of a full segment now. */
static uint32_t
payload_max(const struct tcb *tcb)
{
	uint32_t sack_len = tcp_options_sack_len(packet_sack_cnt(tcb));

	return tcb->mss > sack_len + TCP_MSS_MIN / 2 ? tcb->mss - sack_len : tcb->mss / 2;
}

static uint32_t
usable_window(const struct tcb *tcb)
{
	uint32_t edge = tcb->snd_una + tcb->snd_wnd;

	return seq_gt(edge, tcb->snd_nxt) ? edge - tcb->snd_nxt : 0;
}

/* new_len returns the bytes of new data that the peer's window lets into the next segment
 * (RFC 9293 3.8.6.2.1; what is queued is always pushed, there is no Nagle). */
static uint32_t
new_len(const struct tcb *tcb)
{
	uint32_t unsent = tcb_unsent(tcb);
	uint32_t full = payload_max(tcb);
	uint32_t len = MIN(MIN(unsent, full), usable_window(tcb));

	if (len < full && len < unsent && len < tcb->snd_wnd_max / 2)
		return 0;                      /* the persist timer overrides */
	return len;
}

bool
tcb_window_allows(const struct tcb *tcb)
{
	return new_len(tcb) > 0;
}

/* cwnd_allows tells whether len more bytes fit the congestion window. One segment always may be
 * in flight. */
static bool
cwnd_allows(const struct tcb *tcb, uint32_t len)
{
	uint32_t pipe = tcb_pipe(tcb);

	return pipe == 0 || (pipe < tcb->cc.cwnd_bytes && tcb->cc.cwnd_bytes - pipe >= len);
}

/* wants_again tells whether the window lets something be sent again. */
static bool
wants_again(struct tcb *tcb)
{
	const struct sent *sent = scoreboard_next_again(&tcb->board);

	if (sent == NULL || tcb->undo.frto == FRTO_NEW)
		return false;
	return cwnd_allows(tcb, MIN(sent->end - sent->seq, tcb->mss));
}

/* lacks tells whether some of the len bytes at seq, which are to leave, were given up: they are
 * wanted then. */
static inline bool
lacks(struct tcb *tcb, enum sendq_reader reader, uint32_t seq, uint32_t len)
{
	return sendq_lacks(&tcb->sendq, reader, (struct tcp_range){seq, seq + MIN(len, tcb->mss)});
}

static bool
owes_again(struct tcb *tcb)
{
	const struct sent *sent = scoreboard_next_again(&tcb->board);

	if (sent == NULL || (!tcb->again_force && (tcb->pace.shut || !wants_again(tcb))))
		return false;
	return !lacks(tcb, SENDQ_AGAIN, sent->seq, sent->end - sent->seq);
}

static bool
owes_new(struct tcb *tcb)
{
	uint32_t len = new_len(tcb);

	if (len > 0)
		return !tcb->pace.shut && cwnd_allows(tcb, len) &&
		       !lacks(tcb, SENDQ_NEW, tcb->snd_nxt, len);
	return tcb->fin_queued && tcb->snd_nxt == tcb->sendq.end && cwnd_allows(tcb, 1);
}

bool
tcb_paced(struct tcb *tcb)
{
	uint32_t len;

	if (!tcb->pace.shut)
		return false;
	if (tcb->board.again != NULL && wants_again(tcb))
		return true;
	len = new_len(tcb);
	return len > 0 && cwnd_allows(tcb, len);
}

/* held_back tells whether the window keeps data waiting, or pacing does while at least half of the
 * window is out (RFC 7661 4.3): then it may grow. */
static bool
held_back(const struct tcb *tcb)
{
	uint32_t len = new_len(tcb);

	if (len == 0)
		return false;
	return !cwnd_allows(tcb, len) ||
	       (tcb->pace.shut && tcb_pipe(tcb) >= tcb->cc.cwnd_bytes / 2);
}

/* owes_probe: the window may have opened, and all been sent, since the timer asked for a probe. */
static bool
owes_probe(struct tcb *tcb)
{
	if (!tcb->probe_now)
		return false;
	if (tcb->probe_out)
		return !lacks(tcb, SENDQ_AGAIN, tcb->snd_una, 1);
	return tcb_flight(tcb) == 0 && tcb_unsent(tcb) > 0 &&
	       !lacks(tcb, SENDQ_NEW, tcb->snd_nxt, 1);
}

/* tail_probe returns what a tail loss probe sends again. Something is in flight. */
static struct tcp_range
tail_probe(const struct tcb *tcb)
{
	const struct sent *tail = tcb->board.tail;
	struct tcp_range range = {tail->seq, tail->end};
	uint32_t len = seq_min(range.end, tcb->sendq.end) - range.start;

	if (len > payload_max(tcb))
		range.start += len - payload_max(tcb);
	return range;
}

/* tlp_lacks tells whether a tail loss probe's bytes were given up. */
static bool
tlp_lacks(struct tcb *tcb)
{
	if (new_len(tcb) > 0)
		return lacks(tcb, SENDQ_NEW, tcb->snd_nxt, new_len(tcb));
	return tcb->board.tail != NULL &&
	       lacks(tcb, SENDQ_AGAIN, tail_probe(tcb).start, tcb->mss);
}

/* owes_data returns what is owed of data; nothing, when the most urgent of it was given up: what
 * follows would take its place in the window. */
static enum tcp_owed
owes_data(struct tcb *tcb)
{
	if (tcb->board.again != NULL && owes_again(tcb))
		return TCP_OWED_AGAIN;
	if (sendq_wants(&tcb->sendq) != NULL)
		return TCP_OWED_NOTHING;
	if (tcb->tlp.now)
		return tlp_lacks(tcb) ? TCP_OWED_NOTHING : TCP_OWED_TLP;
	if (tcb->sendq.head == NULL && !tcb->fin_queued)
		return TCP_OWED_NOTHING;
	if (owes_new(tcb))
		return TCP_OWED_NEW;
	return owes_probe(tcb) ? TCP_OWED_PROBE : TCP_OWED_NOTHING;
}

enum tcp_owed
tcb_owed(struct tcb *tcb)
{
	enum tcp_owed owed;

	if (tcb->synack_now)
		return TCP_OWED_SYN;
	sendq_unwant(&tcb->sendq);
	owed = owes_data(tcb);
	if (owed != TCP_OWED_NOTHING)
		return owed;
	if (tcb->keepalive_now)
		return TCP_OWED_KEEPALIVE;
	return tcb->ack_now ? TCP_OWED_ACK : TCP_OWED_NOTHING;
}

/* burst_room returns the bytes of new data, of those queued, that both windows let leave now. */
static uint32_t
burst_room(const struct tcb *tcb)
{
	uint32_t cwnd = tcb->cc.cwnd_bytes;
	uint32_t room = MIN(usable_window(tcb), cwnd - MIN(cwnd, tcb_pipe(tcb)));

	return MIN(room, tcb_unsent(tcb));
}

/* plain tells whether new data leaves in full segments that differ in nothing but their number:
 * none has CWR or SACK blocks. */
static bool
plain(const struct tcb *tcb, uint32_t len)
{
	return len == tcb->mss && packet_sack_cnt(tcb) == 0 && !tcb->ecn.cwr;
}

/* tso_len returns the bytes of the next packet of new data: len, which is what a segment may have,
 * or several segments that the device cuts. Those are full but for the end of what is queued, and
 * none is to carry FIN. */
static uint32_t
tso_len(const struct tcp_stack *stack, const struct tcb *tcb, uint32_t len)
{
	uint32_t most = MIN(stack->config.tso_max, pace_burst_bytes(&tcb->pace));
	uint32_t unsent = tcb_unsent(tcb);
	uint32_t room;

	if (!plain(tcb, len) || tcb->pace.mss != tcb->mss)
		return len;
	room = MIN(most, burst_room(tcb));
	if (room == unsent && !tcb->fin_queued)
		return unsent;
	return MAX(len, pace_segments(&tcb->pace, MIN(room, unsent - 1)) * tcb->mss);
}

/* ---- making segments */

static void
count_again(struct tcp_stack *stack, struct tcb *tcb, const struct pkt_out *pkt)
{
	tcb->last_send_us = stack->now_us;
	tcb->retransmit_bytes += pkt->payload_len;
	pace_charge(&tcb->pace, pkt->payload_len, stack->now_us);
	count(stack->ctr, CTR_tcp_retransmits);
	count_add(stack->ctr, CTR_tcp_retransmit_bytes, pkt->payload_len);
}

static void
make_again(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt)
{
	struct sent *sent = scoreboard_next_again(&tcb->board);
	uint32_t data_len = seq_min(sent->end, tcb->sendq.end) - sent->seq;
	struct tcp_range range = {sent->seq, sent->end};
	uint32_t len;

	if (data_len > payload_max(tcb))
		range.end = range.start + payload_max(tcb);
	len = packet_make(stack, tcb, pkt,
	                   &(struct packet_content){.range = range, .reader = SENDQ_AGAIN});
	range.end = range.start + len;
	scoreboard_resent(&tcb->board, &stack->records, sent, len, stack->now_us);
	recovery_sent(stack, tcb, range, true);
	tcb->again_force = false;
	tcb->probe_now = false;
	count_again(stack, tcb, pkt);
}

/* record_left tells whether new data may take a flight record. The last sixteenth is for splitting
 * what is in flight: without it a loss could not be repaired segment by segment. */
static bool
record_left(const struct tcp_stack *stack, const struct tcb *tcb)
{
	const struct pool *records = &stack->records;

	return records->free_cnt > (tcb_flight(tcb) > 0 ? records->cnt >> 4 : 0);
}

/* turn_charge takes a packet off what a connection may send in its turn. */
static void
turn_charge(struct tcb *tcb, uint32_t bytes)
{
	tcb->deficit_bytes -= (int32_t)bytes + SEGMENT_COST;
}

/* sent_new notes that new data, or FIN, has left in one packet, or several that fit a run. */
static void
sent_new(struct tcp_stack *stack, struct tcb *tcb, struct tcp_range range)
{
	if (scoreboard_sent(&tcb->board, &stack->records, range, stack->now_us) ==
	    SCOREBOARD_COARSE)
		count(stack->ctr, CTR_tcp_records_coarse);
	tcb->snd_nxt = range.end;
	tcb_deadline_clear(tcb, TCP_DUE_PTO);  /* RFC 8985 7.2: started anew by settle */
	recovery_sent(stack, tcb, range, false);
	tcb->probe_now = false;
	tcb->last_send_us = stack->now_us;
}

/* sent_burst notes that new data has left in segments: runs are as long as they may be. */
static void
sent_burst(struct tcp_stack *stack, struct tcb *tcb, struct tcp_range range)
{
	while (!scoreboard_fits(&tcb->board, range.end) && range.end - range.start > tcb->mss) {
		uint32_t at = range.start + tcb->mss;

		sent_new(stack, tcb, (struct tcp_range){range.start, at});
		range.start = at;
	}
	sent_new(stack, tcb, range);
}

/* send_new makes a packet of the next len bytes, and of FIN when it follows them; tso_mss as in
 * struct pkt_out. Returns false when no record of it can be kept. */
static bool
send_new(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt, uint32_t len,
         uint16_t tso_mss)
{
	struct tcp_range range = {tcb->snd_nxt, tcb->snd_nxt + len};

	if (!record_left(stack, tcb)) {
		count(stack->ctr, CTR_tcp_no_record);
		return false;
	}
	if (tcb->fin_queued && range.end == tcb->sendq.end)
		range.end++;
	range.end = range.start + packet_make(stack, tcb, pkt,
	                                       &(struct packet_content){range, SENDQ_NEW, tso_mss});
	if (UNLIKELY(tcb->pmtu_on & PMTU_ON_SEND)) {
		len = pkt->tso_mss != 0 ? pkt->tso_mss : pkt->payload_len;
		pmtu_sent(stack, tcb, (struct tcp_range){range.start, range.start + len});
	}
	pace_charge(&tcb->pace, pkt->payload_len, stack->now_us);
	sent_new(stack, tcb, range);
	return true;
}

/* resume lets the sender begin again from nothing in flight. */
static COLD void
resume(struct tcp_stack *stack, struct tcb *tcb)
{
	uint32_t cwnd_bytes = tcb->cc.cwnd_bytes;

	steer_resumed(stack, tcb);
	if (tcb->cc.cwnd_bytes != cwnd_bytes)
		why_trace(stack, tcb, TRACE_restart, stack->now_us - tcb->last_send_us,
		          tcb->cc.cwnd_bytes);
}

/* next_len returns the bytes of the next segment of a burst, where at is reached and room bytes may
 * follow. FIN, and what it leaves with, is not of a burst. */
static uint32_t
next_len(const struct tcb *tcb, uint32_t at, uint32_t room)
{
	uint32_t unsent = tcb->sendq.end - at;

	if (room >= unsent && tcb->fin_queued)
		room = unsent - MIN(unsent, 1u);
	if (room >= tcb->mss)
		return tcb->mss;
	return room == unsent ? unsent : 0;
}

/* make_burst makes up to max full segments of new data, and what of it is too little for one at the
 * end of the queue, as windows, pacing and the turn allow. What each of them changes beyond that is
 * done once. The first is allowed. Returns how many. */
static uint16_t
make_burst(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkts, uint16_t max)
{
	struct tcp_range range = {tcb->snd_nxt, tcb->snd_nxt + tcb->mss};
	uint32_t room = MAX(burst_room(tcb), (uint32_t)tcb->mss);
	uint32_t len;
	uint16_t cnt = 1;

	len = packet_make(stack, tcb, &pkts[0], &(struct packet_content){range, SENDQ_NEW, 0});
	if (UNLIKELY(tcb->pmtu_on & PMTU_ON_SEND))
		pmtu_sent(stack, tcb, (struct tcp_range){range.start, range.start + len});
	range.end = range.start + len;
	for (;;) {
		room -= len;
		pace_charge(&tcb->pace, len, stack->now_us);
		turn_charge(tcb, len);
		len = next_len(tcb, range.end, room);
		if (len == 0 || cnt == max || tcb->pace.shut || tcb->deficit_bytes <= 0 ||
		    lacks(tcb, SENDQ_NEW, range.end, len))
			break;
		len = packet_make_next(tcb, &pkts[cnt], &pkts[cnt - 1],
		                       (struct tcp_range){range.end, range.end + len});
		range.end += len;
		cnt++;
	}
	packet_count(stack, cnt - 1u, range.end - range.start - pkts[0].payload_len);
	sent_burst(stack, tcb, range);
	return cnt;
}

/* make_new makes new data: up to max packets. Returns how many. */
static uint16_t
make_new(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkts, uint16_t max)
{
	uint16_t tso_mss = stack->config.tso_max > 0 ? tcb->mss : 0;
	uint32_t len;

	if (tcb_flight(tcb) == 0)
		resume(stack, tcb);
	len = new_len(tcb);
	if (UNLIKELY(tcb->pmtu_on & PMTU_SMALLER)) {
		uint32_t probe_len = pmtu_probe_len(stack, tcb, len);

		tso_mss = probe_len == len ? tso_mss : 0;
		len = probe_len;
	}
	if (max > 1 && tso_mss == 0 && plain(tcb, len) && record_left(stack, tcb) &&
	    (!tcb->fin_queued || tcb_unsent(tcb) > len))
		return make_burst(stack, tcb, pkts, max);
	if (tso_mss != 0)
		len = tso_len(stack, tcb, len);
	if (!send_new(stack, tcb, pkts, len, tso_mss))
		return 0;
	turn_charge(tcb, pkts->payload_len);
	return 1;
}

/* make_probe sends one byte beyond a shut window, or what fits one that is open a little
 * (RFC 9293 3.8.6.1, 3.8.6.2.1). */
static bool
make_probe(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt)
{
	uint32_t len = MIN(MIN(tcb_unsent(tcb), usable_window(tcb)), payload_max(tcb));

	count(stack->ctr, CTR_tcp_probes);
	tcb->probe_now = false;
	if (tcb->probe_out) {
		scoreboard_lose_first(&tcb->board, &stack->records, tcb->mss);
		make_again(stack, tcb, pkt);
		why_trace(stack, tcb, TRACE_probe, pkt->payload_len, 1);
		return true;
	}
	dp_assert(tcb_unsent(tcb) > 0);
	if (!send_new(stack, tcb, pkt, MAX(len, 1u), 0))
		return false;
	tcb->probe_out = len == 0;
	why_trace(stack, tcb, TRACE_probe, pkt->payload_len, 1);
	return true;
}

/* make_tlp sends new data if the peer's window lets it, else the last segment again, whatever the
 * congestion window (RFC 8985 7.3, TLP_send_probe). */
static bool
make_tlp(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt)
{
	struct tcp_range range;
	uint32_t len = new_len(tcb);

	tcb->tlp.now = false;
	if ((len > 0 || (tcb->fin_queued && tcb->snd_nxt == tcb->sendq.end)) &&
	    send_new(stack, tcb, pkt, len, 0)) {
		tlp_sent(stack, tcb, false);
		return true;
	}
	if (tcb->board.tail == NULL)
		return false;
	range = tail_probe(tcb);
	if (lacks(tcb, SENDQ_AGAIN, range.start, 1))
		return false;
	range.end = range.start +
	            packet_make(stack, tcb, pkt,
	                         &(struct packet_content){.range = range, .reader = SENDQ_AGAIN});
	scoreboard_probed(&tcb->board, &stack->records, range, stack->now_us);
	tlp_sent(stack, tcb, true);
	count_again(stack, tcb, pkt);
	return true;
}

/* make_bare makes a segment without data. */
static void
make_bare(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt, uint32_t seq)
{
	packet_make(stack, tcb, pkt,
	            &(struct packet_content){.range = {seq, seq}, .reader = SENDQ_NEW});
}

/* make_one makes the one segment that is owed, of all but new data. Returns false when it could
 * not. */
static bool
make_one(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkt, enum tcp_owed owed)
{
	switch (owed) {
	case TCP_OWED_SYN:
		packet_make_syn(stack, tcb, pkt);
		return true;
	case TCP_OWED_AGAIN:
		make_again(stack, tcb, pkt);
		why_trace(stack, tcb, TRACE_resent, pkt->payload_len, 1);
		return true;
	case TCP_OWED_TLP:
		return make_tlp(stack, tcb, pkt);
	case TCP_OWED_PROBE:
		return make_probe(stack, tcb, pkt);
	case TCP_OWED_KEEPALIVE:               /* RFC 1122 4.2.3.6 */
		tcb->keepalive_now = false;
		make_bare(stack, tcb, pkt, tcb->snd_nxt - 1);
		return true;
	case TCP_OWED_ACK:
		make_bare(stack, tcb, pkt, tcb->snd_nxt);
		return true;
	default:
		return false;
	}
}

/* make_owed makes up to max packets of what is owed. Returns how many; 0: it could not. */
static uint16_t
make_owed(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkts, uint16_t max,
          enum tcp_owed owed)
{
	if (owed == TCP_OWED_NEW)
		return make_new(stack, tcb, pkts, max);
	if (!make_one(stack, tcb, pkts, owed))
		return 0;
	turn_charge(tcb, pkts->payload_len);
	return 1;
}

/* ---- the round */

/* quantum returns the bytes a connection sends before the next has its turn: at least the longest
 * packet, so that each turn ends with something to spare. */
static int32_t
quantum(const struct tcp_stack *stack)
{
	return (int32_t)MAX((uint32_t)TCP_QUANTUM, stack->config.tso_max + SEGMENT_COST);
}

/* tcb_output makes what one connection may send in its turn; *owed is what it owes then. Returns
 * how many packets. */
static uint16_t
tcb_output(struct tcp_stack *stack, struct tcb *tcb, struct pkt_out *pkts, uint16_t max,
           enum tcp_owed *owed)
{
	uint16_t cnt = 0;

	pace_settle(&tcb->pace, stack->now_us);
	*owed = tcb_owed(tcb);
	while (cnt < max && tcb->deficit_bytes > 0 && *owed != TCP_OWED_NOTHING) {
		uint16_t made = make_owed(stack, tcb, pkts + cnt, max - cnt, *owed);

		cnt += made;
		*owed = tcb_owed(tcb);
		if (made == 0)
			break;
	}
	if (held_back(tcb)) {
		tcb->cwnd_limited = true;
		tcb->cwnd_limited_seq = tcb->snd_nxt;
	}
	return cnt;
}

uint16_t
tcp_output(struct tcp_stack *stack, struct pkt_out *pkts, uint16_t max, uint64_t now_us)
{
	struct tcb *tcb;
	uint16_t cnt;

	tcp_enter(stack, now_us);
	cnt = control_output(&stack->control, pkts, max, stack->ctr);
	while (cnt < max && (tcb = stack->ready_head) != NULL) {
		enum tcp_owed owed;
		uint16_t made;

		ready_prefetch(tcb);
		if (tcb->deficit_bytes <= 0)
			tcb->deficit_bytes += quantum(stack);
		made = tcb_output(stack, tcb, pkts + cnt, max - cnt, &owed);
		cnt += made;
		if (cnt == max && tcb->deficit_bytes > 0 && owed != TCP_OWED_NOTHING)
			break;                         /* its turn goes on in the next call */
		ready_remove(stack, tcb);
		/* back to the end if it owes more */
		tcb_settle_owing(stack, tcb, owed != TCP_OWED_NOTHING);
		if (!tcb->ready)
			tcb->deficit_bytes = 0;
		else if (made == 0)
			break;                         /* owes, but cannot: no record */
	}
	if (stack->ready_head != NULL)
		tcb_settle(stack, stack->ready_head);
	return cnt;
}

bool
tcp_output_pending(const struct tcp_stack *stack)
{
	return stack->control.cnt > 0 || stack->ready_head != NULL;
}
