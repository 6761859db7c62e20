/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dataplane.h is all workers of the process, from the start to the end:
 *
 *      lcore 0:    device, counters memfd, ─► worker 0 ─┐                      ┌─► device closed
 *      lcore 1...: a queue for each worker ─► worker 1 ─┴─ run until one ends ─┘
 *
 * A worker is made, run and ended on its own lcore, for its io_uring belongs to that thread. None
 * runs before all are made: one that cannot start ends the process with one line that says why.
 * Whichever is told to end ends all; the device is closed when none uses it any more, and blocks
 * that it sends from last.
 *
 * All are made, none runs yet: then the process enters its sandbox (sandbox.h).
 *
 * Threads. dataplane_run: the main one. Memory. Static; what workers and port take.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_DATAPLANE_H
#define SPILLWAY_DATAPLANE_WORKER_DATAPLANE_H

#include "dataplane/abi.h"
#include "dataplane/base/common.h"

enum { DATAPLANE_ERROR_MAX = 320 };

/* dataplane_run starts DPDK's environment, the port and the workers, and serves until the end.
 *
 * config  checked, as config_read does.
 * stop    set by a signal handler when the end is wanted, and by any worker that ends.
 * error   out, [0, DATAPLANE_ERROR_MAX): one line for the operator, on failure.
 * Returns 0, or -1 when it could not start. */
COLD int
dataplane_run(const struct abi_config *config, volatile bool *stop, char *error);

/* dataplane_serve is dataplane_run in an environment that is there already, with an lcore for each
 * worker, counted from the caller's. */
COLD int
dataplane_serve(const struct abi_config *config, volatile bool *stop, char *error);

#endif
