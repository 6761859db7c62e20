/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Changes to torrents, in memory and on disk. */
#include "control/catalogue/registry.h"

#include "control/base/log.h"
#include "control/catalogue/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Together they stay below 2^53, so that every reader of JSON sees a serial as it is. */
#define RUN_SERIALS (UINT64_C(1) << 36)
#define RUNS_MAX    (UINT64_C(1) << 16)

/* serial_begin gives each run serials of its own: a run's are below RUN_SERIALS. */
static void
serial_begin(struct registry *registry)
{
	char *before, run[24];
	struct fail fail;
	uint64_t number = 0;

	if (catalogue_setting_get(registry->catalogue, "registry.run", &before, &fail) == 0)
		number = strtoull(before, NULL, 10);
	free(before);
	number = (number + 1) % RUNS_MAX;
	snprintf(run, sizeof(run), "%" PRIu64, number);
	if (catalogue_setting_set(registry->catalogue, "registry.run", run, &fail) != 0)
		log_error("catalogue_failed", "reason=%s", LOG_QUOTE(fail.text));
	torrents_serial_begin(registry->torrents, number * RUN_SERIALS);
}

static int
load_all(struct registry *registry, uint32_t torrents_max, struct fail *fail)
{
	struct catalogue_row row;
	int more;

	serial_begin(registry);
	while ((more = catalogue_next(registry->catalogue, &row, fail)) == 1) {
		if (torrents_cnt(registry->torrents) == torrents_max)
			return fail_set(fail, EFBIG,
			                "the catalogue holds more than torrents_max %" PRIu32 " torrents",
			                torrents_max);
		struct torrent *torrent = torrents_append(registry->torrents, &row);
		if (torrent == NULL)
			return fail_set(fail, ENOMEM, "out of memory");
		if (torrent->state == TORRENT_SEEDING || torrent->state == TORRENT_ERROR)
			torrent->to_check = true;
		else
			torrent->to_verify = true;
	}
	torrents_sort(registry->torrents);
	return more;
}

int
registry_open(struct registry *registry, const char *path, const struct registry_limits *limits,
              struct fail *fail)
{
	*registry = (struct registry){0};
	int err = catalogue_open(&registry->catalogue, path, fail);
	if (err != 0)
		return err;
	if (torrents_create(&registry->torrents, limits->worker_cnt) != 0)
		err = fail_set(fail, ENOMEM, "out of memory");
	if (err == 0)
		err = load_all(registry, limits->torrents_max, fail);
	if (err != 0)
		registry_close(registry);
	return err;
}

void
registry_close(struct registry *registry)
{
	withdrawals_free(&registry->withdrawn);
	torrents_destroy(registry->torrents);
	catalogue_close(registry->catalogue);
	*registry = (struct registry){0};
}

void
registry_disk_refused(const struct torrent *torrent, const struct fail *fail)
{
	log_error("catalogue_failed", "id=%" PRIu32 " reason=%s", torrent->id, LOG_QUOTE(fail->text));
}

int
registry_add(struct registry *registry, const struct metainfo *meta,
             const struct registry_wish *wish, struct torrent **torrent, struct fail *fail)
{
	struct catalogue_row row = {
		.state = TORRENT_VERIFYING,
		.name = meta->name,
		.reason = "",
		.class_name = wish->class_name,
		.labels = wish->labels != NULL ? wish->labels : "",
		.settings = wish->settings != NULL ? *wish->settings : settings_preset,
		.partial = wish->partial,
		.added_at = time(NULL),
		.total_len = meta->content_len,
		.file_cnt = meta->data_file_cnt,
		.piece_cnt = meta->piece_cnt,
	};
	struct catalogue_source source = {
		.metainfo = meta->bytes,
		.metainfo_len = meta->len,
		.data_dir = (char *)(uintptr_t)wish->data_dir,
	};

	memcpy(row.info_hash, meta->info_hash, sizeof(row.info_hash));
	int err = catalogue_add(registry->catalogue, &row, &source, fail);
	if (err != 0)
		return err;
	*torrent = torrents_insert(registry->torrents, &row);
	if (*torrent == NULL) {
		struct fail ignored;
		catalogue_remove(registry->catalogue, row.id, &ignored);
		return fail_set(fail, ENOMEM, "out of memory");
	}
	(*torrent)->to_verify = true;
	return 0;
}

