/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_net.h: a load generator on our own TCP: DPDK's environment, the device, and a run on it.
 *
 * Threads. All from the main lcore.
 */
#ifndef SPILLWAY_PERF_LEECH_NET_H
#define SPILLWAY_PERF_LEECH_NET_H

#include "perf/leech_session.h"

/* leech_net_env_init starts DPDK's environment with an lcore for each thread.
 *
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_net_env_init(const struct leech_options *options);

/* leech_net_run opens options->port, runs the session on it and closes it. The environment is
 * there, with an lcore for each thread, counted from the caller's, which is thread 0.
 *
 * session  options, torrents, torrent_cnt, language and stop are set, the rest is zero.
 * Returns 0, or -1 after one clear line on stderr; the session is to be freed by
 * leech_session_fini in either case. */
int
leech_net_run(struct leech_session *session);

/* leech_net_env_fini ends the environment. */
void
leech_net_env_fini(void);

#endif
