/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the thread does for a manifest: reads files. */
#include "control/work/apply_parts.h"

#include "control/work/adding.h"
#include "control/catalogue/catalogue_stage.h"
#include "control/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* bytes_read reads the whole manifest. */
static char *
bytes_read(struct apply *a, size_t *len)
{
	struct stat st;

	*len = 0;
	if (fstat(a->fd, &st) != 0)
		return NULL;
	char *bytes = malloc((size_t)st.st_size + 1);
	while (bytes != NULL && *len < (size_t)st.st_size) {
		ssize_t n = pread(a->fd, bytes + *len, (size_t)st.st_size - *len, (off_t)*len);
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	return bytes;
}

static struct apply_item *
item_append(struct apply *a)
{
	if (a->item_cnt == a->item_room) {
		uint32_t room = a->item_room ? 2 * a->item_room : 256;
		struct apply_item *grown = realloc(a->item, room * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		a->item = grown;
		a->item_room = room;
	}
	struct apply_item *item = &a->item[a->item_cnt++];
	*item = (struct apply_item){0};
	return item;
}

/* line_take reads a line into an item of its own. */
static int
line_take(struct apply *a, const char *text, size_t len, uint32_t line)
{
	struct manifest_item wish;
	struct fail fail;
	int got = manifest_line(text, len, a->base, &wish, &fail);

	if (got == 0)
		return 0;
	if (got < 0)
		return apply_fail(a, line, -got, fail.text);
	struct apply_item *item = item_append(a);
	if (item == NULL) {
		manifest_item_free(&wish);
		return apply_fail(a, line, ENOMEM, "out of memory");
	}
	item->wish = wish;
	item->wish.line = line;
	return 0;
}

static int
lines_take(struct apply *a, const char *bytes, size_t len)
{
	uint32_t line = 1;
	int err = 0;

	for (size_t at = 0; err == 0 && at < len; line++) {
		const char *newline = memchr(bytes + at, '\n', len - at);
		size_t end = newline != NULL ? (size_t)(newline - bytes) : len;
		err = line_take(a, bytes + at, end - at, line);
		at = end + 1;
	}
	return err;
}

/* item_metainfo reads an item's .torrent. */
static int
item_metainfo(struct apply *a, const struct apply_item *item, struct metainfo **meta)
{
	const char *path = item->wish.torrent;
	struct fail fail, text;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		fail_set(&text, 0, "%s: %s", path, strerror(errno));
		return apply_fail(a, item->wish.line, ENOENT, text.text);
	}
	int err = adding_read(fd, NULL, meta, &fail);
	close(fd);
	if (err == 0)
		return 0;
	fail_set(&text, 0, "%s: %s", path, fail.text);
	return apply_fail(a, item->wish.line, -err, text.text);
}

/* data_resolve makes "data" what it is when symbolic links are followed; it may not be there. */
static void
data_resolve(struct apply_item *item)
{
	char *whole = realpath(item->wish.data, NULL);

	if (whole == NULL)
		return;
	free(item->wish.data);
	item->wish.data = whole;
}

static int
item_order(const void *a, const void *b)
{
	const struct apply_item *left = a, *right = b;
	int order = memcmp(left->info_hash, right->info_hash, sizeof(left->info_hash));

	if (order != 0)
		return order;
	return left->wish.line < right->wish.line ? -1 : left->wish.line > right->wish.line;
}

static int
twice_check(struct apply *a)
{
	struct fail text;

	qsort(a->item, a->item_cnt, sizeof(*a->item), item_order);
	for (uint32_t i = 1; i < a->item_cnt; i++) {
		const struct apply_item *one = &a->item[i - 1], *other = &a->item[i];
		if (memcmp(one->info_hash, other->info_hash, sizeof(one->info_hash)) != 0)
			continue;
		fail_set(&text, 0, "the same torrent as in line %" PRIu32, one->wish.line);
		return apply_fail(a, other->wish.line, EEXIST, text.text);
	}
	return 0;
}

static int
torrents_read(struct apply *a)
{
	for (uint32_t i = 0; i < a->item_cnt; i++) {
		struct apply_item *item = &a->item[i];
		struct metainfo *meta;

		if (atomic_load_explicit(&a->cancelled, memory_order_relaxed))
			return apply_fail(a, 0, ECANCELED, "cancelled");
		int err = item_metainfo(a, item, &meta);
		if (err != 0)
			return err;
		memcpy(item->info_hash, meta->info_hash, sizeof(item->info_hash));
		metainfo_free(meta);
		data_resolve(item);
		atomic_store_explicit(&a->done_cnt, i + 1, memory_order_relaxed);
	}
	return a->item_cnt > 0 ? twice_check(a) : 0;
}

static void
thread_ended(struct apply *a)
{
	eventfd_write(a->event_fd, 1);
}

void *
apply_read(void *apply)
{
	struct apply *a = apply;
	size_t len;
	char *bytes = bytes_read(a, &len);
	int err = bytes != NULL ? lines_take(a, bytes, len)
	                        : apply_fail(a, 0, ENOMEM, "the manifest cannot be read");

	free(bytes);
	if (err == 0)
		torrents_read(a);
	thread_ended(a);
	return NULL;
}

/* ---- Checking. */

/* item_check looks at a new torrent and its content, and notes what its row needs. */
static int
item_check(struct apply *a, struct apply_item *item, const struct metainfo *meta)
{
	struct fail fail;

	if (memcmp(meta->info_hash, item->info_hash, sizeof(item->info_hash)) != 0)
		return apply_fail(a, item->wish.line, EBUSY, "the .torrent changed meanwhile");
	int err = adding_check(meta, item->wish.data, item->wish.partial, &fail);
	if (err != 0)
		return apply_fail(a, item->wish.line, -err, fail.text);
	item->name = strdup(meta->name);
	item->total_len = meta->content_len;
	item->file_cnt = meta->data_file_cnt;
	item->piece_cnt = meta->piece_cnt;
	return item->name != NULL ? 0 : apply_fail(a, item->wish.line, ENOMEM, "out of memory");
}

static int
item_stage(struct apply *a, struct apply_item *item, struct stage *stage)
{
	struct metainfo *meta;
	struct fail fail;
	int err = item_metainfo(a, item, &meta);

	if (err != 0)
		return err;
	err = item_check(a, item, meta);
	if (err == 0 && stage != NULL) {
		err = stage_add(stage, meta->bytes, meta->len, &item->source_id, &fail);
		if (err != 0)
			apply_fail(a, 0, -err, fail.text);
	}
	metainfo_free(meta);
	return err;
}

/* item_moved_check looks at the content of a torrent that is there, where the line has it. */
static int
item_moved_check(struct apply *a, struct apply_item *item)
{
	struct metainfo *meta;
	struct fail fail;
	int err = item_metainfo(a, item, &meta);

	if (err != 0)
		return err;
	err = adding_check(meta, item->wish.data, item->wish.partial, &fail);
	metainfo_free(meta);
	return err == 0 ? 0 : apply_fail(a, item->wish.line, -err, fail.text);
}

static int
items_stage(struct apply *a, struct stage *stage)
{
	struct fail fail;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < a->item_cnt; i++) {
		if (atomic_load_explicit(&a->cancelled, memory_order_relaxed))
			return apply_fail(a, 0, ECANCELED, "cancelled");
		if (a->item[i].id == 0)
			err = item_stage(a, &a->item[i], stage);
		else if ((a->item[i].flags & (APPLY_DATA | APPLY_PARTIAL)) != 0)
			err = item_moved_check(a, &a->item[i]);
		atomic_store_explicit(&a->done_cnt, i + 1, memory_order_relaxed);
	}
	if (err != 0 || stage == NULL)
		return err;
	err = stage_flush(stage, &fail);
	return err == 0 ? 0 : apply_fail(a, 0, -err, fail.text);
}

void *
apply_check(void *apply)
{
	struct apply *a = apply;
	struct stage *stage = NULL;
	struct fail fail;
	int err = a->dry_run ? 0
	                     : stage_open(&stage, catalogue_path(a->env.registry->catalogue), &fail);

	if (err != 0)
		apply_fail(a, 0, -err, fail.text);
	else
		items_stage(a, stage);
	stage_close(stage);
	thread_ended(a);
	return NULL;
}

/* ---- Settling. */

void *
apply_settle(void *apply)
{
	struct apply *a = apply;
	struct stage *stage = NULL;
	struct fail fail;
	int err = stage_open(&stage, catalogue_path(a->env.registry->catalogue), &fail);

	if (err == 0)
		err = stage_settle(stage, &fail);
	if (err != 0)
		log_error("catalogue_failed", "reason=%s", LOG_QUOTE(fail.text));
	stage_close(stage);
	thread_ended(a);
	return NULL;
}
