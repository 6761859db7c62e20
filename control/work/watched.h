/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* watched.h adds the .torrent files that appear in a folder (option watch_dir), by rename or when
 * their writer closes them, and those that lie there at the start.
 *
 *      NAME.torrent  ──taken───►  NAME.torrent.added
 *                    └─refused──► NAME.torrent.refused, and why in NAME.torrent.reason
 *
 * What is seeded already counts as taken. Nothing that becomes of these files afterwards changes
 * the torrent: it stays until it is removed. To try a refused one again, rename it back. Names that
 * begin with a dot are not looked at.
 *
 * Threads: one. Nothing blocks but reading a .torrent and looking at its files.
 */
#ifndef SPILLWAY_CONTROL_WORK_WATCHED_H
#define SPILLWAY_CONTROL_WORK_WATCHED_H

#include "control/commands/commands.h"
#include "control/base/fail.h"

struct watched;

/* watched_create begins to watch as the options say; without watch_dir it does nothing.
 *
 * env  borrowed; options, classes, registry and work are used.
 * Returns 0 or a negative errno with fail, which names the option. */
int
watched_create(struct watched **watched, const struct commands_env *env, struct fail *fail);

/* watched_destroy frees everything; NULL is allowed. */
void
watched_destroy(struct watched *watched);

/* watched_fd returns a descriptor that is readable when something appeared; -1: nothing is watched.
 */
int
watched_fd(const struct watched *watched);

/* watched_timeout_ms returns when watched_run is due though watched_fd is not readable, -1: never.
 */
int
watched_timeout_ms(const struct watched *watched);

/* watched_run takes one file, if there is one. */
void
watched_run(struct watched *watched);

#endif
