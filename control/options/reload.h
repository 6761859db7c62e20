/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* reload.h reads the configuration again, on SIGHUP and "spillway reload": the file and the command
 * line as at the start, checked as a whole before anything changes. Options whose scope is live
 * take effect at once and drop no peer, for the others the start of spillwayd is waited for.
 *
 * A part that keeps something made of live options offers X_reconfigure(X, options), which cannot
 * fail: what could is checked in the option's row. reload.c calls it.
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_OPTIONS_RELOAD_H
#define SPILLWAY_CONTROL_OPTIONS_RELOAD_H

#include "control/base/fail.h"
#include "control/options/options.h"

struct classes;
struct policy;
struct registry;

/* What is read again, and who is told; all borrowed. */
struct reload_env {
	int argc;
	char *const *argv;
	struct options *options; /* those in force */
	struct classes *classes;
	struct registry *registry;
	struct policy *policy;
};

/* reload_run reads and applies the configuration, and logs what came of it.
 *
 * change  out on 0: what took effect, and what waits.
 * Returns 0, or a negative errno with fail: nothing has changed. */
int
reload_run(const struct reload_env *env, struct options_change *change, struct fail *fail);

/* reload_names joins cnt names with commas into out, "-" when there are none; cut when too long. */
void
reload_names(const char *const *names, uint32_t cnt, char *out, size_t out_len);

#endif
