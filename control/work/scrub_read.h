/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* scrub_read.h reads what is verified of one torrent at a time, slowly, and tells which read units
 * are not what they were. A unit that differs is read once more before it is told.
 *
 * Threads: one of its own, behind all others (idle.h), which reads no faster than it is allowed and
 * does not make up for what it could not; every function is for the one thread that owns it.
 * Memory: the torrent's metainfo, have bitfield and fingerprints, and a buffer.
 * Lifecycle: scrub_reader_create; scrub_reader_start when idle; scrub_reader_take until the torrent
 * is done or cancelled; scrub_reader_destroy.
 */
#ifndef SPILLWAY_CONTROL_WORK_SCRUB_READ_H
#define SPILLWAY_CONTROL_WORK_SCRUB_READ_H

#include "control/catalogue/catalogue.h"
#include "control/base/fail.h"

#include <stdbool.h>
#include <stdint.h>

struct scrub_reader;

/* What is to be read. */
struct scrub_task {
	uint32_t id; /* of the torrent */
	struct catalogue_source source;
	struct catalogue_verified verified;
	uint32_t unit_first; /* units before it are passed over */
};

enum scrub_event_kind {
	SCRUB_ROTTEN, /* pieces that touch a read unit are not what was verified */
	SCRUB_DONE,   /* the torrent is through, or err says why not: -ESTALE when a file is another one
	                 than was verified, -EEXIST when it was missing then, or as content_file_open */
};

struct scrub_event {
	enum scrub_event_kind kind;
	uint32_t id;
	uint32_t piece_first; /* SCRUB_ROTTEN */
	uint32_t piece_cnt;
	int err;              /* SCRUB_DONE */
	struct fail fail;     /* what was found, or why it ended */
};

/* scrub_reader_create starts the thread. Returns 0 or a negative errno with fail. */
int
scrub_reader_create(struct scrub_reader **reader, struct fail *fail);

/* scrub_reader_destroy ends the thread and frees everything; NULL is allowed. */
void
scrub_reader_destroy(struct scrub_reader *reader);

/* scrub_reader_fd returns a descriptor that is readable when scrub_reader_take has something. */
int
scrub_reader_fd(const struct scrub_reader *reader);

/* scrub_reader_rate sets how many bytes a second are read at most; above 0. */
void
scrub_reader_rate(struct scrub_reader *reader, uint64_t bytes_per_s);

/* scrub_reader_start hands over a task, which is zeroed; the one before must have ended. */
void
scrub_reader_start(struct scrub_reader *reader, struct scrub_task *task);

/* scrub_reader_cancel makes the task end soon, with -ECANCELED. */
void
scrub_reader_cancel(struct scrub_reader *reader);

/* scrub_reader_take takes the oldest event. Returns false when there is none. */
bool
scrub_reader_take(struct scrub_reader *reader, struct scrub_event *event);

/* scrub_reader_at returns the unit before which all of the task is done.
 * bytes: out, how many were read since this was last asked. */
uint32_t
scrub_reader_at(struct scrub_reader *reader, uint64_t *bytes);

#endif
