/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The life of a session: coming, going, and its counters. */
#include "control/session.h"

#include "control/session_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
session_create(struct session **session, struct registry *registry,
               const struct classes *classes)
{
	*session = calloc(1, sizeof(**session));
	if (*session == NULL)
		return -ENOMEM;
	(*session)->registry = registry;
	(*session)->classes = classes;
	return 0;
}

void
session_destroy(struct session *session)
{
	if (session == NULL)
		return;
	session_detach(session);
	stats_close(session->stats);
	id_list_free(&session->foreign);
	id_list_free(&session->to_activate);
	id_list_free(&session->to_refuse);
	free(session);
}

enum session_phase
session_phase(const struct session *session)
{
	return session->phase;
}

int
session_fd(const struct session *session)
{
	return session->client != NULL ? dpclient_fd(session->client) : -1;
}

short
session_poll_events(const struct session *session)
{
	return session->client != NULL ? dpclient_poll_events(session->client) : 0;
}

const struct abi_welcome *
session_welcome(const struct session *session)
{
	return &session->welcome;
}

/* ---- Asking. */

struct asked *
session_asked(struct session *session, uint32_t cookie)
{
	return &session->asked[cookie % DPCLIENT_PENDING_MAX];
}

int
session_ask(struct session *session, enum abi_type type, const void *body, uint32_t body_len)
{
	struct dpclient_request request = {.type = type, .body = body, .body_len = body_len};

	return dpclient_send(session->client, &request, NULL);
}

int
session_attach(struct session *session, struct dpclient *client, struct fail *fail)
{
	session->client = client;
	session->phase = SESSION_HELLO;
	int err = session_ask(session, ABI_HELLO, NULL, 0);
	if (err != 0)
		return fail_set(fail, -err, "the connection to the dataplane failed: %s", strerror(-err));
	return 0;
}

void
session_detach(struct session *session)
{
	struct torrents *torrents = session->registry->torrents;

	activation_end(session->activation);
	session->activation = NULL;
	session_query_detached(session);
	dpclient_close(session->client);
	session->client = NULL;
	session->phase = SESSION_OFF;
	id_list_clear(&session->foreign);
	id_list_clear(&session->to_activate);
	id_list_clear(&session->to_refuse);
	while (torrents_peek(torrents) != NULL)
		torrents_pop(torrents);
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;) {
		struct torrent *after = torrents_after(torrents, t->id);
		t->sync = SYNC_ABSENT;
		t->activating = false;
		t->add_exists_cnt = 0;
		registry_settle(session->registry, t);
		t = after;
	}
}

void
session_shutdown(struct session *session)
{
	if (session->client == NULL)
		return;
	session_stats(session);
	session_ask(session, ABI_SHUTDOWN, NULL, 0);
}

/* ---- */

int
session_run(struct session *session, struct fail *fail)
{
	struct dpclient_event event;
	int got = 0;

	if (session->client == NULL)
		return 0;
	for (int i = 0; i < SESSION_EVENTS_MAX; i++) {
		got = dpclient_receive(session->client, &event, fail);
		if (got <= 0)
			break;
		int err = session_event(session, &event, fail);
		if (err != 0)
			return err;
	}
	if (got < 0)
		return got;
	int err = session->phase == SESSION_LIVE ? session_pump(session, fail) : 0;
	if (err == 0 && (err = dpclient_flush(session->client)) != 0)
		fail_set(fail, -err, "the connection to the dataplane failed: %s", strerror(-err));
	if (err == 0 && dpclient_waiting_ms(session->client) > SESSION_ANSWER_MS)
		err = fail_set(fail, ETIMEDOUT, "the dataplane does not answer");
	return err;
}

/* ---- What a dataplane has uploaded. */

void
session_fold(struct session *session, struct torrent *torrent)
{
	if (torrent->active && !torrent->gone)
		registry_add_uploaded(session->registry, torrent, torrent->live_uploaded_bytes);
	torrent->active = false;
	torrent->live_uploaded_bytes = 0;
	torrent->live_peer_cnt = 0;
}

void
session_ended(struct session *session)
{
	struct torrents *torrents = session->registry->torrents;

	if (session->stats == NULL)
		return;
	stats_refresh(session->stats);
	/* One that ended in good order has cleared its slots: what was last seen stands then. */
	for (uint32_t i = 0; i < stats_slot_cnt(session->stats); i++) {
		struct abi_torrent_stat stat = stats_slot(session->stats, i);
		struct torrent *t = stat.id != 0 ? torrents_by_id(torrents, stat.id) : NULL;
		if (t != NULL && t->active)
			t->live_uploaded_bytes = stat.uploaded_bytes;
	}
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id))
		session_fold(session, t);
	stats_close(session->stats);
	session->stats = NULL;
}

const struct stats *
session_stats(struct session *session)
{
	struct torrents *torrents = session->registry->torrents;

	if (session->stats == NULL)
		return NULL;
	stats_refresh(session->stats);
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id)) {
		t->live_peer_cnt = 0;
		t->live_uploaded_bytes = 0;
	}
	for (uint32_t i = 0; i < stats_slot_cnt(session->stats); i++) {
		struct abi_torrent_stat stat = stats_slot(session->stats, i);
		struct torrent *t = stat.id != 0 ? torrents_by_id(torrents, stat.id) : NULL;
		if (t == NULL)
			continue;
		t->live_peer_cnt = stat.peer_cnt;
		t->live_uploaded_bytes = t->active ? stat.uploaded_bytes : 0;
	}
	return session->stats;
}
