/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_api.h answers the command "api_token" of commands.h: whoever may speak to control.sock
 * may do all that the HTTP API can, so it may know the token.
 *
 * Threads: one. Reads a small file.
 */
#ifndef SPILLWAY_CONTROL_API_COMMANDS_API_H
#define SPILLWAY_CONTROL_API_COMMANDS_API_H

#include "control/commands/commands.h"

#include <jansson.h>

/* api_answer returns the final line: "api", where it listens, "token" and "token_file". The
 * caller's; NULL with fail when the API is off or the token cannot be read. */
json_t *
api_answer(const struct commands_env *env, struct fail *fail);

#endif
