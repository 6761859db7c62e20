/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Changes to several torrents: on disk in one transaction, then in memory. */
#include "control/registry_batch.h"

static int
change_store(struct registry *registry, const struct registry_change *change, struct fail *fail)
{
	uint32_t id = change->torrent->id;
	int err = 0;

	if (change->remove)
		return catalogue_remove(registry->catalogue, id, fail);
	if (change->settings != NULL)
		err = catalogue_set_settings(registry->catalogue, id, change->settings, fail);
	if (err == 0 && change->labels != NULL)
		err = catalogue_set_labels(registry->catalogue, id, change->labels, fail);
	return err;
}

static void
change_take(struct registry *registry, const struct registry_change *change)
{
	if (change->remove)
		registry_forget(registry, change->torrent);
	else
		registry_take(registry, change->torrent, change->settings, change->labels);
}

int
registry_change(struct registry *registry, const struct registry_change *changes, uint32_t cnt,
                struct fail *fail)
{
	int err = catalogue_begin(registry->catalogue, fail);

	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < cnt; i++)
		err = change_store(registry, &changes[i], fail);
	err = catalogue_finish(registry->catalogue, err, fail);
	for (uint32_t i = 0; err == 0 && i < cnt; i++)
		change_take(registry, &changes[i]);
	return err;
}
