/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_apply.h answers the command "apply" of commands.h, which takes turns.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_APPLY_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_APPLY_H

#include "control/commands/commands.h"

/* A request under way; a zeroed struct holds nothing. */
struct apply_watch {
	bool is_begun;
	bool dry_run;
	int64_t progress_ms; /* when the last progress line was sent */
	uint32_t cursor;     /* of apply_difference */
};

/* apply_watch_begin begins what a request wants. Returns 0 or a negative errno with fail. */
int
apply_watch_begin(const struct commands_env *env, struct apply_watch *watch,
                  const struct rpc_request *request, struct fail *fail);

/* apply_watch_run goes on with a request. Returns true when the final line was sent. */
bool
apply_watch_run(const struct commands_env *env, uint64_t client, struct apply_watch *watch);

/* apply_watch_drop ends a request: what is under way is given up. */
void
apply_watch_drop(const struct commands_env *env, struct apply_watch *watch);

#endif
