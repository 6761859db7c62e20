/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The life of a session: coming and going. */
#include "control/link/session.h"

#include "control/link/session_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
session_create(struct session **session, const struct session_env *env, uint32_t worker)
{
	*session = calloc(1, sizeof(**session));
	if (*session == NULL)
		return -ENOMEM;
	(*session)->registry = env->registry;
	(*session)->classes = env->classes;
	(*session)->policy = env->policy;
	(*session)->tally = env->tally;
	(*session)->worker = worker;
	return 0;
}

void
session_destroy(struct session *session)
{
	if (session == NULL)
		return;
	session_detach(session);
	withdrawals_free(&session->withdrawn);
	withdrawals_free(&session->to_withdraw);
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
	session->policy_serial = 0;
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
	while (torrents_peek(torrents, session->worker) != NULL)
		torrents_pop(torrents, session->worker);
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;) {
		struct torrent *after = torrents_after(torrents, t->id);
		struct torrent_place *place = session_place(session, t);
		place->sync = SYNC_ABSENT;
		place->activating = false;
		place->add_exists_cnt = 0;
		registry_settle(session->registry, t);
		t = after;
	}
}

bool
session_take_withdrawn(struct session *session, struct abi_withdraw *withdrawn)
{
	return withdrawals_take(&session->withdrawn, withdrawn);
}

int
session_withdraw(struct session *session, const struct abi_withdraw *withdrawn)
{
	return withdrawals_add(&session->to_withdraw, withdrawn);
}

void
session_rates(struct session *session, const struct abi_rates *rates)
{
	if (session->phase == SESSION_LIVE && dpclient_room(session->client) > 0)
		session_ask(session, ABI_RATES, rates, sizeof(*rates));
}

void
session_shutdown(struct session *session)
{
	if (session->client == NULL)
		return;
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
