/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Sessions: a connection's events become a peer's input, a peer's output a connection's queue. */
#include "dataplane/worker/enforce.h"
#include "dataplane/worker/relief.h"

enum {
	FRAGS_MAX = 64,
	FRAGS_RESERVE = 16,   /* wire_output may hold back when fewer places are left */
	LOOK_STEP = 64,       /* sessions looked at in one housekeeping */
	AHEAD_LEN = 16 * 1024, /* bytes read ahead for who waits for its turn, beside a round */
};

void
session_mark(struct worker *worker, struct session *session)
{
	if (session->queued)
		return;
	session->queued = true;
	session->next = NULL;
	*worker->pump_tail = session;
	worker->pump_tail = &session->next;
}

/* forget parts a session from both sides. Its memory goes back when it leaves the pump list. */
static void
forget(struct worker *worker, struct session *session)
{
	enforce_forget(worker, session);
	wire_close(worker->wire, session->peer, worker->now_us);
	tcp_set_user(session->tcb, NULL);
	session->tcb = NULL;
	session->peer = NULL;
	if (!session->queued)
		pool_put(&worker->sessions, session);
}

void
session_abort(struct worker *worker, struct session *session)
{
	struct tcb *tcb = session->tcb;

	forget(worker, session);
	tcp_abort(worker->tcp, tcb);
}

static void
open_session(struct worker *worker, struct tcb *tcb)
{
	struct session *session = pool_get(&worker->sessions);
	struct tcp_info info;

	if (session == NULL) {
		count(&worker->ctr, CTR_peers_full);
		tcp_abort(worker->tcp, tcb);
		return;
	}
	tcp_info(worker->tcp, tcb, &info);
	if (!enforce_admit(worker, session, info.remote_be)) {
		session->tcb = NULL;
		pool_put(&worker->sessions, session);
		tcp_abort(worker->tcp, tcb);
		return;
	}
	session->tcb = tcb;
	session->queued = false;
	session->seen_bytes = 0;
	session->seen_us = worker->now_us;
	session->named = false;
	session->span_bytes = 0;
	session->span_us = worker->now_us;
	session->rated = false;
	session->peer = wire_open(worker->wire, info.remote_be, info.remote_port, session,
	                          worker->now_us);
	if (session->peer == NULL) {
		enforce_forget(worker, session);
		session->tcb = NULL;
		pool_put(&worker->sessions, session);
		tcp_abort(worker->tcp, tcb);
		return;
	}
	tcp_set_user(tcb, session);
}

/* feed hands the peer all bytes that have come. False: the session is over. */
static bool
feed(struct worker *worker, struct session *session)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = tcp_read(worker->tcp, session->tcb, &data)) > 0) {
		if (wire_input(worker->wire, session->peer, data, len, worker->now_us) == WIRE_OK)
			continue;
		session_abort(worker, session);
		return false;
	}
	return true;
}

/* name_torrent gives the connection the congestion control and the limits of its torrent once that
 * is known. */
static void
name_torrent(struct worker *worker, struct session *session)
{
	const struct torrent *torrent = wire_torrent(session->peer);

	if (torrent == NULL)
		return;
	session->named = true;
	tcp_set_cc(worker->tcp, session->tcb, (enum tcp_cc)torrent->congestion);
	enforce_named(worker, session);
}

void
session_events(struct worker *worker, struct tcb *tcb, uint32_t events)
{
	struct session *session;

	if (events & TCP_EV_OPEN) {
		open_session(worker, tcb);
		if (tcp_user(tcb) == NULL)
			return;
	}
	session = tcp_user(tcb);
	if (session == NULL)
		return;
	if ((events & TCP_EV_READ) && !feed(worker, session))
		return;
	if (!session->named && !(events & TCP_EV_CLOSED))
		name_torrent(worker, session);
	if (events & TCP_EV_CLOSED) {
		forget(worker, session);
		return;
	}
	if (events & TCP_EV_FIN) {
		forget(worker, session);
		tcp_close(worker->tcp, tcb, worker->now_us);
		return;
	}
	session_mark(worker, session);
}

