/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Questions to the dataplane and their answers. */
#include "control/link/session_query.h"

#include "control/link/session_state.h"

#include <errno.h>
#include <string.h>

static struct query *
query_find(struct session *session, uint32_t ticket)
{
	for (int i = 0; i < SESSION_QUERIES_MAX; i++)
		if (session->queries[i].ticket == ticket)
			return &session->queries[i];
	return NULL;
}

uint32_t
session_query_ask(struct session *session, enum abi_type type, const void *body,
                  uint32_t body_len)
{
	struct dpclient_request request = {.type = type, .body = body, .body_len = body_len};
	struct query *query = query_find(session, 0);
	uint32_t cookie;

	if (query == NULL || session->phase != SESSION_LIVE || dpclient_room(session->client) == 0 ||
	    dpclient_send(session->client, &request, &cookie) != 0)
		return 0;
	if (++session->ticket_last == 0)
		session->ticket_last = 1;
	query->ticket = session->ticket_last;
	query->cookie = cookie;
	query->lost = false;
	return query->ticket;
}

int
session_query_take(struct session *session, uint32_t ticket, const struct abi_msg **answer)
{
	struct query *query = ticket != 0 ? query_find(session, ticket) : NULL;

	if (query == NULL)
		return -ECONNRESET;
	if (query->cookie != 0)
		return 0;
	*answer = &query->answer;
	query->ticket = 0;
	return query->lost ? -ECONNRESET : 1;
}

void
session_query_drop(struct session *session, uint32_t ticket)
{
	struct query *query = ticket != 0 ? query_find(session, ticket) : NULL;

	if (query != NULL)
		query->ticket = query->cookie = 0;
}

void
session_query_answered(struct session *session, const struct dpclient_event *event)
{
	for (int i = 0; i < SESSION_QUERIES_MAX; i++) {
		struct query *query = &session->queries[i];
		if (query->ticket == 0 || query->cookie != event->cookie)
			continue;
		query->answer = event->msg;
		query->cookie = 0;
	}
}

void
session_query_detached(struct session *session)
{
	for (int i = 0; i < SESSION_QUERIES_MAX; i++) {
		struct query *query = &session->queries[i];
		if (query->ticket == 0 || query->cookie == 0)
			continue;
		query->cookie = 0;
		query->lost = true;
	}
}