void
registry_set_state(struct registry *registry, struct torrent *torrent, enum torrent_state state,
                   const char *reason)
{
	struct fail fail;

	torrent->state = state;
	torrent->to_check = false;
	torrents_set_reason(registry->torrents, torrent, reason);
	if (catalogue_set_state(registry->catalogue, torrent->id, state, reason, &fail) != 0)
		registry_disk_refused(torrent, &fail);
	torrents_push_all(registry->torrents, torrent);
}

void
registry_take(struct registry *registry, struct torrent *torrent,
              const struct torrent_settings *settings, const char *labels)
{
	if (settings != NULL)
		torrent->settings = *settings;
	if (labels != NULL)
		torrents_set_labels(registry->torrents, torrent, labels);
	for (uint32_t i = 0; i < torrent->place_cnt; i++)
		torrent->place[i].reclass = true;
	torrents_touch(registry->torrents, torrent);
	torrents_push_all(registry->torrents, torrent);
}

int
registry_set_settings(struct registry *registry, struct torrent *torrent,
                      const struct torrent_settings *settings, struct fail *fail)
{
	int err = catalogue_set_settings(registry->catalogue, torrent->id, settings, fail);

	if (err == 0)
		registry_take(registry, torrent, settings, NULL);
	return err;
}

int
registry_set_labels(struct registry *registry, struct torrent *torrent, const char *labels,
                    struct fail *fail)
{
	int err = catalogue_set_labels(registry->catalogue, torrent->id, labels, fail);

	if (err == 0)
		registry_take(registry, torrent, NULL, labels);
	return err;
}

void
registry_add_uploaded(struct registry *registry, struct torrent *torrent, uint64_t bytes)
{
	struct fail fail;

	if (bytes == 0)
		return;
	torrents_add_uploaded(registry->torrents, torrent, bytes);
	if (catalogue_add_uploaded(registry->catalogue, torrent->id, bytes, &fail) != 0)
		registry_disk_refused(torrent, &fail);
}

int
registry_remove(struct registry *registry, struct torrent *torrent, struct fail *fail)
{
	int err = catalogue_remove(registry->catalogue, torrent->id, fail);

	if (err != 0)
		return err;
	registry_forget(registry, torrent);
	registry_sweep(registry, 1);
	return 0;
}

void
registry_forget(struct registry *registry, struct torrent *torrent)
{
	torrents_hide(registry->torrents, torrent);
	registry_let_go(registry, torrent);
}

void
registry_let_go(struct registry *registry, struct torrent *torrent)
{
	torrent->to_verify = false;
	torrent->to_check = false;
	if (!registry_settle(registry, torrent))
		torrents_push_all(registry->torrents, torrent);
}

bool
registry_sweep(struct registry *registry, uint32_t cnt)
{
	struct fail fail;
	int more = 1;

	for (uint32_t i = 0; i < cnt && more == 1; i++)
		more = catalogue_sweep(registry->catalogue, &fail);
	if (more < 0)
		log_error("catalogue_failed", "reason=%s", LOG_QUOTE(fail.text));
	return more == 1;
}

bool
registry_settle(struct registry *registry, struct torrent *torrent)
{
	if (!torrent->gone)
		return false;
	for (uint32_t i = 0; i < torrent->place_cnt; i++)
		if (torrent->place[i].sync != SYNC_ABSENT && torrent->place[i].sync != SYNC_REFUSED)
			return false;
	torrents_free_one(registry->torrents, torrent);
	return true;
}

int
registry_metainfo(struct registry *registry, uint32_t id, struct metainfo **meta, char **data_dir,
                  struct fail *fail)
{
	struct catalogue_source source;
	struct metainfo_error refused;
	int err = catalogue_source(registry->catalogue, id, &source, fail);

	if (err != 0)
		return err;
	err = metainfo_parse(meta, source.metainfo, source.metainfo_len, &refused);
	if (err != 0)
		fail_set(fail, -err, "stored metainfo: %s", refused.text);
	else if (data_dir != NULL) {
		*data_dir = source.data_dir;
		source.data_dir = NULL;
	}
	catalogue_source_free(&source);
	return err;
}
