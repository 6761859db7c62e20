/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_peers.h answers the commands "peers" and "trace" of commands.h: they ask the workers,
 * one after the other, which takes turns, batch by batch.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_PEERS_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_PEERS_H

#include "control/commands/commands.h"

/* A request under way. */
struct peers_watch {
	bool is_trace;
	uint32_t worker; /* who is being asked */
	uint32_t ticket; /* of the question that is not answered; 0: none is asked */
	uint32_t sent_cnt;
	struct abi_peers_ask peers;
	struct abi_trace_ask trace;
};

/* peers_trace_read reads "peer", ADDRESS:PORT, into watch. Returns 0 or -EINVAL with fail. */
int
peers_trace_read(struct peers_watch *watch, const json_t *request, struct fail *fail);

/* peers_watch_run goes on with a request as far as the dataplane and the client are.
 * Returns true when the final line was sent. */
bool
peers_watch_run(const struct commands_env *env, uint64_t client, struct peers_watch *watch);

/* peers_watch_drop ends a request whose client has gone. */
void
peers_watch_drop(const struct commands_env *env, struct peers_watch *watch);

#endif
