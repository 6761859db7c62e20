/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The size of packets: lowered when told or when large ones vanish, raised by trying. */
#include "dataplane/tcp/pmtu.h"

#include "dataplane/tcp/stack.h"

enum {
	PROBE_FOLLOWED_BY = 4,     /* full segments, to learn early of a probe's loss (RFC 4821 7.4) */
};

/* sizes that links have: where a search goes next */
static const uint16_t sizes[] = {
	576, 1006, 1220, 1280, 1400, 1452, 1492, 1500, 2002, 4352, 8166, MTU_MAX,
};

/* sizes to fall back to when large segments vanish (RFC 8899 5.1.2, BASE_PLPMTU; RFC 879) */
static const uint16_t bases[] = {1220, 576};

/* RFC 1191 7.1, for routers that do not tell their next hop's MTU */
static const uint16_t plateaus[] = {8166, 4352, 2002, 1492, 1006, TCP_PMTU_MIN};

/* overhead returns the bytes of headers of a full segment. */
static uint32_t
overhead(const struct tcb *tcb)
{
	return IPV4_HDR_LEN + TCP_HDR_LEN + (tcb->ts_ok ? TCP_OPT_TS_LEN : 0);
}

void
pmtu_init(struct tcb *tcb)
{
	struct pmtu *pmtu = &tcb->pmtu;

	*pmtu = (struct pmtu){0};
	pmtu->max = (uint16_t)(tcb->mss + overhead(tcb));
	pmtu->mtu = pmtu->max;
	pmtu->high = pmtu->max;
	tcb->pmtu_on = PMTU_WANT_PROOF;
}

/* use changes the size of the packets that are sent; what was awaited of the former is off. */
static void
use(struct tcb *tcb, uint32_t mtu)
{
	struct pmtu *pmtu = &tcb->pmtu;

	dp_assert(mtu <= pmtu->max && mtu > overhead(tcb));
	pmtu->mtu = (uint16_t)mtu;
	pmtu->rto_cnt = 0;
	tcb->mss = (uint16_t)(mtu - overhead(tcb));
	tcb->cc.mss = tcb->mss;
	tcb->cc.cwnd_bytes = MAX(tcb->cc.cwnd_bytes, (uint32_t)tcb->mss);
	tcb->pmtu_on = PMTU_WANT_PROOF | (mtu < pmtu->max ? PMTU_SMALLER : 0);
}

/* lower goes down to what a router told; nothing larger is tried for a while (RFC 1191 6.3). */
static void
lower(struct tcp_stack *stack, struct tcb *tcb, uint32_t mtu)
{
	struct pmtu *pmtu = &tcb->pmtu;

	pmtu->high = (uint16_t)mtu;
	pmtu->arrived = 0;
	pmtu->probes_lost = 0;
	pmtu->search_us = stack->now_us + TCP_PMTU_RAISE_US;
	use(tcb, mtu);
	count(stack->ctr, CTR_tcp_mtu_lowered);
}

/* ---- told by routers */

static uint32_t
plateau_below(uint32_t len)
{
	for (uint32_t i = 0; i < ARRAY_CNT(plateaus); i++) {
		if (plateaus[i] < len)
			return plateaus[i];
	}
	return len;
}

static bool
is_probe(const struct tcb *tcb, uint32_t seq)
{
	const struct pmtu *pmtu = &tcb->pmtu;

	return (tcb->pmtu_on & PMTU_PROBE) && seq_ge(seq, pmtu->probe_seq) &&
	       seq_lt(seq, pmtu->probe_end);
}

/* probe_told: the probe was too large, the present size is not. Recovery will find it lost. */
static void
probe_told(struct tcp_stack *stack, struct tcb *tcb, uint32_t mtu)
{
	tcb->pmtu.high = (uint16_t)mtu;
	tcb->pmtu.search_us = stack->now_us + (mtu > tcb->pmtu.mtu ? 0 : TCP_PMTU_RAISE_US);
	count(stack->ctr, CTR_tcp_icmp_soft);
}

/* doubt keeps a claim until the timer speaks for it or an acknowledgement against it. Of two the
 * larger is the lesser harm. */
static void
doubt(struct tcp_stack *stack, struct tcb *tcb, uint32_t mtu, uint32_t seq)
{
	struct pmtu *pmtu = &tcb->pmtu;

	count(stack->ctr, CTR_tcp_mtu_doubted);
	if ((tcb->pmtu_on & PMTU_CLAIM) && pmtu->claim >= mtu)
		return;
	pmtu->claim = (uint16_t)mtu;
	pmtu->claim_seq = seq;
	tcb->pmtu_on |= PMTU_CLAIM;
}

