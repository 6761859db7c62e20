/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* relief.h keeps memory for blocks within its bounds, however much is in flight: references to what
 * was sent are given up when buffers run short, and what must be sent again is read again. */
#ifndef SPILLWAY_DATAPLANE_WORKER_RELIEF_H
#define SPILLWAY_DATAPLANE_WORKER_RELIEF_H

#include "dataplane/worker/worker.h"

/* relief_turn has references given up while buffers are short. Call once a turn. */
void
relief_turn(struct worker *worker);

/* relief_ask has read again what connections are to send again. Call after tcp_output.
 * Returns how much that was. */
uint32_t
relief_ask(struct worker *worker);

/* relief_reap gives connections what was read again. Call after wire_reap. Returns how many. */
uint32_t
relief_reap(struct worker *worker);

/* relief_session gives up what a session holds whose peer takes nothing. */
COLD void
relief_session(struct worker *worker, struct session *session);

/* relief_short tells whether buffers are short: fewer than one in SHORT_SHARE can be had. */
bool
relief_short(const struct worker *worker);

#endif
