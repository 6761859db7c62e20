/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the loop does for a manifest: compares, and makes the changes. */
#include "control/work/apply_parts.h"

#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool
settings_equal(const struct torrent_settings *a, const struct torrent_settings *b)
{
	return a->rate_bytes_per_s == b->rate_bytes_per_s && a->weight == b->weight &&
	       a->connections_max == b->connections_max && a->paused == b->paused &&
	       a->super_seed == b->super_seed;
}

/* difference finds what of a torrent is not as its line says. */
static int
difference(struct apply *a, struct apply_item *item, const struct torrent *t)
{
	const struct manifest_item *wish = &item->wish;
	struct fail fail;
	char *data_dir;
	int err = catalogue_data_dir(a->env.registry->catalogue, t->id, &data_dir, &fail);

	if (err != 0)
		return apply_fail(a, 0, -err, fail.text);
	item->id = t->id;
	item->flags = (strcmp(data_dir, wish->data) != 0 ? APPLY_DATA : 0) |
	              (t->partial != wish->partial ? APPLY_PARTIAL : 0) |
	              (!settings_equal(&t->settings, &wish->settings) ? APPLY_SETTINGS : 0) |
	              (strcmp(t->labels, wish->labels) != 0 ? APPLY_LABELS : 0) |
	              (strcmp(t->class_name, wish->class_name) != 0 ? APPLY_CLASS : 0) |
	              (!t->managed ? APPLY_MANAGED : 0);
	free(data_dir);
	if (item->flags == 0)
		return 0;
	item->name = strdup(t->name);
	return item->name != NULL ? 0 : apply_fail(a, 0, ENOMEM, "out of memory");
}

static int
item_compare(struct apply *a, struct apply_item *item)
{
	const struct torrent *t = torrents_by_hash(a->env.registry->torrents, item->info_hash);
	struct fail fail;

	if (item->wish.class_name[0] != '\0' &&
	    classes_known_check(a->env.classes, item->wish.class_name, &fail) != 0)
		return apply_fail(a, item->wish.line, ENOENT, fail.text);
	return t != NULL ? difference(a, item, t) : 0;
}

int
apply_compare(struct apply *apply)
{
	int err = 0;

	for (int i = 0; err == 0 && i < APPLY_TURN_MAX; i++) {
		if (apply->compared_cnt == apply->item_cnt)
			return 1;
		err = item_compare(apply, &apply->item[apply->compared_cnt++]);
	}
	apply->done_cnt = apply->compared_cnt;
	return err;
}

/* ---- The batch. */

static bool
is_named(const struct apply *a, const struct torrent *t)
{
	uint32_t low = 0, high = a->item_cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = memcmp(a->item[middle].info_hash, t->info_hash, sizeof(t->info_hash));
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void
new_add(struct registry_batch *batch, struct apply_item *item)
{
	struct registry_new *new = &batch->new[batch->new_cnt++];

	*new = (struct registry_new){
		.row = {
			.state = TORRENT_VERIFYING,
			.name = item->name,
			.reason = "",
			.class_name = item->wish.class_name,
			.labels = item->wish.labels,
			.settings = item->wish.settings,
			.partial = item->wish.partial,
			.managed = true,
			.added_at = time(NULL),
			.total_len = item->total_len,
			.file_cnt = item->file_cnt,
			.piece_cnt = item->piece_cnt,
		},
		.source_id = item->source_id,
		.data_dir = item->wish.data,
	};
	memcpy(new->row.info_hash, item->info_hash, sizeof(new->row.info_hash));
}

static void
change_add(struct registry_batch *batch, struct apply_item *item, struct torrent *t)
{
	const struct manifest_item *wish = &item->wish;

	batch->change[batch->change_cnt++] = (struct registry_change){
		.torrent = t,
		.manage = (item->flags & APPLY_MANAGED) != 0,
		.partial = wish->partial,
		.data_dir = (item->flags & (APPLY_DATA | APPLY_PARTIAL)) != 0 ? wish->data : NULL,
		.class_name = (item->flags & APPLY_CLASS) != 0 ? wish->class_name : NULL,
		.settings = (item->flags & APPLY_SETTINGS) != 0 ? &wish->settings : NULL,
		.labels = (item->flags & APPLY_LABELS) != 0 ? wish->labels : NULL,
	};
}

/* items_take puts what differs into the batch. The set may have changed since it was compared. */
static int
items_take(struct apply *a)
{
	struct torrents *torrents = a->env.registry->torrents;

	for (uint32_t i = 0; i < a->item_cnt; i++) {
		struct apply_item *item = &a->item[i];
		struct torrent *t = torrents_by_hash(torrents, item->info_hash);

		if ((t != NULL ? t->id : 0) != item->id)
			return apply_fail(a, item->wish.line, EBUSY,
			                  "the torrent was added or removed meanwhile: apply again");
		if (t == NULL)
			new_add(&a->batch, item);
		else if (item->flags != 0)
			change_add(&a->batch, item, t);
		a->result.unchanged_cnt += t != NULL && (item->flags & ~(uint32_t)APPLY_MANAGED) == 0;
		a->result.changed_cnt += t != NULL && (item->flags & ~(uint32_t)APPLY_MANAGED) != 0;
	}
	a->result.added_cnt = a->batch.new_cnt;
	return 0;
}

static void
removals_take(struct apply *a)
{
	struct torrents *torrents = a->env.registry->torrents;

	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id)) {
		if (t->gone || !t->managed || is_named(a, t))
			continue;
		a->batch.change[a->batch.change_cnt++] =
			(struct registry_change){.torrent = t, .remove = true};
		a->result.removed_cnt++;
	}
}

