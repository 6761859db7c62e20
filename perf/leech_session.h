/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_session.h: one run of the load generator, bounded in time.
 *
 *   session ── lane (a thread's connections, what they saw) ── carrier
 *
 * Threads. leech_session_run runs the first lane itself.
 * Memory. leech_session_run takes all, runs to the end and leaves what was seen in the session, to
 * be freed by leech_session_fini.
 */
#ifndef SPILLWAY_PERF_LEECH_SESSION_H
#define SPILLWAY_PERF_LEECH_SESSION_H

#include "perf/leech_assembly.h"
#include "perf/leech_carrier.h"
#include "perf/leech_options.h"
#include "perf/leech_torrent.h"

#include <stdint.h>

struct leech_lane {
	struct leech_session *session;
	struct leech_context context;
	struct leech_assembly_pool pool;
	struct leech_tally tally;
	uint32_t first;             /* of the session's connections */
	uint32_t opened_cnt;
};

struct leech_session {
	const struct leech_options *options;
	const struct leech_torrent *torrent;
	const struct leech_carrier *carrier;
	struct port *port;          /* for our own TCP, else NULL */
	struct leech_lane *lanes;
	uint32_t lane_cnt;
	struct leech_conn *conns;   /* options->connection_cnt, closed after the run */
	uint64_t start_us;
	/* after the run: all lanes together */
	struct leech_assembly_pool pool;
	struct leech_tally tally;
};

/* leech_session_run connects, asks and receives until options->span_us is over, options->bytes
 * have come or every connection has ended. On a terminal it writes a line of progress each second.
 *
 * session  options, torrent, carrier and port are set, the rest is zero.
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_session_run(struct leech_session *session);

/* leech_session_fini frees what leech_session_run took. */
void
leech_session_fini(struct leech_session *session);

#endif
