/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* apply.h makes the catalogue what a manifest (manifest.h) says: the difference is applied, all of
 * it or nothing. It takes time, and the loop is not held up:
 *
 *      reading    on a thread: the manifest and every .torrent that it names
 *      comparing  on the loop, some torrents a turn: with what is there
 *      checking   on a thread: the content of those that are new; their metainfo is staged
 *      storing    on the loop: one transaction, of small rows
 *      settling   on a thread: the disk does its part
 *
 * What is added is verified afterwards, like all that is added. What a manifest does not name
 * stays; with prune, those that an earlier manifest named and this one does not are removed: what
 * was added in other ways is not the manifest's to remove.
 *
 * It also deletes, little by little, what removed torrents have left behind on disk.
 *
 * Threads: every function is for the one thread that runs the loop. Memory: some 500 bytes a line
 * while one is applied. Lifecycle: apply_create, apply_begin, apply_run in turns, apply_end;
 * apply_destroy at any time.
 */
#ifndef SPILLWAY_CONTROL_WORK_APPLY_H
#define SPILLWAY_CONTROL_WORK_APPLY_H

#include "control/base/fail.h"
#include "control/options/options.h"
#include "control/catalogue/registry.h"
#include "control/work/work.h"

#include <stdbool.h>
#include <stdint.h>

struct apply;

enum apply_phase {
	APPLY_IDLE, /* nothing is applied */
	APPLY_READING,
	APPLY_COMPARING,
	APPLY_CHECKING,
	APPLY_STORING,
	APPLY_SETTLING,
	APPLY_DONE, /* until apply_end */
};

/* What apply works on; all borrowed. */
struct apply_env {
	const struct options *options;
	const struct classes *classes;
	struct registry *registry;
	struct work *work;
};

struct apply_wish {
	int fd;           /* of the manifest: a regular file; duplicated */
	const char *base; /* of paths that are not absolute; copied */
	bool dry_run;     /* only find the difference */
	bool prune;
};

struct apply_result {
	int err; /* 0, or a negative errno with fail: nothing is changed */
	struct fail fail;
	uint32_t added_cnt;
	uint32_t changed_cnt;
	uint32_t removed_cnt;
	uint32_t unchanged_cnt;
};

/* One torrent that differs. The texts last until apply_end. */
struct apply_difference {
	const char *what; /* "add", "change" or "remove" */
	const char *name;
	uint32_t line;  /* of the manifest; 0 for remove */
	uint32_t flags; /* of a change: enum apply_flag */
};

enum apply_flag {
	APPLY_DATA = 1u << 0,
	APPLY_PARTIAL = 1u << 1,
	APPLY_SETTINGS = 1u << 2,
	APPLY_LABELS = 1u << 3,
	APPLY_CLASS = 1u << 4,
	APPLY_MANAGED = 1u << 5, /* it becomes the manifest's: not told as a change */
};

/* apply_create returns 0 or a negative errno with fail. */
int
apply_create(struct apply **apply, const struct apply_env *env, struct fail *fail);

/* apply_destroy gives up what is under way and frees everything; NULL is allowed. */
void
apply_destroy(struct apply *apply);

/* apply_begin begins. Returns 0 or a negative errno with fail: another one is under way (-EBUSY),
 * the manifest is no regular file or too long. */
int
apply_begin(struct apply *apply, const struct apply_wish *wish, struct fail *fail);

/* apply_end frees what is left of one that is done, and gives up one that is under way. */
void
apply_end(struct apply *apply);

/* apply_progress tells the phase, and how many torrents of how many are done in it; total 0: not
 * known yet. */
enum apply_phase
apply_progress(const struct apply *apply, uint32_t *done_cnt, uint32_t *total_cnt);

/* apply_result returns how it ended; the phase must be APPLY_DONE. */
const struct apply_result *
apply_result(const struct apply *apply);

/* apply_difference finds the next torrent that differs, of a dry run that is done.
 *
 * cursor  0 at first.
 * Returns false when there are no more. */
bool
apply_difference(const struct apply *apply, uint32_t *cursor, struct apply_difference *difference);

/* apply_fd returns a descriptor that is readable when apply_run has something to do. */
int
apply_fd(const struct apply *apply);

/* apply_timeout_ms returns when apply_run is due though apply_fd is not readable; -1: never. */
int
apply_timeout_ms(const struct apply *apply);

/* apply_run goes on. */
void
apply_run(struct apply *apply);

#endif
