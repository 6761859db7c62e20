/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* supervise.h starts spillway-dp, finds one that still runs, and sees it end. In run_dir it keeps
 *
 *      dataplane.sock    where its worker 0 listens (dataplane/abi.h)
 *      dataplane.1.sock  where its worker 1 listens, and so on
 *      dataplane.log     stdout and stderr of the dataplane, anew at each start
 *      dataplane.config  struct abi_config, process id and its start time of the running one,
 *                        written before it executes
 *
 * The dataplane is executed by the starter (starter.h), is our child all the same, a session of its
 * own, and outlives us. Threads: one. Lifecycle: supervise_adopt
 * or supervise_spawn, then supervise_reap once supervise_fd is readable.
 */
#ifndef SPILLWAY_CONTROL_LINK_SUPERVISE_H
#define SPILLWAY_CONTROL_LINK_SUPERVISE_H

#include "control/link/dpclient.h"
#include "control/base/fail.h"
#include "control/link/preflight.h"
#include "control/link/starter.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum supervise_limit {
	SUPERVISE_STOP_MS = 5000,  /* from ABI_SHUTDOWN to SIGKILL */
	SUPERVISE_HELLO_MS = 5000, /* for one without a record to say who it is */
	SUPERVISE_PATH_MAX = OPTION_DIR_MAX + 20,
};

struct supervise {
	char sock_path[ABI_WORKERS_MAX][SUPERVISE_PATH_MAX]; /* by worker */
	char log_path[SUPERVISE_PATH_MAX];
	char config_path[SUPERVISE_PATH_MAX];
	struct starter *starter;
	uint64_t told_bytes; /* of its log, by supervise_said */
	pid_t pid;     /* 0: none */
	int pid_fd;    /* readable when it has ended; -1: none */
	bool is_child; /* started by this process: its exit status can be had */
};

/* supervise_init sets the paths; nothing runs yet. starter is borrowed. */
void
supervise_init(struct supervise *sup, const char *run_dir, struct starter *starter);

/* supervise_adopt looks for a running dataplane.
 *
 * pre     what we would start.
 * client  out on 1: connected to worker 0, nothing sent yet.
 * Returns 1 when one runs with that very configuration; 0 when none runs; -ESTALE when one runs
 * with another configuration, or without a record of it and executing pre->binary (sup->pid is then
 * set, *client connected); another negative errno when one answers of which nothing is known.
 * fail is set when negative. Waits SUPERVISE_HELLO_MS at most, only when there is no record. */
int
supervise_adopt(struct supervise *sup, const struct preflight *pre, struct dpclient **client,
                struct fail *fail);

/* supervise_connect connects to a worker of the dataplane that runs.
 *
 * client  out: connected, nothing sent yet.
 * Returns 0, or a negative errno with fail. */
int
supervise_connect(struct supervise *sup, uint32_t worker, struct dpclient **client,
                  struct fail *fail);

/* supervise_spawn starts pre->binary and connects to its workers. Nothing may run before.
 *
 * clients  out, [0, pre->config.worker_cnt): connected, nothing sent yet. That the binary can do
 *          its work shows in its answers to ABI_HELLO only.
 * Returns 0, or a negative errno with fail. */
int
supervise_spawn(struct supervise *sup, const struct preflight *pre, struct dpclient **clients,
                struct fail *fail);

/* supervise_said takes the next whole line that the dataplane has written, without its newline; of
 * one that was adopted, what it wrote before is passed over.
 * Returns false when there is none yet. */
bool
supervise_said(struct supervise *sup, char *line, size_t line_len);

/* supervise_fd returns a descriptor that is readable once the dataplane has ended; -1: none runs.
 */
int
supervise_fd(const struct supervise *sup);

/* supervise_reap takes note of the dataplane's end, waiting for at most wait_ms.
 *
 * fail  out: how it ended and the last line of its log, for people.
 * Returns true when it ended: none runs now. */
bool
supervise_reap(struct supervise *sup, int wait_ms, struct fail *fail);

/* supervise_kill sends SIGKILL and reaps. Safe against reuse of the process id. */
void
supervise_kill(struct supervise *sup, struct fail *fail);

/* supervise_forget lets go of a dataplane that goes on running. */
void
supervise_forget(struct supervise *sup);

#endif
