/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* privileges.h is what the daemons may do, and when they stop being allowed to.
 *
 *      spillwayd, at first   root: makes its directories, binds nothing yet
 *      the starter           its user, with what the kind of port needs, to hand it on, and
 *                            CAP_SETPCAP, to take itself from what it starts; no_new_privs; a
 *                            filter of what neither it nor a dataplane's start does (starter.h)
 *      spillwayd, then       its user (option user; root if there is none), with no more than
 *                            CAP_DAC_READ_SEARCH, to read content of any owner; no_new_privs; a
 *                            filter of system calls that refuses what it never does: executing,
 *                            debugging, modules, mounts, BPF, keys, clocks...
 *      spillway-dp, at first its user, with what its kind of port needs (privileges_port)
 *      spillway-dp, then     nothing (dataplane/worker/sandbox.h)
 *
 * Threads: one, before there are more; those that come later have what is left.
 */
#ifndef SPILLWAY_CONTROL_PRIVILEGES_H
#define SPILLWAY_CONTROL_PRIVILEGES_H

#include "control/base/fail.h"

#include <stdint.h>
#include <sys/types.h>

struct privileges_user {
	char name[32]; /* "root" when none is named */
	uid_t uid;
	gid_t gid;
};

/* privileges_user_find looks a user up; "" is root.
 * Returns 0, or -ENOENT with fail naming option user. */
int
privileges_user_find(struct privileges_user *user, const char *name, struct fail *fail);

/* privileges_port returns the capabilities, as a set of bits, that the dataplane's start needs on
 * that port (the value of option port). */
uint64_t
privileges_port(const char *port);

/* privileges_become makes the process user, root or already that user before, with the capabilities
 * caps and no others, now and after execve, for good. Needs CAP_SETPCAP. Only async-signal-safe
 * calls. Returns 0 or a negative errno. */
int
privileges_become(const struct privileges_user *user, uint64_t caps);

/* privileges_starter is what the starter does to itself; what it executes has the filter too.
 *
 * caps     as privileges_port: what privileges_become may be asked for later.
 * sandbox  as privileges_drop.
 * Returns 0 or a negative errno. */
int
privileges_starter(const struct privileges_user *user, uint64_t caps, int64_t sandbox);

/* privileges_drop is what spillwayd does to itself: privileges_become with what reading content
 * needs, and the filter.
 *
 * sandbox  enum option_sandbox: whether there is a filter, or one that only logs.
 * Returns 0, or a negative errno with fail. */
int
privileges_drop(const struct privileges_user *user, int64_t sandbox, struct fail *fail);

/* privileges_filter puts the filter on. log: what it refuses is logged and done.
 * Returns 0 or a negative errno. */
int
privileges_filter(int log);

/* privileges_filter_starter is that of the starter, and of all that it executes. */
int
privileges_filter_starter(int log);

#endif