void
pmtu_told(struct tcp_stack *stack, struct tcb *tcb, const struct ip_icmp *err)
{
	const struct pmtu *pmtu = &tcb->pmtu;
	bool probe = is_probe(tcb, err->seq);
	uint32_t sent = probe ? pmtu->probe : pmtu->mtu;
	/* some routers quote a length that is too large (RFC 1191 5) */
	uint32_t mtu = err->mtu != 0 ? err->mtu : plateau_below(MIN(sent, err->quoted_len));
	uint32_t newly_lost;

	if (mtu < TCP_PMTU_MIN || mtu >= sent || tcb_flight(tcb) + overhead(tcb) <= mtu) {
		count(stack->ctr, CTR_tcp_mtu_refused);
		return;
	}
	if (probe && mtu >= pmtu->mtu) {
		probe_told(stack, tcb, mtu);
		return;
	}
	if (mtu < pmtu->arrived) {                     /* RFC 5927 7.2 */
		doubt(stack, tcb, mtu, err->seq);
		return;
	}
	lower(stack, tcb, mtu);
	newly_lost = tcb->board.newly_lost_bytes;
	if (scoreboard_lose_longer(&tcb->board, tcb->mss))
		tcb->again_force = true;               /* RFC 1191 6.4: now, and cwnd stays: ... */
	tcb->board.newly_lost_bytes = newly_lost;      /* ... this is no congestion */
	if (tcb->phase == TCP_PHASE_OPEN)              /* duplicates for it are no loss */
		tcb->recover_seq = tcb->snd_nxt;
}

/* ---- silence */

static uint32_t
base_below(uint32_t mtu)
{
	for (uint32_t i = 0; i < ARRAY_CNT(bases); i++) {
		if (bases[i] < mtu)
			return bases[i];
	}
	return mtu;
}

/* is_swallowed tells whether a timeout may be due to the size of the first segment: it is large,
 * and nothing large beyond it has arrived. */
static bool
is_swallowed(const struct tcb *tcb, uint32_t base)
{
	const struct sent *sent = tcb->board.head;
	uint32_t len = base - overhead(tcb);

	if (base == tcb->pmtu.mtu || sent == NULL || sent->end - sent->seq <= len)
		return false;
	for (; sent != NULL; sent = sent->next) {
		if ((sent->flags & SENT_SACKED) && sent->end - sent->seq > len)
			return false;
	}
	return true;
}

/* step_down goes to the next smaller base after some timeouts of a large segment (RFC 4821 7.7,
 * 8899 4.3). Losses alone time out too: it takes more of them where that size has arrived. */
static void
step_down(struct tcp_stack *stack, struct tcb *tcb)
{
	struct pmtu *pmtu = &tcb->pmtu;
	uint32_t base = base_below(pmtu->mtu);
	bool proven = pmtu->arrived == pmtu->mtu;

	if (!is_swallowed(tcb, base)) {
		pmtu->rto_cnt = 0;
		return;
	}
	if (++pmtu->rto_cnt < (proven ? TCP_BLACK_HOLE_RTOS_PROVEN : TCP_BLACK_HOLE_RTOS))
		return;
	pmtu->high = pmtu->max;
	pmtu->arrived = 0;
	pmtu->probes_lost = 0;
	pmtu->search_us = stack->now_us;
	use(tcb, base);
	count(stack->ctr, CTR_tcp_black_holes);
}

/* probe_over ends the wait for a probe that was lost. After TCP_PMTU_PROBES_MAX its size and what
 * is larger are given up for a while. */
static void
probe_over(struct tcp_stack *stack, struct tcb *tcb)
{
	struct pmtu *pmtu = &tcb->pmtu;

	tcb->pmtu_on &= (uint8_t)~PMTU_PROBE;
	count(stack->ctr, CTR_tcp_mtu_probes_lost);
	if (pmtu->high < pmtu->probe) {                /* a router told already */
		pmtu->probes_lost = 0;
	} else if (++pmtu->probes_lost >= TCP_PMTU_PROBES_MAX) {
		pmtu->probes_lost = 0;
		pmtu->high = pmtu->mtu;
		pmtu->search_us = stack->now_us + TCP_PMTU_RAISE_US;
	}
}

void
pmtu_timed_out(struct tcp_stack *stack, struct tcb *tcb)
{
	struct pmtu *pmtu = &tcb->pmtu;

	if (tcb->pmtu_on & PMTU_PROBE)
		probe_over(stack, tcb);
	if (tcb->pmtu_on & PMTU_CLAIM) {               /* RFC 5927 7.2: no progress */
		lower(stack, tcb, pmtu->claim);
		return;
	}
	if (pmtu->rto_una != tcb->snd_una) {
		pmtu->rto_una = tcb->snd_una;
		pmtu->rto_cnt = 0;
	}
	step_down(stack, tcb);
}

/* ---- trying */

