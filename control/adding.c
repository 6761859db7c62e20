/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How a torrent comes in. */
#include "control/adding.h"

#include "control/content.h"
#include "control/layout.h"
#include "control/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
adding_read(int fd, struct metainfo **meta, struct fail *fail)
{
	struct metainfo_error refused;
	struct stat st;
	size_t len = 0;

	if (fd < 0)
		return fail_set(fail, EINVAL, "add needs a .torrent as descriptor");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail_set(fail, EINVAL, "the .torrent is not a regular file");
	if (st.st_size > METAINFO_LEN_MAX)
		return fail_set(fail, EFBIG, "the .torrent is larger than %d MiB", METAINFO_LEN_MAX >> 20);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	if (bytes == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	while (len < (size_t)st.st_size) {
		ssize_t n = pread(fd, bytes + len, (size_t)st.st_size - len, (off_t)len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	int err = metainfo_parse(meta, bytes, len, &refused);
	free(bytes);
	return err != 0 ? fail_set(fail, -err, "%s", refused.text) : 0;
}

/* content_look opens every file once, so that what is missing or of the wrong size is refused
 * before anything is stored. */
static int
content_look(const struct metainfo *meta, const char *data_dir, bool partial, struct fail *fail)
{
	int dir_fd = content_dir_open(data_dir, fail);
	bool is_any = false;
	int err = 0;

	if (dir_fd < 0)
		return dir_fd;
	for (uint32_t i = 0; err == 0 && i < meta->file_cnt; i++) {
		struct content_pin pin;
		if (!metainfo_file_has_data(&meta->file[i]))
			continue;
		int fd = content_file_open(dir_fd, &meta->file[i], &pin, fail);
		is_any |= fd >= 0;
		if (fd >= 0)
			close(fd);
		else if (!partial || fd != -ENOENT)
			err = fd;
	}
	close(dir_fd);
	return err == 0 && !is_any ? fail_set(fail, ENOENT, "no file of %s is there", meta->name) : err;
}

static int
servable_check(const struct metainfo *meta, struct fail *fail)
{
	struct metainfo_error refused;
	struct layout_plan plan;
	int err = layout_served_check(meta, &refused);

	if (err == 0)
		err = layout_plan_create(&plan, meta, ABI_UNIT_MIN, &refused);
	if (err != 0)
		return fail_set(fail, -err, "%s", refused.text);
	if (plan.file_cnt == 0)
		err = fail_set(fail, EINVAL, "%s: the torrent has no content", meta->name);
	layout_plan_free(&plan);
	return err;
}

static int
again(const struct commands_env *env, struct torrent *t, const struct registry_wish *wish,
      struct fail *fail)
{
	if (t->state == TORRENT_VERIFYING)
		return fail_set(fail, EEXIST, "%s is being verified already", t->name);
	if (t->state == TORRENT_SEEDING && t->have_cnt == t->piece_cnt)
		return fail_set(fail, EEXIST, "%s is seeded already", t->name);
	return registry_reverify(env->registry, t, wish, fail);
}

int
adding_check(const struct metainfo *meta, const char *data_dir, bool partial, struct fail *fail)
{
	int err = servable_check(meta, fail);

	return err == 0 ? content_look(meta, data_dir, partial, fail) : err;
}

int
adding_add(const struct commands_env *env, const struct metainfo *meta,
           const struct registry_wish *wish, struct torrent **torrent, struct fail *fail)
{
	struct registry *registry = env->registry;
	int err = adding_check(meta, wish->data_dir, false, fail);

	*torrent = torrents_by_hash(registry->torrents, meta->info_hash);
	if (err == 0 && *torrent != NULL)
		err = again(env, *torrent, wish, fail);
	else if (err == 0 && torrents_cnt(registry->torrents) >= env->options->torrents_max)
		err = fail_set(fail, ENOSPC, "the catalogue is full: torrents_max is %" PRId64,
		               env->options->torrents_max);
	else if (err == 0)
		err = registry_add(registry, meta, wish, torrent, fail);
	if (err != 0)
		return err;
	log_info("torrent_added", "id=%" PRIu32 " name=%s data=%s", (*torrent)->id,
	         LOG_QUOTE((*torrent)->name), LOG_QUOTE(wish->data_dir));
	work_verify(env->work, *torrent);
	return 0;
}
