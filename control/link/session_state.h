/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* session_state.h is what the parts of the session share: session.c (its life), session_event.c
 * (what the dataplane says) and session_pump.c (what is due to be said).
 */
#ifndef SPILLWAY_CONTROL_LINK_SESSION_STATE_H
#define SPILLWAY_CONTROL_LINK_SESSION_STATE_H

#include "control/link/activation.h"
#include "control/base/id_list.h"
#include "control/link/session.h"
#include "control/link/session_query.h"
#include "control/catalogue/withdrawals.h"

enum session_state_limit {
	SESSION_ADD_TRIES_MAX = 4, /* while another torrent with the info_hash is let go */
};

/* A request that waits for its answer. */
struct asked {
	uint32_t activation_serial; /* ABI_LAYOUT, ABI_FILES: what they belong to */
	uint32_t cnt;
	uint32_t ids[ABI_ENTRIES_MAX];
};

struct session {
	struct registry *registry;
	const struct classes *classes;
	struct policy *policy;
	uint64_t policy_serial; /* that the worker was told last; 0: none */
	struct tally *tally;
	uint32_t worker;
	struct dpclient *client;
	enum session_phase phase;
	struct abi_welcome welcome;
	struct asked asked[DPCLIENT_PENDING_MAX]; /* by cookie */
	struct id_list foreign;                   /* held by the dataplane, unknown to us */
	struct id_list to_activate;
	struct id_list to_refuse;
	struct withdrawals withdrawn;             /* by the worker, not taken yet */
	struct withdrawals to_withdraw;           /* at the worker: of others */
	struct activation *activation;
	uint32_t activation_serial; /* of the last one begun, never 0 then */
	struct query queries[SESSION_QUERIES_MAX];
	uint32_t ticket_last;
};

/* session_asked returns the record of the request with that cookie. */
struct asked *
session_asked(struct session *session, uint32_t cookie);

/* session_ask sends a request whose answer needs no record. Returns as dpclient_send. */
int
session_ask(struct session *session, enum abi_type type, const void *body, uint32_t body_len);

/* session_place returns where a torrent stands at the session's worker. */
static inline struct torrent_place *
session_place(const struct session *session, struct torrent *torrent)
{
	return &torrent->place[session->worker];
}

/* session_push queues a torrent whose place at the session's worker may not be what it should. */
static inline void
session_push(struct session *session, struct torrent *torrent)
{
	torrents_push(session->registry->torrents, session->worker, torrent);
}

/* session_event acts on one message. Returns 0, or a negative errno with fail, on which the session
 * is to be detached. */
int
session_event(struct session *session, struct dpclient_event *event, struct fail *fail);

/* session_pump sends what is due while there is room; only when LIVE.
 * Returns 0, or a negative errno with fail, on which the session is to be detached. */
int
session_pump(struct session *session, struct fail *fail);

#endif