int
apply_batch(struct apply *apply)
{
	uint32_t cnt = torrents_cnt(apply->env.registry->torrents);
	int64_t torrents_max = apply->env.options->torrents_max;
	struct fail text;

	apply->batch.change = calloc(cnt + 1, sizeof(*apply->batch.change));
	apply->batch.new = calloc(apply->item_cnt + 1, sizeof(*apply->batch.new));
	if (apply->batch.change == NULL || apply->batch.new == NULL)
		return apply_fail(apply, 0, ENOMEM, "out of memory");
	int err = items_take(apply);
	if (err != 0)
		return err;
	if (apply->prune)
		removals_take(apply);
	if ((int64_t)cnt - apply->result.removed_cnt + apply->result.added_cnt <= torrents_max)
		return 0;
	fail_set(&text, 0,
	         "the catalogue would be full: torrents_max is %" PRId64 ", there are %" PRIu32
	         " and %" PRIu32 " more would be added",
	         torrents_max, cnt - apply->result.removed_cnt, apply->result.added_cnt);
	return apply_fail(apply, 0, ENOSPC, text.text);
}

void
apply_remember(struct apply *apply)
{
	apply->removed = calloc(apply->batch.change_cnt + 1, sizeof(*apply->removed));
	for (uint32_t i = 0; apply->removed != NULL && i < apply->batch.change_cnt; i++) {
		const struct registry_change *change = &apply->batch.change[i];
		char *name = change->remove ? strdup(change->torrent->name) : NULL;
		if (name != NULL)
			apply->removed[apply->removed_cnt++] = name;
	}
}

static void
verify_all(struct apply *a)
{
	for (uint32_t i = 0; i < a->batch.new_cnt; i++)
		work_verify(a->env.work, a->batch.new[i].torrent);
	for (uint32_t i = 0; i < a->batch.change_cnt; i++)
		if (!a->batch.change[i].remove && a->batch.change[i].data_dir != NULL)
			work_verify(a->env.work, a->batch.change[i].torrent);
}

void
apply_store(struct apply *apply)
{
	struct fail fail;

	int err = registry_apply(apply->env.registry, &apply->batch, &fail);
	if (err != 0) {
		apply_fail(apply, 0, -err, fail.text);
		return;
	}
	verify_all(apply);
	log_info("manifest_applied",
	         "added=%" PRIu32 " changed=%" PRIu32 " removed=%" PRIu32 " unchanged=%" PRIu32,
	         apply->result.added_cnt, apply->result.changed_cnt, apply->result.removed_cnt,
	         apply->result.unchanged_cnt);
}
