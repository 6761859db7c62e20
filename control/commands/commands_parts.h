/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_parts.h is what the files of commands.h share.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_PARTS_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_PARTS_H

#include "control/commands/commands.h"

enum commands_parts_limit {
	COMMANDS_NAMED_MAX = 1000, /* torrents that one request names */
};

/* commands_refuse ends a request with an error. */
void
commands_refuse(const struct commands_env *env, uint64_t client, const char *text);

/* commands_torrent finds the torrent that text means; NULL is nothing.
 * Returns 0, or -ENOENT with fail. */
int
commands_torrent(const struct commands_env *env, const char *text, struct torrent **torrent,
                 struct fail *fail);

/* Torrents that a request names. */
struct commands_named {
	struct torrent *torrent[COMMANDS_NAMED_MAX]; /* each once */
	uint32_t cnt;
};

/* commands_named finds all that a request names: "torrent", a text, or "torrents", an array of
 * texts.
 * Returns 0, or a negative errno with fail: one is not found, none is named, too many are. */
int
commands_named(const struct commands_env *env, const json_t *request,
               struct commands_named *named, struct fail *fail);

/* commands_answer ends a request that named torrents: "torrent" for one, "torrents" for an array.
 *
 * answers  an array, in the order of named; taken over. */
void
commands_answer(const struct commands_env *env, const struct rpc_request *request,
                json_t *answers);

#endif
