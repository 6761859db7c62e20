/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_list.h answers the command "list" of commands.h, which takes turns: so many torrents are
 * told in each.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_LIST_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_LIST_H

#include "control/commands/commands.h"
#include "control/base/id_list.h"
#include "control/base/json_text.h"
#include "control/base/labels.h"

/* A request under way; a zeroed struct holds nothing. */
struct list_watch {
	char label[LABEL_MAX]; /* only those with it; "" for all */
	char state[16];        /* only those in it; "" for all */
	bool is_since;         /* only what changed after since */
	bool is_reset;         /* what changed after since is not known: all are told */
	uint64_t since;
	uint64_t serial;       /* at the beginning: what changes meanwhile is told the next time */
	struct id_list changed; /* is_since: ids to be told */
	uint32_t id_last;       /* else: the last that was told */
	uint32_t sent_cnt;
	struct json_text line; /* that was told last */
};

/* list_watch_begin reads what a request wants. Returns 0 or a negative errno with fail; watch holds
 * nothing then. */
int
list_watch_begin(const struct commands_env *env, struct list_watch *watch, const json_t *request,
                 struct fail *fail);

/* list_watch_run tells the next torrents while the client takes them.
 * Returns true when the final line was sent. */
bool
list_watch_run(const struct commands_env *env, uint64_t client, struct list_watch *watch);

/* list_watch_drop frees what a request holds. */
void
list_watch_drop(struct list_watch *watch);

#endif
