/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* registry_batch.h changes several torrents at once: all of them or, when the disk refuses, none.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_REGISTRY_BATCH_H
#define SPILLWAY_CONTROL_REGISTRY_BATCH_H

#include "control/registry.h"

/* What becomes of one torrent. Each torrent may be named once. */
struct registry_change {
	struct torrent *torrent;
	bool remove; /* forget it: the rest is not looked at */
	const struct torrent_settings *settings; /* NULL: as they are */
	const char *labels;                      /* as labels.h; NULL: as they are */
};

/* registry_change makes cnt changes. Torrents that are removed may be freed.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_change(struct registry *registry, const struct registry_change *changes, uint32_t cnt,
                struct fail *fail);

#endif
