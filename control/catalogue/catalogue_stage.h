/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* catalogue_stage.h stores the metainfo of torrents to come, over a connection of its own, so that
 * adding many at once holds up nobody: what remains to be done then is small
 * (catalogue_add_staged). What is staged and never used is deleted by catalogue_sweep, after a
 * crash too.
 *
 * Threads: one at a time, any. Lifecycle: stage_open, stage_add, stage_flush, stage_close.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_STAGE_H
#define SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_STAGE_H

#include "control/base/fail.h"

#include <stddef.h>
#include <stdint.h>

struct stage;

/* stage_open opens the catalogue at path, which catalogue_open has prepared.
 * Returns 0 or a negative errno with fail. */
int
stage_open(struct stage **stage, const char *path, struct fail *fail);

/* stage_close gives up what was not flushed; NULL is allowed. */
void
stage_close(struct stage *stage);

/* stage_add stores a metainfo. Returns 0 with its source_id, or a negative errno with fail. */
int
stage_add(struct stage *stage, const uint8_t *metainfo, size_t len, int64_t *source_id,
          struct fail *fail);

/* stage_settle moves the log into the database: after a large change that takes a while.
 * Returns 0 or a negative errno with fail. */
int
stage_settle(struct stage *stage, struct fail *fail);

/* stage_flush stores what is left. Returns 0 or a negative errno with fail. */
int
stage_flush(struct stage *stage, struct fail *fail);

#endif
