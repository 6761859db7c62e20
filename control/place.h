/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* place.h is the place that spillwayd runs in: its directories, which it alone may use, its
 * signals, its limits and its priority. Prepared as root, before anything else; the directories are
 * then its user's.
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

enum place_priority {
	PLACE_NICE = 10, /* a ninth of what an ordinary thread beside it gets */
};

/* place_yield puts spillwayd behind the dataplane: threads that come later too. Its priority is
 * that of PLACE_NICE, unless it had a lower one; where the kernel groups by session
 * (sched_autogroup) that of its session, if it leads one. It keeps off the CPUs that the option
 * cpu gives to workers, if it may run on others. What is refused is left as it is.
 *
 * To be called once what executes dataplanes has been forked. */
void
place_yield(const struct options *options);

#endif
