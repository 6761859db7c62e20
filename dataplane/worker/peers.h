/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* peers.h tells control of connections: some of them at a time, and the last events of one.
 *
 * Threads. The worker, in housekeeping. Memory: none of its own; where a walk over the sessions
 * goes on is control's to remember. A session that comes or goes meanwhile may be missed; one that
 * stays is told once.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_PEERS_H
#define SPILLWAY_DATAPLANE_WORKER_PEERS_H

#include "dataplane/abi.h"
#include "dataplane/base/common.h"

struct worker;

/* peers_fill fills the next batch. It looks at no more than PEERS_LOOK_MAX sessions, so that the
 * worker is not held up: a batch may be empty and not the last. */
COLD void
peers_fill(struct worker *worker, const struct abi_peers_ask *ask, struct abi_peers *out);

/* peers_trace fills the last events of a connection. False: there is none with that address. */
COLD bool
peers_trace(struct worker *worker, const struct abi_trace_ask *ask, struct abi_traced *out);

#endif
