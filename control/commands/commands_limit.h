/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_limit.h answers the commands of commands.h about limits:
 *
 *      limit  of: "global", "label", "class" or "torrent"; name, but for global; and what is to
 *             change: rate_bytes_per_s, weight, connections_max (settings.h). Or reset: true. With
 *             nothing to change: what is in force. "limits", or "torrent" of a torrent.
 *      drain  on: true or false, or nothing to ask. "drain" and "peers", those still connected.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_LIMIT_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_LIMIT_H

#include "control/commands/commands.h"

/* limit_answer answers "limit". */
void
limit_answer(const struct commands_env *env, const struct rpc_request *request);

/* drain_answer answers "drain". */
void
drain_answer(const struct commands_env *env, const struct rpc_request *request);

#endif
