/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* session.h is the conversation with one worker of the dataplane: it learns what that one holds,
 * makes it hold what the registry says, and answers its questions.
 *
 *      OFF ─ session_attach ─► HELLO ─ WELCOME ─► LISTING ─ last HELD ─► LIVE
 *       ▲───────────────────────────── session_detach ───────────────────────┘
 *
 * While LIVE the worker is told the policy whenever that has changed, before anything else. Then
 * its queue of torrents.h is worked off in order: a torrent that is TORRENT_SEEDING is added,
 * another is removed, up to ABI_ENTRIES_MAX in a message. One that is held with another congestion
 * control than its class has now, or other limits, is added again, which changes that.
 * ABI_ACTIVATE is answered one torrent at a time (activation.h). What the worker withdraws is taken
 * out of the registry, and to be told the other workers: session_take_withdrawn, session_withdraw.
 *
 * Threads: one. Lifecycle: session_create; session_attach and session_detach in turns;
 * session_destroy.
 */
#ifndef SPILLWAY_CONTROL_LINK_SESSION_H
#define SPILLWAY_CONTROL_LINK_SESSION_H

#include "control/base/classes.h"
#include "control/link/dpclient.h"
#include "control/base/fail.h"
#include "control/policy/policy.h"
#include "control/catalogue/registry.h"
#include "control/link/tally.h"

#include <stdbool.h>
#include <stdint.h>

enum session_phase {
	SESSION_OFF,
	SESSION_HELLO,
	SESSION_LISTING,
	SESSION_LIVE,
};

struct session;

/* What sessions work on; all borrowed. */
struct session_env {
	struct registry *registry;
	const struct classes *classes;
	struct policy *policy;
	struct tally *tally;
};

/* session_create makes a session that is OFF, with worker of those the registry is made for.
 * Returns 0 or -ENOMEM. */
int
session_create(struct session **session, const struct session_env *env, uint32_t worker);

/* session_destroy closes everything; NULL is allowed. */
void
session_destroy(struct session *session);

/* session_attach takes over a fresh connection and says hello; the session must be OFF.
 * Returns 0, or a negative errno with fail; the session is then to be detached. */
int
session_attach(struct session *session, struct dpclient *client, struct fail *fail);

/* session_detach closes the connection, if there is one. */
void
session_detach(struct session *session);

/* session_phase returns the phase. */
enum session_phase
session_phase(const struct session *session);

/* session_fd returns the descriptor to poll for session_poll_events, -1 when OFF. */
int
session_fd(const struct session *session);

/* session_poll_events returns what to poll for. */
short
session_poll_events(const struct session *session);

/* session_run receives and answers what has come, and sends what is due; never blocks.
 * Returns 0, or a negative errno with fail; the session is then to be detached:
 * -ECONNRESET   the dataplane is gone or going,
 * -EPROTO       it broke the protocol, or is of another version,
 * -ETIMEDOUT    it has not answered for SESSION_ANSWER_MS. */
int
session_run(struct session *session, struct fail *fail);

enum session_limit {
	SESSION_ANSWER_MS = 30000,
	SESSION_EVENTS_MAX = 256, /* messages taken in one session_run */
};

/* session_take_withdrawn takes the oldest withdrawal that the worker told of and that was taken
 * out of the registry. Returns false when there is none. */
bool
session_take_withdrawn(struct session *session, struct abi_withdraw *withdrawn);

/* session_withdraw has the worker withdraw pieces, too: as soon as it is LIVE, in order with what
 * it is told of the torrent. Returns 0 or -ENOMEM. */
int
session_withdraw(struct session *session, const struct abi_withdraw *withdrawn);

/* session_rates tells the worker its shares of rates, unless it is not LIVE or does not keep up. */
void
session_rates(struct session *session, const struct abi_rates *rates);

/* session_shutdown asks the dataplane to end; what is queued is sent as far as the socket takes it.
 * A snapshot of the tally is to be taken before. */
void
session_shutdown(struct session *session);

/* session_welcome returns what the dataplane said of itself; zeros before the first WELCOME. */
const struct abi_welcome *
session_welcome(const struct session *session);

#endif