void
session_note(struct worker *worker, const struct wire_note *note)
{
	struct session *session = wire_user(note->peer);

	if (note->verdict == WIRE_CLOSE) {
		session_abort(worker, session);
		return;
	}
	if (UNLIKELY(!session->settled))
		enforce_named(worker, session);
	session_mark(worker, session);
}

static void
pump(struct worker *worker, struct session *session)
{
	struct frag frags[FRAGS_MAX];
	uint32_t cnt;

	do {
		uint32_t room_bytes = tcp_send_room(worker->tcp, session->tcb);

		cnt = wire_output(worker->wire, session->peer, room_bytes, frags, FRAGS_MAX);
		if (cnt == 0)
			break;
		if (tcp_send(worker->tcp, session->tcb, frags, cnt) == 0)
			continue;
		for (uint32_t i = 0; i < cnt; i++)
			frag_release(&frags[i]);
		session_abort(worker, session);
		return;
	} while (cnt > FRAGS_MAX - FRAGS_RESERVE);
	tcp_owner_waits(worker->tcp, session->tcb,
	                wire_wants(session->peer) ? TCP_LIMIT_DISK : TCP_LIMIT_REQUESTS);
}

/* ---- output within limited rates */

static uint32_t
frags_len(const struct frag *frags, uint32_t cnt)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < cnt; i++)
		bytes += frags[i].inline_len != 0 ? frags[i].inline_len : frags[i].span.len;
	return bytes;
}

/* give gives up to allowed_bytes, or as little more as a block is long, and returns how much it
 * was. False: the session is over. */
static bool
give(struct worker *worker, struct session *session, uint32_t allowed_bytes, uint32_t *given)
{
	struct frag frags[FRAGS_MAX];
	uint32_t cnt;

	*given = 0;
	do {
		cnt = wire_output(worker->wire, session->peer, allowed_bytes - *given, frags,
		                  FRAGS_MAX);
		if (cnt == 0)
			break;
		if (tcp_send(worker->tcp, session->tcb, frags, cnt) < 0) {
			for (uint32_t i = 0; i < cnt; i++)
				frag_release(&frags[i]);
			session_abort(worker, session);
			return false;
		}
		*given += frags_len(frags, cnt);
	} while (*given < allowed_bytes && cnt > FRAGS_MAX - FRAGS_RESERVE);
	return true;
}

/* held_back notes that a session would send more than the limits allow: what comes next is read
 * meanwhile, as far as there is memory. */
static void
held_back(struct worker *worker, struct session *session, uint32_t room_bytes)
{
	uint32_t ahead_bytes = MIN(room_bytes, session->leaf.place.quantum_bytes + AHEAD_LEN);

	tcp_owner_waits(worker->tcp, session->tcb, TCP_LIMIT_PACING);
	if (!relief_short(worker))
		wire_prepare(worker->wire, session->peer, ahead_bytes);
}

/* serve gives what a session is allowed of the room that its connection has. */
static void
serve(struct worker *worker, struct session *session, uint32_t room_bytes, uint32_t allowed_bytes)
{
	uint32_t given;
	bool more;

	if (!give(worker, session, MIN(allowed_bytes, room_bytes), &given))
		return;
	more = given < room_bytes && given >= allowed_bytes && wire_pending(session->peer);
	shaper_gave(&worker->shaper, &session->leaf, given, more);
	if (more || shape_leaf_waits(&session->leaf))
		held_back(worker, session, room_bytes);
	else
		tcp_owner_waits(worker->tcp, session->tcb, wire_wants(session->peer)
		                                                   ? TCP_LIMIT_DISK
		                                                   : TCP_LIMIT_REQUESTS);
}

/* pump_shaped is pump for a session that some rate limits. What needs no room goes out in any
 * case. */
static void
pump_shaped(struct worker *worker, struct session *session)
{
	struct shape_leaf *leaf = &session->leaf;
	uint32_t room_bytes = tcp_send_room(worker->tcp, session->tcb);
	uint32_t allowed_bytes = 0;
	uint32_t given;

	if (room_bytes > 0 && wire_pending(session->peer) && !shape_leaf_waits(leaf))
		allowed_bytes = shaper_ask(&worker->shaper, leaf, room_bytes);
	if (!shape_leaf_waits(leaf))
		serve(worker, session, room_bytes, allowed_bytes);
	else if (give(worker, session, 0, &given))
		held_back(worker, session, room_bytes);
}

