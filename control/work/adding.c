/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How a torrent comes in. */
#include "control/work/adding.h"

#include "control/content/bencode.h"
#include "control/content/content.h"
#include "control/content/layout.h"
#include "control/content/mount.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
adding_bytes(int fd, uint8_t **bytes, size_t *len, struct fail *fail)
{
	struct stat st;

	if (fd < 0)
		return fail_set(fail, EINVAL, "add needs a .torrent as descriptor");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail_set(fail, EINVAL, "the .torrent is not a regular file");
	if (st.st_size > METAINFO_LEN_MAX)
		return fail_set(fail, EFBIG, "the .torrent is larger than %d MiB", METAINFO_LEN_MAX >> 20);
	*bytes = malloc((size_t)st.st_size + 1);
	if (*bytes == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	for (*len = 0; *len < (size_t)st.st_size;) {
		ssize_t n = pread(fd, *bytes + *len, (size_t)st.st_size - *len, (off_t)*len);
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

/* is_bare is true for an info dictionary by itself (what BEP 9 transfers). */
static bool
is_bare(const uint8_t *bytes, size_t len)
{
	struct bencode doc;

	if (bencode_decode(&doc, bytes, len, NULL, NULL) != 0)
		return false;
	bool bare = bencode_get(&doc, 0, "info") == BENCODE_NONE &&
	            bencode_get_type(&doc, 0, "name", BENCODE_STR) != BENCODE_NONE &&
	            bencode_get_type(&doc, 0, "piece length", BENCODE_INT) != BENCODE_NONE;
	bencode_free(&doc);
	return bare;
}

/* wrap makes a .torrent around an info dictionary, each tracker a tier of its own (BEP 12). */
static void
wrap(struct bencode_out *out, const uint8_t *info, size_t len, const json_t *trackers)
{
	size_t cnt = json_array_size(trackers);

	bencode_put_dict(out);
	if (cnt > 0) {
		bencode_put_text(out, "announce");
		bencode_put_text(out, json_string_value(json_array_get(trackers, 0)));
		bencode_put_text(out, "announce-list");
		bencode_put_list(out);
		for (size_t i = 0; i < cnt; i++) {
			bencode_put_list(out);
			bencode_put_text(out, json_string_value(json_array_get(trackers, i)));
			bencode_put_end(out);
		}
		bencode_put_end(out);
	}
	bencode_put_text(out, "info");
	bencode_put_raw(out, info, len);
	bencode_put_end(out);
}

static int
trackers_check(const json_t *trackers, bool bare, struct fail *fail)
{
	if (trackers == NULL)
		return 0;
	if (!bare)
		return fail_set(fail, EINVAL, "trackers are given, but the .torrent has its own");
	if (!json_is_array(trackers) || json_array_size(trackers) > METAINFO_TRACKERS_MAX)
		return fail_set(fail, EINVAL, "\"trackers\" is not an array of at most %d",
		                METAINFO_TRACKERS_MAX);
	for (size_t i = 0; i < json_array_size(trackers); i++)
		if (!json_is_string(json_array_get(trackers, i)))
			return fail_set(fail, EINVAL, "a tracker is not a text");
	return 0;
}

int
adding_parse(const uint8_t *bytes, size_t len, const json_t *trackers, struct metainfo **meta,
             struct fail *fail)
{
	bool bare = is_bare(bytes, len);
	struct bencode_out out = {0};
	struct metainfo_error refused;
	int err = trackers_check(trackers, bare, fail);

	if (err != 0)
		return err;
	if (bare)
		wrap(&out, bytes, len, trackers);
	if (out.failed)
		err = fail_set(fail, ENOMEM, "out of memory");
	else if ((err = metainfo_parse(meta, bare ? out.bytes : bytes, bare ? out.len : len,
	                               &refused)) != 0)
		fail_set(fail, -err, "%s", refused.text);
	bencode_out_free(&out);
	return err;
}

int
adding_read(int fd, const json_t *trackers, struct metainfo **meta, struct fail *fail)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	int err = adding_bytes(fd, &bytes, &len, fail);

	if (err == 0)
		err = adding_parse(bytes, len, trackers, meta, fail);
	free(bytes);
	return err;
}

/* missing_say adds to the text of a missing file where it was looked for. Returns err. */
static int
missing_say(const char *data_dir, int err, struct fail *fail)
{
	struct fail what = *fail;

	return fail_set(fail, -err, "%.250s in %.200s", what.text, data_dir);
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
		else if (!partial || !content_missing(fd))
			err = content_missing(fd) ? missing_say(data_dir, fd, fail) : fd;
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
	struct statvfs ignored;
	int err = mount_ask(wish->data_dir, &ignored, fail);
	if (err == -ETIMEDOUT)
		return err;
	err = adding_check(meta, wish->data_dir, wish->partial, fail);

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
