/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* apply_parts.h is what the parts of apply.h share: apply.c (its life), apply_read.c (on the
 * thread) and apply_store.c (on the loop).
 */
#ifndef SPILLWAY_CONTROL_WORK_APPLY_PARTS_H
#define SPILLWAY_CONTROL_WORK_APPLY_PARTS_H

#include "control/work/apply.h"
#include "control/work/manifest.h"
#include "control/catalogue/registry_batch.h"

#include <pthread.h>
#include <stdatomic.h>

enum apply_parts_limit {
	APPLY_TURN_MAX = 1000, /* torrents that are compared in one turn */
	APPLY_SWEEP_MAX = 16,  /* removed torrents that are swept in one turn */
};

/* A line of the manifest and what it comes to. */
struct apply_item {
	struct manifest_item wish;
	uint8_t info_hash[20];
	uint32_t id;    /* of the torrent that is there; 0: it is new */
	uint32_t flags; /* enum apply_flag: what differs of the one that is there */
	char *name; /* of one that is new or differs */
	/* Of a new one: */
	int64_t source_id;
	uint64_t total_len;
	uint32_t file_cnt;
	uint32_t piece_cnt;
};

struct apply {
	struct apply_env env;
	int event_fd; /* the thread has ended */
	enum apply_phase phase;
	bool garbage;  /* there may be some to sweep */
	bool has_thread;
	bool is_staged;
	pthread_t thread;
	atomic_bool cancelled;
	atomic_uint done_cnt;
	uint32_t total_cnt;
	/* The manifest that is applied. */
	int fd;
	char *base;
	bool dry_run;
	bool prune;
	struct apply_item *item; /* ascending by info_hash when read */
	uint32_t item_cnt;
	uint32_t item_room;
	uint32_t compared_cnt;
	char **removed; /* dry_run: names of what would be removed */
	uint32_t removed_cnt;
	struct registry_batch batch;
	struct apply_result result; /* the thread's while it runs */
};

/* apply_read is the thread's part of reading; result.err tells how it ended. */
void *
apply_read(void *apply);

/* apply_check is the thread's part of checking. */
void *
apply_check(void *apply);

/* apply_settle is the thread's part of settling; the changes are made whatever comes of it. */
void *
apply_settle(void *apply);

/* apply_compare compares some more. Returns 1 when all are compared, 0, or a negative errno with
 * result.fail. */
int
apply_compare(struct apply *apply);

/* apply_batch makes batch from what was found, before anything is stored.
 * Returns 0 or a negative errno with result.fail. */
int
apply_batch(struct apply *apply);

/* apply_store makes the changes and counts them; result has what came of it. */
void
apply_store(struct apply *apply);

/* apply_remember keeps the names of what would be removed. */
void
apply_remember(struct apply *apply);

/* apply_fail sets result to an error at a line. Returns -err. */
int
apply_fail(struct apply *apply, uint32_t line, int err, const char *text);

#endif
