/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Changes to many torrents: on disk in one transaction, then in memory. */
#include "control/catalogue/registry_batch.h"

#include "control/catalogue/catalogue_ranges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int
change_store(struct catalogue *catalogue, const struct registry_change *change, struct fail *fail)
{
	uint32_t id = change->torrent->id;
	int err = 0;

	if (change->remove)
		return catalogue_remove(catalogue, id, fail);
	if (change->settings != NULL)
		err = catalogue_set_settings(catalogue, id, change->settings, fail);
	if (err == 0 && change->labels != NULL)
		err = catalogue_set_labels(catalogue, id, change->labels, fail);
	if (err == 0 && change->class_name != NULL)
		err = catalogue_set_class(catalogue, id, change->class_name, fail);
	if (err == 0 && change->data_dir != NULL)
		err = catalogue_set_place(catalogue, id, change->data_dir, change->partial, fail);
	if (err == 0 && change->data_dir != NULL)
		err = catalogue_ranges_clear(catalogue, id, fail);
	if (err == 0 && change->manage)
		err = catalogue_set_managed(catalogue, id, fail);
	return err;
}

static void
change_take(struct registry *registry, const struct registry_change *change)
{
	struct torrent *torrent = change->torrent;

	if (change->class_name != NULL)
		snprintf(torrent->class_name, sizeof(torrent->class_name), "%s", change->class_name);
	if (change->data_dir != NULL) {
		torrent->state = TORRENT_VERIFYING;
		torrent->partial = change->partial;
		torrents_set_reason(registry->torrents, torrent, "");
		registry_outdate(torrent);
	}
	torrent->managed |= change->manage;
	registry_take(registry, torrent, change->settings, change->labels);
}

/* removals_take lets go of all that are removed, in one pass over the set. */
static void
removals_take(struct registry *registry, const struct registry_batch *batch,
              struct torrent **removed)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < batch->change_cnt; i++)
		if (batch->change[i].remove)
			removed[cnt++] = batch->change[i].torrent;
	if (cnt == 0)
		return;
	torrents_hide_all(registry->torrents, removed, cnt);
	for (uint32_t i = 0; i < cnt; i++)
		registry_let_go(registry, removed[i]);
}

/* news_store stores what is added, and appends it in memory: that must not fail later.
 *
 * cnt  out: how many were appended. */
static int
news_store(struct registry *registry, struct registry_batch *batch, uint32_t *cnt,
           struct fail *fail)
{
	int err = 0;

	for (*cnt = 0; *cnt < batch->new_cnt; (*cnt)++) {
		struct registry_new *new = &batch->new[*cnt];

		err = catalogue_add_staged(registry->catalogue, &new->row, new->data_dir,
		                           new->source_id, fail);
		if (err != 0)
			return err;
		new->torrent = torrents_append(registry->torrents, &new->row);
		if (new->torrent == NULL)
			return fail_set(fail, ENOMEM, "out of memory");
		new->torrent->to_verify = true;
	}
	return batch->new_cnt > 0 ? catalogue_adopt(registry->catalogue, fail) : 0;
}

static int
store(struct registry *registry, struct registry_batch *batch, struct fail *fail)
{
	uint32_t appended_cnt = 0;
	int err = catalogue_begin(registry->catalogue, fail);

	if (err != 0)
		return err;
	/* Removed first: one that is added may have the info_hash of one that goes. */
	for (uint32_t i = 0; err == 0 && i < batch->change_cnt; i++)
		err = change_store(registry->catalogue, &batch->change[i], fail);
	if (err == 0)
		err = news_store(registry, batch, &appended_cnt, fail);
	err = catalogue_finish(registry->catalogue, err, fail);
	if (err != 0)
		torrents_take_back(registry->torrents, appended_cnt);
	return err;
}

int
registry_apply(struct registry *registry, struct registry_batch *batch, struct fail *fail)
{
	struct torrent **removed = calloc(batch->change_cnt + 1, sizeof(*removed));

	if (removed == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	int err = store(registry, batch, fail);
	if (err == 0) {
		if (batch->new_cnt > 0)
			torrents_sort(registry->torrents);
		for (uint32_t i = 0; i < batch->change_cnt; i++)
			if (!batch->change[i].remove)
				change_take(registry, &batch->change[i]);
		removals_take(registry, batch, removed);
	}
	free(removed);
	return err;
}
