/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_change.h answers the commands of commands.h that change what is wanted of torrents:
 * remove, set and label. Each is done for all torrents that it names, or for none.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_CHANGE_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_CHANGE_H

#include "control/commands/commands.h"

/* change_remove answers "remove". */
void
change_remove(const struct commands_env *env, const struct rpc_request *request);

/* change_set answers "set". */
void
change_set(const struct commands_env *env, const struct rpc_request *request);

/* change_label answers "label". */
void
change_label(const struct commands_env *env, const struct rpc_request *request);

#endif
