/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_net.h: a load generator on our own TCP: DPDK's environment, the device, and runs on it.
 *
 *   leech_net_env_init ─► leech_net_open ─► leech_net_run, again and again ─► leech_net_close
 *
 * Threads. All from one thread of the environment, which is thread 0 of each run.
 * Memory. The device's; a run's until the next one or the end.
 */
#ifndef SPILLWAY_PERF_LEECH_NET_H
#define SPILLWAY_PERF_LEECH_NET_H

#include "perf/leech_session.h"

struct leech_net;

/* leech_net_env_init starts DPDK's environment with an lcore for each thread.
 *
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_net_env_init(const struct leech_options *options);

/* leech_net_open opens options->port with options->queue_cnt queues.
 *
 * Returns it, or NULL after one clear line on stderr. */
struct leech_net *
leech_net_open(const struct leech_options *options);

/* leech_net_run runs a session on the first options->queue_cnt queues.
 *
 * session  options, torrents, torrent_cnt, language, stop and first_lcore are set, the rest is
 *          zero. What is beside the first thread runs on the lcores that follow.
 * Returns 0, or -1 after one clear line on stderr; the session is to be freed by
 * leech_session_fini in either case. */
int
leech_net_run(struct leech_net *net, struct leech_session *session);

/* leech_net_close closes the device. NULL is allowed. */
void
leech_net_close(struct leech_net *net);

/* leech_net_env_fini ends the environment. */
void
leech_net_env_fini(void);

#endif
