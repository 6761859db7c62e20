/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_session.h: one run of the load generator, bounded in time.
 *
 *   session ── thread ── lanes (some connections each) ── carrier
 *
 * Threads. leech_session_run is thread 0 itself, and ends when all have.
 * Memory. leech_session_run takes all, runs to the end and leaves what was seen in the session, to
 * be freed by leech_session_fini.
 */
#ifndef SPILLWAY_PERF_LEECH_SESSION_H
#define SPILLWAY_PERF_LEECH_SESSION_H

#include "perf/leech_lane.h"

struct leech_session {
	const struct leech_options *options;
	const struct leech_torrent *torrents;
	uint32_t torrent_cnt;
	const struct leech_carrier *carrier;
	const struct leech_language *language;
	struct port *const *ports;  /* [0, lane_cnt): for our own TCP, else NULL */
	const volatile bool *stop;  /* ends the run early; NULL: nothing does */
	uint32_t lane_cnt;          /* [options->thread_cnt, LEECH_THREADS_MAX] */
	bool holds_requests;        /* as of struct leech_context */
	uint32_t first_lcore;       /* of DPDK's environment: thread 0's */
	struct leech_lane *lanes;
	struct leech_conn *conns;   /* options->connection_cnt, closed after the run */
	uint64_t start_us;
	/* after the run: all lanes together */
	struct leech_tally tally;
	uint64_t pieces_ok_cnt;
	uint64_t pieces_failed_cnt;
	uint64_t pieces_unverified_cnt;
	uint32_t failed_piece;
};

/* leech_session_run connects, asks and receives until options->span_us is over, options->bytes
 * have come or every connection has ended for good. On a terminal it writes a line of progress each
 * second.
 *
 * session  what stands before lanes is set, the rest is zero.
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_session_run(struct leech_session *session);

/* leech_session_fini frees what leech_session_run took. */
void
leech_session_fini(struct leech_session *session);

#endif
