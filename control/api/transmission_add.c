/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* torrent-add. */
#include "control/api/transmission_parts.h"

#include "control/work/adding.h"
#include "control/commands/answer.h"
#include "control/api/base64.h"
#include "control/content/content.h"
#include "control/content/mount.h"
#include "control/catalogue/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Directories. */

/* is_within is true when path is dir or under it. */
static bool
is_within(const char *path, const char *dir, size_t dir_len)
{
	while (dir_len > 1 && dir[dir_len - 1] == '/')
		dir_len--;
	if (dir_len == 1)
		return true;
	return strncmp(path, dir, dir_len) == 0 && (path[dir_len] == '/' || path[dir_len] == '\0');
}

/* roots_allow is true when path is under a directory of api_roots, or that is empty.
 *
 * real  out when it is true: the path that was looked at. */
static bool
roots_allow(const char *roots, const char *path, char real[PATH_MAX])
{
	if (roots[0] == '\0') {
		snprintf(real, PATH_MAX, "%s", path);
		return true;
	}
	if (realpath(path, real) == NULL)
		return false;
	while (*roots != '\0') {
		size_t len = strcspn(roots, ",");
		if (len > 0 && is_within(real, roots, len))
			return true;
		roots += len + (roots[len] == ',');
	}
	return false;
}

int
tr_dir_check(const struct transmission *t, const char *dir, char real[PATH_MAX],
             struct fail *fail)
{
	struct statvfs ignored;

	if (dir[0] != '/' || strlen(dir) >= PATH_MAX)
		return fail_set(fail, EINVAL, "\"%.200s\" is not an absolute path", dir);
	int err = mount_ask(dir, &ignored, fail);
	if (err != 0)
		return err;
	int fd = content_dir_open(dir, fail);
	if (fd < 0)
		return fd;
	close(fd);
	if (!roots_allow(t->env->options->api_roots, dir, real))
		return fail_set(fail, EACCES, "%.200s is not under any directory of the option api_roots",
		                dir);
	return 0;
}

/* ---- The .torrent. */

/* file_read reads a .torrent that lies here. What another file is like is not told: anything that
 * is no .torrent is refused with the same text. */
static int
file_read(struct tr_call *call, const char *path, struct metainfo **meta, struct fail *fail)
{
	if (strncasecmp(path, "magnet:", 7) == 0)
		return fail_set(fail, EINVAL, "a magnet link has no pieces to seed: Spillway does not "
		                "download, give the .torrent");
	if (strstr(path, "://") != NULL)
		return fail_set(fail, EINVAL, "URLs are not fetched: give the .torrent as metainfo");
	if (path[0] != '/')
		return fail_set(fail, EINVAL, "\"%.200s\" is not an absolute path", path);
	struct statvfs st;
	struct fail ignored;
	char real[PATH_MAX];
	bool allowed = strlen(path) < PATH_MAX && mount_ask(path, &st, &ignored) == 0 &&
	               roots_allow(call->t->env->options->api_roots, path, real);
	int fd = allowed ? open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	int err = fd >= 0 ? adding_read(fd, NULL, meta, &ignored) : -ENOENT;
	if (fd >= 0)
		close(fd);
	return err != 0 ? fail_set(fail, -err, "%.200s: no .torrent that may be read there", path) : 0;
}

static int
base64_read(const char *text, size_t len, struct metainfo **meta, struct fail *fail)
{
	struct metainfo_error refused;
	uint8_t *bytes;
	size_t bytes_len;

	if (base64_decode(text, len, &bytes, &bytes_len) != 0)
		return fail_set(fail, EINVAL, "metainfo: not base64");
	int err = metainfo_parse(meta, bytes, bytes_len, &refused);
	free(bytes);
	return err != 0 ? fail_set(fail, -err, "metainfo: %s", refused.text) : 0;
}

