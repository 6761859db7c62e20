/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_announce.h answers the command "announce" of commands.h, and makes JSON of what is known
 * of trackers, for others.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_ANNOUNCE_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_ANNOUNCE_H

#include "control/commands/commands.h"

#include <jansson.h>

/* commands_announce has a torrent announced, or all of them when torrent is NULL. Returns the
 * answer, the caller's, or NULL with fail: nothing is announced at all. */
json_t *
commands_announce(const struct commands_env *env, const struct torrent *torrent,
                  struct fail *fail);

/* announce_answer returns an array with an object for each tracker of a torrent (struct
 * announce_row), what is not known being null. The caller's; NULL when out of memory. */
json_t *
announce_answer(const struct announce *announce, const struct torrent *torrent);

/* announce_totals_answer returns struct announce_totals as an object. The caller's; NULL when out
 * of memory. */
json_t *
announce_totals_answer(const struct announce *announce);

#endif
