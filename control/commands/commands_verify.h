/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_verify.h answers the command "verify" of commands.h: torrents are verified again, and
 * who asked is told how far it is and, for each, what came out.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_VERIFY_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_VERIFY_H

#include "control/commands/commands.h"

/* A request under way; a zeroed struct holds nothing. */
struct verify_watch {
	uint32_t *id;        /* of the torrents, in the order of their verification */
	uint32_t cnt;
	uint32_t at;         /* those before it are told */
	uint32_t told_cnt;
	uint64_t total_bytes;
	uint64_t done_bytes; /* of those before at */
	int64_t progress_ms; /* when the last progress line was sent */
};

/* verify_watch_begin has what a request names verified; what is in verification already is waited
 * for. Returns 0 or a negative errno with fail; watch holds nothing then. */
int
verify_watch_begin(const struct commands_env *env, struct verify_watch *watch,
                   const json_t *request, struct fail *fail);

/* verify_watch_run tells what is done, and every COMMANDS_PROGRESS_MS how far the rest is.
 * Returns true when the final line was sent. */
bool
verify_watch_run(const struct commands_env *env, uint64_t client, struct verify_watch *watch);

/* verify_watch_drop frees what a request holds. */
void
verify_watch_drop(struct verify_watch *watch);

#endif