/* next_size returns the size to try; at most the present one when there is none. */
static uint32_t
next_size(const struct tcp_stack *stack, const struct tcb *tcb)
{
	const struct pmtu *pmtu = &tcb->pmtu;
	uint32_t high = pmtu->high;

	if (stack->now_us < pmtu->search_us)
		return 0;
	if (high <= pmtu->mtu)                         /* long ago: all may be otherwise now */
		high = pmtu->max;
	for (uint32_t i = 0; i < ARRAY_CNT(sizes); i++) {
		if (sizes[i] > pmtu->mtu)
			return MIN(sizes[i], high);
	}
	return high;
}

/* is_calm tells whether a lost probe would be the only thing amiss. */
static bool
is_calm(const struct tcb *tcb)
{
	return tcb->phase == TCP_PHASE_OPEN && tcb->sack_ok && tcb->reasm.head == NULL &&
	       tcb->board.lost_bytes == 0 && tcb->board.sacked_bytes == 0 &&
	       (tcb->pmtu_on & (PMTU_PROBE | PMTU_CLAIM)) == 0 &&
	       tcb->pmtu.arrived == tcb->pmtu.mtu;
}

uint32_t
pmtu_probe_len(const struct tcp_stack *stack, const struct tcb *tcb, uint32_t len)
{
	uint32_t size = next_size(stack, tcb);
	uint32_t followed = PROBE_FOLLOWED_BY * tcb->mss;
	uint32_t edge = tcb->snd_una + tcb->snd_wnd;
	uint32_t usable = seq_gt(edge, tcb->snd_nxt) ? edge - tcb->snd_nxt : 0;
	uint32_t cwnd = tcb->cc.cwnd_bytes;
	uint32_t probe_len;

	if (size <= tcb->pmtu.mtu || !is_calm(tcb))
		return len;
	probe_len = size - overhead(tcb);
	/* RFC 4821 7.4: window and data for the probe and for what tells of its loss */
	if (MIN(tcb_unsent(tcb), MIN(usable, cwnd)) < probe_len + followed ||
	    cwnd - MIN(cwnd, tcb_pipe(tcb)) < probe_len)
		return len;
	return probe_len;
}

void
pmtu_sent(struct tcp_stack *stack, struct tcb *tcb, struct tcp_range data)
{
	struct pmtu *pmtu = &tcb->pmtu;
	uint32_t len = data.end - data.start;

	if (len > tcb->mss) {
		pmtu->probe = (uint16_t)(len + overhead(tcb));
		if (pmtu->probe > pmtu->high)          /* a new search */
			pmtu->high = pmtu->max;
		pmtu->probe_seq = data.start;
		pmtu->probe_end = data.end;
		tcb->pmtu_on |= PMTU_PROBE;
		count(stack->ctr, CTR_tcp_mtu_probes);
	} else if (len == tcb->mss && (tcb->pmtu_on & PMTU_WANT_PROOF)) {
		pmtu->proof_end = data.end;
		tcb->pmtu_on ^= PMTU_WANT_PROOF | PMTU_PROOF;
	}
}

void
pmtu_acked(struct tcp_stack *stack, struct tcb *tcb)
{
	struct pmtu *pmtu = &tcb->pmtu;

	if ((tcb->pmtu_on & PMTU_CLAIM) && seq_gt(tcb->snd_una, pmtu->claim_seq))
		tcb->pmtu_on &= (uint8_t)~PMTU_CLAIM;
	if ((tcb->pmtu_on & PMTU_PROOF) && seq_ge(tcb->snd_una, pmtu->proof_end)) {
		tcb->pmtu_on &= (uint8_t)~PMTU_PROOF;
		pmtu->arrived = pmtu->mtu;
	}
	if ((tcb->pmtu_on & PMTU_PROBE) && seq_ge(tcb->snd_una, pmtu->probe_end)) {
		use(tcb, pmtu->probe);
		tcb->pmtu_on &= (uint8_t)~PMTU_WANT_PROOF;
		pmtu->arrived = pmtu->mtu;
		pmtu->probes_lost = 0;
		if (pmtu->mtu >= pmtu->high)
			pmtu->search_us = stack->now_us + TCP_PMTU_RAISE_US;
		count(stack->ctr, CTR_tcp_mtu_raised);
	}
}

bool
pmtu_probe_lost(struct tcp_stack *stack, struct tcb *tcb, uint32_t newly_lost)
{
	const struct pmtu *pmtu = &tcb->pmtu;
	const struct sent *head = tcb->board.head;

	if ((tcb->pmtu_on & PMTU_PROBE) == 0 || head == NULL || head->seq != pmtu->probe_seq ||
	    head->end != pmtu->probe_end || newly_lost != head->end - head->seq)
		return false;
	dp_assert(head->flags & SENT_LOST);
	probe_over(stack, tcb);
	return true;
}
