/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Directories, locks, signals, limits, priority. */
#include "control/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* dir_make makes the last component of path, and those above it with the usual mode. */
static int
dir_make(const char *option, const char *path, mode_t mode, struct fail *fail)
{
	char part[PATH_MAX];
	struct stat st;

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(part, 0755); /* what cannot be made shows below */
		*p = '/';
	}
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return fail_set(fail, errno, "option %s: %s: %s", option, path, strerror(errno));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return fail_set(fail, ENOTDIR, "option %s: %s is not a directory", option, path);
	return 0;
}

/* lock_take locks dir/lock. Returns its descriptor or a negative errno with fail. */
static int
lock_take(const char *dir, struct fail *fail)
{
	char path[PATH_MAX + 8], pid[16] = "";

	snprintf(path, sizeof(path), "%s/lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_set(fail, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = read(fd, pid, sizeof(pid) - 1);
		pid[n > 0 ? n : 0] = '\0';
		close(fd);
		return fail_set(fail, EBUSY, "spillwayd is already running (pid %.10s) with %s",
		                pid[0] ? pid : "?", dir);
	}
	int len = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
		close(fd);
		return fail_set(fail, EIO, "%s: cannot be written", path);
	}
	return fd;
}

/* files_raise lifts the limit of open files: verification opens all files of a torrent at once. */
static void
files_raise(void)
{
	struct rlimit limit;
	unsigned long nr_open = 1048576;
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");

	if (file != NULL) {
		if (fscanf(file, "%lu", &nr_open) != 1)
			nr_open = 1048576;
		fclose(file);
	}
	limit.rlim_cur = limit.rlim_max = nr_open;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* memory_raise lifts the limit of locked memory: rings pin the buffers that they read into. */
static void
memory_raise(void)
{
	const struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &limit); /* if it may not, rings do without */
}

/* entry_own gives what lies in a directory to user. Not a link, nor what has another name as well:
 * who owned the directory before may have put them there. */
static void
entry_own(int dir_fd, const char *name, const struct privileges_user *user)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_uid == user->uid ||
	    S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode) || st.st_nlink != 1)
		return;
	/* What may not be given away is complained of when it is used. */
	int ignored = fchownat(dir_fd, name, user->uid, user->gid, AT_SYMLINK_NOFOLLOW);
	(void)ignored;
}

static int
dir_own(const char *path, const struct privileges_user *user, struct fail *fail)
{
	const struct dirent *entry;
	struct stat st;
	DIR *dir = opendir(path);

	if (dir == NULL || fstat(dirfd(dir), &st) != 0 ||
	    (st.st_uid != user->uid && fchown(dirfd(dir), user->uid, user->gid) != 0)) {
		int err = fail_set(fail, errno, "%s: cannot be given to user %s: %s", path, user->name,
		                   strerror(errno));
		if (dir != NULL)
			closedir(dir);
		return err;
	}
	while ((entry = readdir(dir)) != NULL)
		entry_own(dirfd(dir), entry->d_name, user);
	closedir(dir);
	return 0;
}

static int
signals_open(struct fail *fail)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : fail_set(fail, errno, "signalfd: %s", strerror(errno));
}

int
place_prepare(struct place *place, const struct options *options,
              const struct privileges_user *user, struct fail *fail)
{
	if (geteuid() != 0)
		return fail_set(fail, EPERM,
		                "spillwayd needs root to start: it sets up the network port");
	int err = dir_make("state_dir", options->state_dir, 0700, fail);
	if (err == 0)
		err = dir_make("run_dir", options->run_dir, 0750, fail);
	if (err == 0)
		err = place->run_lock_fd = lock_take(options->run_dir, fail);
	if (err >= 0)
		err = place->state_lock_fd = lock_take(options->state_dir, fail);
	if (err >= 0)
		err = dir_own(options->run_dir, user, fail);
	if (err >= 0)
		err = dir_own(options->state_dir, user, fail);
	if (err >= 0)
		err = place->signal_fd = signals_open(fail);
	files_raise();
	memory_raise();
	return err < 0 ? err : 0;
}

static void
priority_lower(void)
{
	errno = 0;
	int now = getpriority(PRIO_PROCESS, 0);
	if (now >= PLACE_NICE || (now == -1 && errno != 0))
		return;
	setpriority(PRIO_PROCESS, 0, PLACE_NICE);
	FILE *group = getsid(0) == getpid() ? fopen("/proc/self/autogroup", "we") : NULL;
	if (group == NULL)
		return;
	fprintf(group, "%d", PLACE_NICE);
	fclose(group);
}

static void
cpus_leave(const struct options *options)
{
	struct cpus cpus;
	struct fail ignored;
	cpu_set_t may;

	if (cpus_parse(&cpus, options->cpu, &ignored) != 0 ||
	    sched_getaffinity(0, sizeof(may), &may) != 0)
		return;
	for (uint32_t i = 0; i < cpus.cnt; i++)
		CPU_CLR(cpus.cpu[i], &may);
	if (cpus.cnt > 0 && CPU_COUNT(&may) > 0)
		sched_setaffinity(0, sizeof(may), &may);
}

void
place_yield(const struct options *options)
{
	priority_lower();
	cpus_leave(options);
}