uint32_t
session_turns(struct worker *worker)
{
	struct shape_leaf *leaf;
	uint32_t allowed_bytes;
	uint32_t cnt = 0;

	shaper_begin(&worker->shaper, worker->now_us);
	while ((leaf = shaper_next(&worker->shaper, &allowed_bytes)) != NULL) {
		struct session *session = CONTAINER_OF(leaf, struct session, leaf);

		serve(worker, session, tcp_send_room(worker->tcp, session->tcb), allowed_bytes);
		cnt++;
	}
	return cnt;
}

void
session_pump_all(struct worker *worker)
{
	struct session *session = worker->pump_head;

	worker->pump_head = NULL;
	worker->pump_tail = &worker->pump_head;
	while (session != NULL) {
		struct session *next = session->next;

		session->queued = false;
		if (UNLIKELY(session->tcb != NULL && session->shaped))
			pump_shaped(worker, session);
		else if (session->tcb != NULL)
			pump(worker, session);
		else
			pool_put(&worker->sessions, session);
		session = next;
	}
}

/* rate_of returns bytes a second: a division, for housekeeping. */
static COLD uint64_t
rate_of(uint64_t bytes, uint64_t us)
{
	return us > 0 ? bytes * 1000000 / us : 0;
}

uint64_t
session_rate(const struct worker *worker, const struct session *session, uint64_t acked_bytes)
{
	if (session->rated)
		return session->rate_bytes_per_s;
	return rate_of(acked_bytes - session->span_bytes, worker->now_us - session->span_us);
}

static void
measure(struct worker *worker, struct session *session, uint64_t acked_bytes)
{
	uint64_t us = worker->now_us - session->span_us;

	if (us < RATE_SPAN_US)
		return;
	session->rate_bytes_per_s = rate_of(acked_bytes - session->span_bytes, us);
	session->rated = true;
	session->span_bytes = acked_bytes;
	session->span_us = worker->now_us;
}

/* stalled_us returns for how long a session has held content while its peer took next to
 * nothing. */
static uint64_t
stalled_us(struct worker *worker, struct session *session, const struct tcp_info *info)
{
	if (info->acked_bytes - session->seen_bytes >= STALL_BYTES ||
	    (info->queued_bytes == 0 && !wire_holding(session->peer))) {
		session->seen_bytes = info->acked_bytes;
		session->seen_us = worker->now_us;
	}
	return worker->now_us - session->seen_us;
}

/* look has a session that is stalled give up what it holds while memory is short, and resets one
 * that cannot; and wakes one that has output: it may have found the connection's queue entries
 * exhausted, which nothing tells of. */
static void
look(struct worker *worker, struct session *session, bool memory_short)
{
	struct tcp_info info;
	uint64_t us;

	tcp_info(worker->tcp, session->tcb, &info);
	measure(worker, session, info.acked_bytes);
	us = stalled_us(worker, session, &info);
	if (UNLIKELY(memory_short && us >= STALL_RELIEF_US))
		relief_session(worker, session);
	if (UNLIKELY(memory_short && us >= STALL_RECLAIM_US && info.pins)) {
		count(&worker->ctr, CTR_stalled_reclaimed);
		session_abort(worker, session);
	} else if (wire_pending(session->peer)) {
		session_mark(worker, session);
	}
}

void
session_look(struct worker *worker)
{
	uint32_t cnt = worker->sessions.cnt;
	bool memory_short = relief_short(worker);

	for (uint32_t i = 0; i < LOOK_STEP && i < cnt; i++) {
		struct session *session = pool_at(&worker->sessions, worker->look_cursor);

		if (++worker->look_cursor == cnt)
			worker->look_cursor = 0;
		if (session->tcb != NULL)
			look(worker, session, memory_short);
	}
}
