/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_net.h: the port of DPDK that a load generator on our own TCP stands on.
 *
 * One for each process. Threads: made and ended by the first; its queues are used by one each.
 */
#ifndef SPILLWAY_PERF_LEECH_NET_H
#define SPILLWAY_PERF_LEECH_NET_H

#include "perf/leech_options.h"

struct leech_net;
struct port;

/* leech_net_open starts DPDK's environment and opens options->port.
 *
 * Returns it, or NULL after one clear line on stderr. */
struct leech_net *
leech_net_open(const struct leech_options *options);

/* leech_net_port gives the port. */
struct port *
leech_net_port(struct leech_net *net);

/* leech_net_close closes the port and ends the environment. NULL is allowed. */
void
leech_net_close(struct leech_net *net);

#endif
