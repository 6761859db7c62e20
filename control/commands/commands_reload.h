/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_reload.h answers the command "reload" of commands.h. */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_RELOAD_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_RELOAD_H

#include "control/options/reload.h"

#include <jansson.h>

/* commands_reload reads the configuration again. Returns the answer, the caller's, or NULL with
 * fail: nothing has changed. */
json_t *
commands_reload(const struct reload_env *env, struct fail *fail);

#endif
