/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* starter.h is the process that may start dataplanes after spillwayd may not any more:
 *
 *      spillwayd ── "start one", with its descriptors ──► the starter
 *          ▲                                                  │ clone(CLONE_PARENT)
 *          └── process id ────────────────────────────────────┤
 *              is the parent of ──► spillway-dp ◄─────────────┘
 *
 * It executes one binary, chosen before there was anything to attack, with the few capabilities
 * that the kind of port needs, and has itself no more than these (privileges.h). What it is asked
 * holds no text and no number that it trusts: of the configuration, which it hands on, the port,
 * the BPF object that is loaded, the paths that are made with these capabilities, and whether there
 * is a sandbox afterwards must be as chosen then. It ends when spillwayd does.
 *
 * Threads: one. Lifecycle: starter_create while there is one thread; starter_destroy.
 */
#ifndef SPILLWAY_CONTROL_LINK_STARTER_H
#define SPILLWAY_CONTROL_LINK_STARTER_H

#include "control/base/fail.h"
#include "control/privileges.h"
#include "dataplane/abi.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

struct starter;

struct starter_config {
	char binary[PATH_MAX];
	const char *run_dir; /* DPDK's runtime files lie below it when the user is not root */
	const struct privileges_user *user;
	uint64_t caps;   /* as privileges_port */
	int64_t sandbox; /* enum option_sandbox */
	struct abi_config fixed; /* as preflight_fixed */
};

/* What a dataplane is started with. */
struct starter_fds {
	uint32_t worker_cnt; /* [1, ABI_WORKERS_MAX] */
	int listen[ABI_WORKERS_MAX];
	int config; /* sealed against writing, growing and shrinking */
	int log; /* its stdout and stderr */
	int go;  /* it executes when a byte comes from here, and ends when it is closed before */
};

/* starter_create forks the starter, which has given up what it does not need when this returns;
 * config is only read before. Returns 0, or a negative errno with fail. */
int
starter_create(struct starter **starter, const struct starter_config *config, struct fail *fail);

/* starter_destroy ends it; dataplanes go on. NULL is allowed. */
void
starter_destroy(struct starter *starter);

/* starter_fork makes a process that waits at fds->go; the descriptors stay the caller's. It is the
 * caller's child: to be waited for.
 * Returns its process id, or a negative errno with fail. */
pid_t
starter_fork(struct starter *starter, const struct starter_fds *fds, struct fail *fail);

#endif
