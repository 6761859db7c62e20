/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A folder where .torrent files appear. */
#include "control/work/watched.h"

#include "control/work/adding.h"
#include "control/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	NAME_ROOM = NAME_MAX + 16,
	READ_LEN = 64 << 10,
};

struct watched {
	struct commands_env env;
	int fd;        /* of inotify; -1: nothing is watched */
	int dir_fd;
	DIR *scan;     /* what lies there is gone through; NULL: done */
	size_t len;    /* of events that were read */
	size_t at;     /* the next of them */
	char events[READ_LEN] __attribute__((aligned(__alignof__(struct inotify_event))));
};

static bool
is_torrent(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 8 && strcmp(name + len - 8, ".torrent") == 0;
}

static void
scan_begin(struct watched *w)
{
	int fd = openat(w->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (w->scan != NULL)
		closedir(w->scan);
	w->scan = fd >= 0 ? fdopendir(fd) : NULL;
	if (w->scan == NULL)
		log_error("watch_failed", "reason=%s", LOG_QUOTE(strerror(errno)));
	if (w->scan == NULL && fd >= 0)
		close(fd);
}

int
watched_create(struct watched **watched, const struct commands_env *env, struct fail *fail)
{
	const char *dir = env->options->watch_dir;
	struct watched *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	*w = (struct watched){.env = *env, .fd = -1, .dir_fd = -1};
	*watched = w;
	if (dir[0] == '\0')
		return 0;
	/* First the watch: what appears meanwhile is seen twice rather than never. */
	w->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->dir_fd < 0 || w->fd < 0 ||
	    inotify_add_watch(w->fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		int err = fail_set(fail, errno, "option watch_dir: %s: %s", dir, strerror(errno));
		watched_destroy(w);
		*watched = NULL;
		return err;
	}
	scan_begin(w);
	return 0;
}

void
watched_destroy(struct watched *watched)
{
	if (watched == NULL)
		return;
	if (watched->scan != NULL)
		closedir(watched->scan);
	if (watched->dir_fd >= 0)
		close(watched->dir_fd);
	if (watched->fd >= 0)
		close(watched->fd);
	free(watched);
}

/* ---- One file. */

/* reason_write leaves a note beside a refused file, over an older one. */
static void
reason_write(struct watched *w, const char *name, const char *text)
{
	char path[NAME_ROOM];

	snprintf(path, sizeof(path), "%s.reason", name);
	unlinkat(w->dir_fd, path, 0);
	int fd = openat(w->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || dprintf(fd, "%s\n", text) < 0)
		log_error("watch_failed", "file=%s reason=%s", LOG_QUOTE(path), LOG_QUOTE(strerror(errno)));
	if (fd >= 0)
		close(fd);
}

static void
mark(struct watched *w, const char *name, const char *ending)
{
	char path[NAME_ROOM];

	snprintf(path, sizeof(path), "%s.%s", name, ending);
	if (renameat(w->dir_fd, name, w->dir_fd, path) != 0)
		log_error("watch_failed", "file=%s reason=%s", LOG_QUOTE(name), LOG_QUOTE(strerror(errno)));
}

static int
file_add(struct watched *w, int fd, struct fail *fail)
{
	const struct options *options = w->env.options;
	struct registry_wish wish = {
		.data_dir = options->watch_data_dir[0] != '\0' ? options->watch_data_dir
		                                               : options->watch_dir,
		.class_name = "",
		.labels = options->watch_label,
	};
	struct torrent *torrent;
	struct metainfo *meta;
	int err = adding_read(fd, NULL, &meta, fail);

	if (err != 0)
		return err;
	err = adding_add(&w->env, meta, &wish, &torrent, fail);
	metainfo_free(meta);
	return err == -EEXIST ? 0 : err;
}

static void
file_take(struct watched *w, const char *name)
{
	int fd = openat(w->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct fail fail;

	if (fd < 0 && errno == ENOENT)
		return; /* taken before, or moved away */
	int err = fd >= 0 ? file_add(w, fd, &fail)
	                  : fail_set(&fail, errno, "cannot be opened: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (err == 0) {
		mark(w, name, "added");
		return;
	}
	log_warn("watch_refused", "file=%s reason=%s", LOG_QUOTE(name), LOG_QUOTE(fail.text));
	reason_write(w, name, fail.text);
	mark(w, name, "refused");
}

/* ---- What has appeared. */

/* scan_next returns the next name of those that lay there, or NULL. */
static const char *
scan_next(struct watched *w)
{
	const struct dirent *entry;

	while (w->scan != NULL && (entry = readdir(w->scan)) != NULL)
		if (is_torrent(entry->d_name))
			return entry->d_name;
	if (w->scan != NULL)
		closedir(w->scan);
	w->scan = NULL;
	return NULL;
}

/* event_next returns the next name of those that have appeared, or NULL. */
static const char *
event_next(struct watched *w)
{
	for (;;) {
		if (w->at == w->len) {
			ssize_t n = read(w->fd, w->events, sizeof(w->events));
			w->at = 0;
			w->len = n > 0 ? (size_t)n : 0;
			if (n <= 0)
				return NULL;
		}
		const struct inotify_event *event = (const void *)(w->events + w->at);
		w->at += sizeof(*event) + event->len;
		if ((event->mask & IN_Q_OVERFLOW) != 0)
			scan_begin(w);
		else if ((event->mask & IN_IGNORED) != 0)
			log_error("watch_failed", "reason=%s", LOG_QUOTE("the folder is gone"));
		else if (event->len > 0 && is_torrent(event->name))
			return event->name;
	}
}

int
watched_fd(const struct watched *watched)
{
	return watched->fd;
}

int
watched_timeout_ms(const struct watched *watched)
{
	return watched->scan != NULL || watched->at < watched->len ? 0 : -1;
}

void
watched_run(struct watched *watched)
{
	if (watched->fd < 0)
		return;
	const char *name = scan_next(watched);
	if (name == NULL)
		name = event_next(watched);
	if (name != NULL)
		file_take(watched, name);
}
