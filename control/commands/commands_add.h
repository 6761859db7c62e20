/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_add.h reads the command "add" of commands.h.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_ADD_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_ADD_H

#include "control/commands/commands.h"

/* add_run adds what a request asks for.
 *
 * torrent  out.
 * Returns 0 or a negative errno with fail. */
int
add_run(const struct commands_env *env, const struct rpc_request *request,
        struct torrent **torrent, struct fail *fail);

#endif
