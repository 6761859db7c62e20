/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is given up when memory is short, and had again. */
#include "dataplane/worker/relief.h"

enum { SHORT_SHARE = 8 };

/* short_cnt returns how many more buffers should be free. */
static uint32_t
short_cnt(const struct worker *worker)
{
	uint32_t want = (uint32_t)worker->ctr.value[CTR_arena_buffers] / SHORT_SHARE;
	uint32_t have = store_free_buffers(worker->store);

	return want - MIN(want, have);
}

bool
relief_short(const struct worker *worker)
{
	return short_cnt(worker) > 0;
}

void
relief_turn(struct worker *worker)
{
	uint32_t cnt = short_cnt(worker);

	if (UNLIKELY(cnt > 0))
		tcp_give_up(worker->tcp, cnt);
}

uint32_t
relief_ask(struct worker *worker)
{
	struct tcp_missing missing[NOTES_MAX];
	uint32_t total = 0;
	uint32_t cnt;

	do {
		cnt = tcp_missing(worker->tcp, missing, NOTES_MAX);
		total += cnt;
		for (uint32_t i = 0; i < cnt; i++) {
			struct session *session = tcp_user(missing[i].tcb);
			struct wire_reread ask = {
				.origin = missing[i].origin,
				.len = missing[i].len,
				.tag = missing[i].seq,
			};

			if (session != NULL) {
				wire_reread(worker->wire, session->peer, &ask);
			} else {
				count(&worker->ctr, CTR_rereads_late);
				tcp_abort(worker->tcp, missing[i].tcb);
			}
		}
	} while (cnt == NOTES_MAX);
	return total;
}

static void
refill(struct worker *worker, struct wire_again *again)
{
	struct session *session = wire_user(again->peer);

	if (again->span_cnt == 0) {
		count(&worker->ctr, CTR_rereads_gone);
		session_abort(worker, session);
		return;
	}
	if (tcp_refill(worker->tcp, session->tcb, again->tag, again->spans, again->span_cnt) == 0)
		return;
	for (uint32_t i = 0; i < again->span_cnt; i++)
		span_release(&again->spans[i]);
}

uint32_t
relief_reap(struct worker *worker)
{
	struct wire_again again[NOTES_MAX];
	uint32_t total = 0;
	uint32_t cnt;

	do {
		cnt = wire_reread_reap(worker->wire, again, NOTES_MAX);
		for (uint32_t i = 0; i < cnt; i++)
			refill(worker, &again[i]);
		total += cnt;
	} while (cnt == NOTES_MAX);
	return total;
}

void
relief_session(struct worker *worker, struct session *session)
{
	wire_relinquish(worker->wire, session->peer);
	tcp_give_up_unsent(worker->tcp, session->tcb);
}
