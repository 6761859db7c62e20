/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* session_query.h asks the running dataplane something that changes nothing: ABI_PEERS, ABI_TRACE.
 *
 *      session_query_ask ─► ticket ─► session_query_take, until it is not 0 ─► ...
 *      session_query_drop: nobody wants the answer any more
 *
 * Threads: one. Memory: SESSION_QUERIES_MAX messages, in the session.
 */
#ifndef SPILLWAY_CONTROL_LINK_SESSION_QUERY_H
#define SPILLWAY_CONTROL_LINK_SESSION_QUERY_H

#include "control/link/session.h"

enum session_query_limit {
	SESSION_QUERIES_MAX = 8, /* asked and not taken; others wait */
};

struct query {
	uint32_t ticket; /* 0: free */
	uint32_t cookie; /* of the request; 0: answered, or lost */
	bool lost;       /* the dataplane went before it answered */
	struct abi_msg answer;
};

/* session_query_ask sends a question.
 *
 * Returns a ticket, or 0 when it cannot be asked now: the session is not LIVE, or too much is being
 * asked. */
uint32_t
session_query_ask(struct session *session, enum abi_type type, const void *body,
                  uint32_t body_len);

/* session_query_take takes the answer of a ticket.
 *
 * answer  out on 1: an ABI_RESULT, or what abi.h says answers the question; lasts until the next
 *         session_run.
 * Returns 1, 0 when it has not come yet, or -ECONNRESET when it never will. The ticket is void
 * after anything but 0. */
int
session_query_take(struct session *session, uint32_t ticket, const struct abi_msg **answer);

/* session_query_drop forgets a ticket; 0 is allowed. */
void
session_query_drop(struct session *session, uint32_t ticket);

/* session_query_answered keeps an answer that came. An answer that nobody waits for is dropped. */
void
session_query_answered(struct session *session, const struct dpclient_event *event);

/* session_query_detached makes all that is not answered lost. */
void
session_query_detached(struct session *session);

#endif
