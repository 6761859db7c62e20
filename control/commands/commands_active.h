/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_active.h tells of the torrents that the dataplane serves now, for those who watch: what
 * it takes grows with active_max, not with the catalogue.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_ACTIVE_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_ACTIVE_H

#include "control/commands/commands.h"

#include <jansson.h>

/* active_torrent returns "info_hash", "name", "peers", "uploaded_bytes" and "size_bytes" of a
 * torrent as of the last snapshot. The caller's; NULL when out of memory. */
json_t *
active_torrent(const struct torrent *torrent);

/* active_answer returns an array with active_torrent of each that is active at some worker, as of a
 * fresh snapshot. The caller's; NULL when out of memory. */
json_t *
active_answer(const struct commands_env *env);

#endif
