/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_session.h: one run of the load generator: all connections on one epoll, bounded in time.
 *
 * Single thread. leech_session_run takes all memory, runs to the end and leaves what was seen in
 * the session, to be freed by leech_session_fini.
 */
#ifndef SPILLWAY_PERF_LEECH_SESSION_H
#define SPILLWAY_PERF_LEECH_SESSION_H

#include "perf/leech_assembly.h"
#include "perf/leech_conn.h"
#include "perf/leech_options.h"
#include "perf/leech_torrent.h"

#include <stdint.h>

struct leech_session {
	const struct leech_options *options;
	const struct leech_torrent *torrent;
	struct leech_assembly_pool pool;
	struct leech_tally tally;
	struct leech_conn *conns; /* options->connection_cnt, closed after the run */
};

/* leech_session_run connects, asks and receives until options->seconds are over, options->bytes
 * have come or every connection has ended. On a terminal it writes a line of progress each second.
 *
 * Returns 0, or -1 after one clear line on stderr (out of memory or descriptors). */
int
leech_session_run(struct leech_session *session, const struct leech_options *options,
		  const struct leech_torrent *torrent);

/* leech_session_fini frees what leech_session_run took. */
void
leech_session_fini(struct leech_session *session);

#endif
