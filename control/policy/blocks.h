/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* blocks.h keeps the blocklist as its file is: looks at it every BLOCKS_LOOK_MS, by a thread, for
 * it may lie where nothing answers, or be long.
 *
 * Threads: one. Lifecycle: zeroed, blocks_first; blocks_end.
 */
#ifndef SPILLWAY_CONTROL_POLICY_BLOCKS_H
#define SPILLWAY_CONTROL_POLICY_BLOCKS_H

#include "control/base/aside.h"
#include "control/base/fail.h"
#include "control/policy/blocklist.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum blocks_limit {
	BLOCKS_LOOK_MS = 2000,
	BLOCKS_ASIDE_MS = 50, /* between questions whether a look is done */
};

struct blocks_look;

struct blocks {
	struct blocklist list; /* what is in force */
	char path[PATH_MAX];   /* that it was read from; "" for none */
	struct stat st;
	struct aside *aside;      /* looks at the file; NULL when nothing does */
	struct blocks_look *look; /* aside's */
	int64_t look_ms;          /* when the next look is due */
};

/* blocks_first reads path, "" for none, however long it takes.
 * Returns 0 or a negative errno with fail naming the option. */
int
blocks_first(struct blocks *blocks, const char *path, struct fail *fail);

/* blocks_follow has path looked at now; "": the list is emptied. Returns true when it was. */
bool
blocks_follow(struct blocks *blocks, const char *path);

/* blocks_run takes what a look has found, and begins the next when it is due. What cannot be read
 * is logged, and what was read before stays. Returns true when the list is another. */
bool
blocks_run(struct blocks *blocks, const char *path);

/* blocks_timeout_ms returns when blocks_run is due, -1: never. */
int
blocks_timeout_ms(const struct blocks *blocks, const char *path);

/* blocks_end frees everything. */
void
blocks_end(struct blocks *blocks);

#endif
