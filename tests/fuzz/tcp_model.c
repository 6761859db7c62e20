/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a peer knows, compared with what the stack does. */
#include "tests/fuzz/tcp_model.h"

#include "dataplane/tcp/output.h"

#include <string.h>

/* keepalive after the longest back-off, and what comes last of closing */
#define SILENCE_US (2ull * 3600 * 1000 * 1000)

void
tcp_model_init(struct tcp_model *model, struct lab_peer *peer)
{
	memset(model, 0, sizeof(*model));
	model->peer = peer;
}

void
tcp_model_offer(struct tcp_model *model, const struct lab_seg *seg)
{
	uint8_t wscale = (uint8_t)MIN(seg->opt.wscale, TCP_WSCALE_MAX);

	model->wnd_max = MAX(model->wnd_max, seg->wnd);
	if ((seg->flags & TCP_SYN) && seg->opt.has_wscale)
		model->wscale_max = MAX(model->wscale_max, wscale);
}

void
tcp_model_offer_any(struct tcp_model *model)
{
	model->wnd_max = UINT16_MAX;
	model->wscale_max = TCP_WSCALE_MAX;
}

/* note_open starts anew with a new connection. */
static void
note_open(struct tcp_model *model)
{
	if (lab_events(model->peer) & TCP_EV_OPEN)
		model->sent_bytes = 0;
}

void
tcp_model_sent(struct tcp_model *model, const struct lab *lab)
{
	note_open(model);
	for (uint32_t i = 0; i < lab->out_cnt; i++) {
		const struct lab_seg *seg = &lab->out[i].seg;
		uint32_t at = seg->seq - model->peer->irs - 1;

		if (lab->out[i].remote_port != model->peer->port || seg->len == 0)
			continue;
		dp_assert(at <= model->sent_bytes);    /* no gap */
		model->sent_bytes = MAX(model->sent_bytes, at + seg->len);
	}
}

static void
check_sender(const struct tcp_model *model, const struct tcb *tcb)
{
	uint64_t wnd_max = (uint64_t)model->wnd_max << model->wscale_max;
	uint32_t sent = tcb->snd_nxt - tcb->iss - 1 - tcb_fin_sent(tcb);

	dp_assert(seq_le(tcb->snd_una, tcb->snd_nxt));
	dp_assert(tcb_flight(tcb) <= wnd_max + 1 + tcb_fin_sent(tcb));
	dp_assert(sent == model->sent_bytes);
	dp_assert(tcb->acked_bytes <= model->sent_bytes);
	dp_assert(model->peer->queued == tcb->acked_bytes + tcb_queued(tcb));
}

static void
check_receiver(const struct tcp_model *model, const struct tcb *tcb)
{
	uint32_t got = tcb->rcv_nxt - tcb->irs - 1 - tcb->rcv_fin;

	if (!tcb->fin_queued)                          /* else it drops what arrives */
		dp_assert((uint32_t)model->peer->read == got);
}

/* check_timers: what keeps a connection alive does not count, only what moves it on. */
static void
check_timers(const struct lab *lab, struct tcb *tcb)
{
	bool outstanding = tcb_flight(tcb) > 0 || tcb_unsent(tcb) > 0 ||
	                   (tcb->fin_queued && !tcb_fin_acked(tcb));
	uint64_t due_us = TCP_NEVER;

	for (uint32_t which = 0; which < TCP_DEADLINE_CNT; which++) {
		if (which != TCP_DUE_KEEPALIVE && which != TCP_DUE_LIFE && which != TCP_DUE_DELACK)
			due_us = MIN(due_us, tcb->deadline_us[which]);
	}
	if (tcb->ready)
		dp_assert(tcp_output_pending(lab->stack));
	else if (outstanding || tcb_owed(tcb) != TCP_OWED_NOTHING)
		dp_assert(due_us != TCP_NEVER && tcp_next_us(lab->stack) <=
		                                 MAX(due_us, lab->now_us) + 2 * TIMER_TICK_US);
}

void
tcp_model_check(struct tcp_model *model, const struct lab *lab)
{
	struct tcb *tcb = model->peer->tcb;

	note_open(model);
	if (tcb == NULL)
		return;
	check_sender(model, tcb);
	check_receiver(model, tcb);
	check_timers(lab, tcb);
}

void
tcp_model_silence(struct lab *lab)
{
	lab_wait(lab, SILENCE_US);
	dp_assert(lab->stack->open_cnt == 0 && lab->stack->half_open_cnt == 0);
}
