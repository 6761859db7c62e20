/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* manifest.h reads manifests: which torrents there shall be, one JSON object a line. Blank lines
 * and those that begin with '#' are comments.
 *
 *      {"torrent": "linux/a.torrent", "data": "/srv/linux", "labels": ["linux"], "weight": 200}
 *
 * "torrent" (a .torrent) and "data" (the folder that holds what it names) must be there; a path
 * that is not absolute is below the base. "labels" (an array of texts), "class", "partial" and what
 * settings.h reads may be there; what is not said is as it is preset, for a manifest says all that
 * is wanted. Any other member is refused: it is a mistake.
 *
 * Threads: any, each its own items.
 */
#ifndef SPILLWAY_CONTROL_WORK_MANIFEST_H
#define SPILLWAY_CONTROL_WORK_MANIFEST_H

#include "control/catalogue/catalogue.h"
#include "control/base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum manifest_limit {
	MANIFEST_LEN_MAX = 256 << 20, /* bytes */
	MANIFEST_LINE_MAX = 64 << 10, /* bytes */
};

struct manifest_item {
	uint32_t line; /* from 1; the caller's */
	bool partial;
	char *torrent; /* absolute path */
	char *data;    /* absolute path */
	char *class_name; /* "" for none */
	char *labels;     /* as labels.h */
	struct torrent_settings settings;
};

/* manifest_line reads one line.
 *
 * text  [text, text + len): without the newline.
 * base  an absolute path.
 * Returns 1 with item, to be freed with manifest_item_free, 0 for a comment, or a negative errno
 * with fail. */
int
manifest_line(const char *text, size_t len, const char *base, struct manifest_item *item,
              struct fail *fail);

/* manifest_item_free releases what manifest_line allocated and zeroes item. */
void
manifest_item_free(struct manifest_item *item);

#endif
