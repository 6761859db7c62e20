/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* registry_batch.h changes many torrents at once: all of it is done or, when the disk refuses,
 * nothing.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_REGISTRY_BATCH_H
#define SPILLWAY_CONTROL_CATALOGUE_REGISTRY_BATCH_H

#include "control/catalogue/registry.h"

/* What becomes of one torrent. Each torrent may be named once. */
struct registry_change {
	struct torrent *torrent;
	bool remove; /* forget it: the rest is not looked at */
	bool manage; /* a manifest names it */
	bool partial; /* with data_dir */
	const char *data_dir; /* NULL: as it is; else the torrent is to be verified */
	const char *class_name; /* NULL: as it is; "" for none */
	const struct torrent_settings *settings; /* NULL: as they are */
	const char *labels;                      /* as labels.h; NULL: as they are */
};

/* A torrent that is added: it is to be verified. */
struct registry_new {
	struct catalogue_row row; /* id is not read */
	int64_t source_id;        /* of catalogue_stage.h */
	const char *data_dir;
	struct torrent *torrent; /* out */
};

struct registry_batch {
	struct registry_change *change;
	uint32_t change_cnt;
	struct registry_new *new;
	uint32_t new_cnt;
};

/* registry_apply does all of a batch. Torrents that are removed may be freed.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_apply(struct registry *registry, struct registry_batch *batch, struct fail *fail);

#endif