/* escaped_read reads a .torrent that no JSON parser has seen: some tools write "\/" for "/". */
static int
escaped_read(const struct tr_body *body, struct metainfo **meta, struct fail *fail)
{
	const char *from = body->metainfo, *end = from + body->metainfo_len, *escape;
	size_t len = 0;

	if (memchr(from, '\\', body->metainfo_len) == NULL)
		return base64_read(from, body->metainfo_len, meta, fail);
	char *text = malloc(body->metainfo_len + 1);
	if (text == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	while ((escape = memchr(from, '\\', (size_t)(end - from))) != NULL) {
		bool escapes = escape + 1 < end && escape[1] == '/';
		size_t part_len = (size_t)(escape - from) + !escapes;

		memcpy(text + len, from, part_len);
		len += part_len;
		from = escape + 1;
	}
	memcpy(text + len, from, (size_t)(end - from));
	len += (size_t)(end - from);
	int err = base64_read(text, len, meta, fail);
	free(text);
	return err;
}

/* meta_read reads what "metainfo" holds or "filename" names. Returns 0 or -1 after tr_refuse. */
static int
meta_read(struct tr_call *call, struct metainfo **meta)
{
	const json_t *metainfo = json_object_get(call->args, "metainfo");
	const char *filename = NULL;
	struct fail fail = {.text = "neither metainfo nor filename"};
	int err = -EINVAL;

	if (json_is_string(metainfo) && call->body->metainfo != NULL)
		err = escaped_read(call->body, meta, &fail);
	else if (json_is_string(metainfo) && json_string_length(metainfo) > 0)
		err = base64_read(json_string_value(metainfo), json_string_length(metainfo), meta, &fail);
	else if (tr_text(call, "filename", &filename) == 1)
		err = file_read(call, filename, meta, &fail);
	if (err != 0 && !call->refused)
		tr_refuse(call, "%s", fail.text);
	return err != 0 ? -1 : 0;
}

/* ---- Adding. */

static void
torrent_tell(struct tr_call *call, const char *name, const struct torrent *torrent)
{
	json_object_set_new(call->out, name,
	                    json_pack("{s:o, s:I, s:o}", "hashString",
	                              answer_hex(torrent->info_hash, 20), "id",
	                              (json_int_t)torrent->id, "name", answer_text(torrent->name)));
}

/* wish_read reads what is wanted beside the .torrent. Returns 0 or -1 after tr_refuse. */
static int
wish_read(struct tr_call *call, struct registry_wish *wish, struct tr_act *act,
          struct torrent_settings *settings)
{
	*settings = settings_preset;
	settings->paused = !tr_start_added(call->t);
	if (tr_bool(call, "paused", &settings->paused) < 0 || tr_settings_read(call, act) != 0 ||
	    tr_text(call, "download-dir", &wish->data_dir) < 0)
		return -1;
	tr_settings_apply(act, settings);
	wish->class_name = "";
	wish->labels = act->labels;
	wish->settings = settings;
	return 0;
}

/* dir_settle makes data_dir the path that is kept. Returns 0 or -1 after tr_refuse. */
static int
dir_settle(struct tr_call *call, struct registry_wish *wish, char real[PATH_MAX])
{
	struct fail fail;

	if (tr_dir_check(call->t, wish->data_dir, real, &fail) != 0) {
		tr_refuse(call, "download-dir: %s", fail.text);
		return -1;
	}
	wish->data_dir = real;
	return 0;
}

void
tr_torrent_add(struct tr_call *call)
{
	char download_dir[PATH_MAX], real[PATH_MAX];
	struct registry_wish wish = {.data_dir = tr_download_dir(call->t, download_dir)};
	struct torrent_settings settings;
	struct tr_act act = {0};
	struct metainfo *meta = NULL;
	struct torrent *torrent = NULL;
	struct fail fail;

	if (wish_read(call, &wish, &act, &settings) != 0 || dir_settle(call, &wish, real) != 0 ||
	    meta_read(call, &meta) != 0)
		return;
	int err = adding_add(call->t->env, meta, &wish, &torrent, &fail);
	metainfo_free(meta);
	if (err == 0)
		torrent_tell(call, "torrent-added", torrent);
	else if (err == -EEXIST && torrent != NULL)
		torrent_tell(call, "torrent-duplicate", torrent);
	else
		tr_refuse(call, "%s", fail.text);
}
