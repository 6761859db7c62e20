/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* link.h keeps a dataplane running and a session with each of its workers: it adopts the one that
 * runs, starts one when none does, and starts it anew when it ends, waiting LINK_RETRY_MIN_MS at
 * first and up to LINK_RETRY_MAX_MS when it ends again and again. A worker that closed its
 * connection while the process lives is connected to again, up to LINK_RECONNECT_MAX times in a
 * row; one that does not answer or breaks the protocol is the end of all. What one worker
 * withdraws is told to the others, what control withdraws to all.
 *
 * Threads: one. Lifecycle: link_create, link_start, link_run after each poll, then link_stop or
 * link_leave, link_destroy.
 */
#ifndef SPILLWAY_CONTROL_LINK_LINK_H
#define SPILLWAY_CONTROL_LINK_LINK_H

#include "control/base/fail.h"
#include "control/options/options.h"
#include "control/link/session.h"
#include "control/link/starter.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum link_limit {
	LINK_RETRY_MIN_MS = 100,
	LINK_RETRY_MAX_MS = 5000,
	LINK_STEADY_MS = 10000, /* having lived so long, the next wait is the shortest again */
	LINK_HANGUP_MS = 200,   /* a closed connection: for its process to end */
	LINK_RECONNECT_MAX = 3, /* within LINK_STEADY_MS, to one that only hung up */
	LINK_LINES_MS = 1000,   /* between two looks at what the dataplane writes */
	LINK_LINES_MAX = 20,    /* lines of it that are told at a look */
	LINK_POLL_MAX = ABI_WORKERS_MAX, /* descriptors of link_poll */
};

struct link;

/* What a link is made of; all borrowed. */
struct link_env {
	const struct options *options;
	const struct session_env *session; /* only read by link_create; what it holds is borrowed */
	struct starter *starter;
	uint32_t unit_max; /* the longest read unit that a torrent has or will have */
};

/* link_create makes a link that is down. Returns 0 or -ENOMEM. */
int
link_create(struct link **link, const struct link_env *env);

/* link_destroy frees the link and its sessions; the dataplane is not touched. NULL is allowed. */
void
link_destroy(struct link *link);

/* link_start adopts or starts a dataplane. One that runs with another configuration is ended first.
 * Returns 0, or a negative errno with fail for the operator. */
int
link_start(struct link *link, struct fail *fail);

/* link_poll fills what to poll for. Returns the number of entries, up to LINK_POLL_MAX. */
nfds_t
link_poll(const struct link *link, struct pollfd *fds);

/* link_timeout_ms returns after how long link_run is due without an event, -1 for never. */
int
link_timeout_ms(const struct link *link);

/* link_run does what is due. Returns 0, or a negative errno with fail when the first dataplane
 * failed before it was ready: to be given up. Later failures are logged and tried again. */
int
link_run(struct link *link, struct fail *fail);

/* link_stop ends the dataplane: asks it, waits SUPERVISE_STOP_MS, kills it. */
void
link_stop(struct link *link);

/* link_leave lets go of the dataplane, which goes on serving. */
void
link_leave(struct link *link);

/* link_worker_cnt returns the number of workers, [1, ABI_WORKERS_MAX]. */
uint32_t
link_worker_cnt(const struct link *link);

/* link_session returns the session with a worker in [0, link_worker_cnt). */
struct session *
link_session(const struct link *link, uint32_t worker);

/* link_ready is true when every worker holds, or is being told, what it should. */
bool
link_ready(const struct link *link);

/* link_restart_cnt returns how often the dataplane was started again. */
uint32_t
link_restart_cnt(const struct link *link);

#endif
