/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: any bytes given as a .torrent. What is accepted must keep the promises of
 * metainfo.h that the rest of control leans on; what is refused must say why in one line. */
#include "control/content/layout.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
path_check(const char *path)
{
	check(strlen(path) <= METAINFO_PATH_MAX);
	for (;;) {
		size_t len = strcspn(path, "/");

		check(metainfo_name_safe(path, len));
		if (path[len] == '\0')
			return;
		path += len + 1;
	}
}

static void
files_check(const struct metainfo *meta)
{
	uint32_t i, data_cnt = 0;
	uint64_t end = 0, content_len = 0;

	for (i = 0; i < meta->file_cnt; i++) {
		const struct metainfo_file *file = &meta->file[i];

		check(meta->has_v1 ? file->off == end : file->off >= end);
		end = file->off + file->len;
		check((file->path == NULL) == !!(file->flags & METAINFO_FILE_PAD));
		if (file->path != NULL)
			path_check(file->path);
		if (!metainfo_file_has_data(file))
			continue;
		check(!meta->has_v2 || file->pieces_root != NULL);
		data_cnt++;
		content_len += file->len;
	}
	check(end == meta->total_len && end > 0 && end <= METAINFO_TOTAL_MAX);
	check(data_cnt == meta->data_file_cnt && content_len == meta->content_len);
}

static void
plan_check(const struct metainfo *meta)
{
	struct layout_plan plan;
	uint64_t off = 0;
	uint32_t i;

	if (layout_plan_create(&plan, meta, layout_unit_len(meta, ABI_UNIT_MAX), NULL) < 0) {
		check(!meta->has_v1);
		return;
	}
	check(plan.file_cnt == meta->data_file_cnt);
	for (i = 0; i < plan.extent_cnt; i++) {
		check(plan.extent[i].torrent_off == off && plan.extent[i].len > 0);
		off += plan.extent[i].len;
	}
	check(off == meta->total_len);
	layout_plan_free(&plan);
}

/* A glance at the same bytes sees the same trackers. */
static void
peek_check(const struct metainfo *meta)
{
	struct metainfo *peeked;

	check(metainfo_peek(&peeked, meta->bytes, meta->len) == 0);
	check(peeked->private_flag == meta->private_flag);
	check(peeked->tracker_cnt == meta->tracker_cnt);
	for (uint32_t i = 0; i < meta->tracker_cnt; i++)
		check(strcmp(peeked->tracker[i].url, meta->tracker[i].url) == 0 &&
		      peeked->tracker[i].tier == meta->tracker[i].tier);
	metainfo_free(peeked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct metainfo_error err = { "" };
	struct metainfo *meta;

	if (metainfo_parse(&meta, data, len, &err) < 0) {
		check(meta == NULL && err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
		return 0;
	}
	check(meta->has_v1 || meta->has_v2);
	check(meta->piece_len >= METAINFO_PIECE_LEN_MIN && meta->piece_cnt > 0);
	check((uint64_t)meta->piece_cnt * meta->piece_len >= meta->total_len);
	check((uint64_t)(meta->piece_cnt - 1) * meta->piece_len < meta->total_len);
	check(meta->info >= meta->bytes && meta->info + meta->info_len <= meta->bytes + meta->len);
	path_check(meta->name);
	files_check(meta);
	plan_check(meta);
	peek_check(meta);
	metainfo_free(meta);
	return 0;
}
