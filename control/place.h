/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* place.h is the place that spillwayd runs in: its directories, which it alone may use, its signals
 * and its limits. Prepared as root, before anything else; the directories are then its user's.
 *
 * Threads: one, before there are more.
 */
#ifndef SPILLWAY_CONTROL_PLACE_H
#define SPILLWAY_CONTROL_PLACE_H

#include "control/base/fail.h"
#include "control/options/options.h"
#include "control/privileges.h"

struct place {
	int signal_fd; /* TERM, INT, QUIT and HUP are read from it */
	int state_lock_fd;
	int run_lock_fd;
};

/* place_prepare makes and locks state_dir and run_dir, gives both and what lies in them to user,
 * blocks the signals and lifts the limits of open files and locked memory.
 * Returns 0, or a negative errno with fail: not root, no such directory, another spillwayd runs. */
int
place_prepare(struct place *place, const struct options *options,
              const struct privileges_user *user, struct fail *fail);

#endif
