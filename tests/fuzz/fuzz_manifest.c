/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A manifest, line by line. What is under attack: JSON of whoever writes the manifest, which ends
 * up in paths, labels and settings. */
#include "control/base/labels.h"
#include "control/work/manifest.h"

#include <stdlib.h>
#include <string.h>

static void
check(bool sound)
{
	if (!sound)
		abort();
}

static void
item_check(const struct manifest_item *item)
{
	check(item->torrent[0] == '/' && item->data[0] == '/');
	check(labels_sound(item->labels) && strlen(item->labels) < LABELS_TEXT_MAX);
	check(strlen(item->class_name) < CLASS_NAME_MAX);
	check(item->settings.weight >= TORRENT_WEIGHT_MIN &&
	      item->settings.weight <= TORRENT_WEIGHT_MAX);
	check(item->settings.rate_bytes_per_s <= TORRENT_RATE_MAX);
	check(item->settings.connections_max <= TORRENT_CONNECTIONS_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t end = newline != NULL ? (size_t)(newline - text) : len;
		struct manifest_item item;
		struct fail fail = {.text = ""};
		int got = manifest_line(text + at, end - at, "/base", &item, &fail);

		if (got == 1) {
			item_check(&item);
			manifest_item_free(&item);
		}
		check(got >= 0 || (fail.text[0] != '\0' && strchr(fail.text, '\n') == NULL));
		check(item.torrent == NULL && item.data == NULL && item.labels == NULL);
		at = end + 1;
	}
	return 0;
}
