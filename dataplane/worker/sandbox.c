/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Capabilities off every thread, then the filter. */
#include "dataplane/worker/sandbox.h"

#include "dataplane/abi.h"
#include "dataplane/worker/sandbox_filter.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS_WAIT_MS = 2000,
	LINE_MAX_READ = 128,
};

/* Threads that have dropped their capabilities since the last round began. */
static _Atomic uint32_t dropped_cnt;

/* caps_drop is the calling thread's only: that is how the kernel has them. */
static int
caps_drop(void)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return (int)syscall(SYS_capset, &hdr, none);
}

static void
on_drop(int sig)
{
	int saved = errno;

	(void)sig;
	if (caps_drop() == 0)
		atomic_fetch_add(&dropped_cnt, 1);
	errno = saved;
}

/* has_caps tells whether a thread of ours has capabilities; one that has ended has none, and a
 * kernel's own worker of a ring runs none of our code. */
static COLD bool
has_caps(const char *tid)
{
	char path[64], line[LINE_MAX_READ];
	bool has = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/status", tid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "Name:\tiou-", 10) == 0)
			break;
		if (strncmp(line, "CapPrm:", 7) == 0)
			has = strtoull(line + 7, NULL, 16) != 0;
	}
	if (file != NULL)
		fclose(file);
	return has;
}

/* threads_ask has every other thread with capabilities drop them. Returns how many there are. */
static COLD uint32_t
threads_ask(int sig)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	uint32_t cnt = 0;

	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		int tid = atoi(entry->d_name);

		if (tid <= 0 || tid == (int)syscall(SYS_gettid) || !has_caps(entry->d_name))
			continue;
		cnt += syscall(SYS_tgkill, getpid(), tid, sig) == 0;
	}
	if (tasks != NULL)
		closedir(tasks);
	return tasks != NULL ? cnt : UINT32_MAX;
}

/* drop_everywhere: a thread that began meanwhile is found in the next round. */
static COLD int
drop_everywhere(char *error)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct sigaction action = {.sa_handler = on_drop, .sa_flags = SA_RESTART};
	int sig = SIGRTMAX;
	uint32_t asked = 1;

	sigaction(sig, &action, NULL);
	if (caps_drop() < 0) {
		snprintf(error, SANDBOX_ERROR_MAX, "capabilities cannot be dropped: %s",
		         strerror(errno));
		return -1;
	}
	for (int i = 0; i < THREADS_WAIT_MS && asked > 0; i++) {
		atomic_store(&dropped_cnt, 0);
		asked = threads_ask(sig);
		for (int k = 0; k < 10 && atomic_load(&dropped_cnt) < asked; k++)
			nanosleep(&pause, NULL);
	}
	signal(sig, SIG_IGN);
	if (asked == 0)
		return 0;
	snprintf(error, SANDBOX_ERROR_MAX, "a thread does not drop its capabilities");
	return -1;
}

static void
say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

/* on_refused says which system call it was, and ends: nothing else may run now. */
static void
on_refused(int sig, siginfo_t *info, void *context)
{
	char digits[12] = {0};
	unsigned int number = (unsigned int)info->si_syscall;
	size_t at = sizeof(digits) - 1;

	(void)sig;
	(void)context;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	say("spillway-dp: the sandbox refuses system call ");
	say(digits + at);
	say("\n");
	_exit(128 + SIGSYS);
}

static COLD int
filter_enter(bool log, char *error)
{
	struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
	int err;

	sigaction(SIGSYS, &action, NULL);
	err = filter_load(log);
	if (err < 0)
		snprintf(error, SANDBOX_ERROR_MAX, "the filter of system calls is refused: %s",
		         strerror(-err));
	return err < 0 ? -1 : 0;
}

int
sandbox_enter(uint32_t flags, char *error)
{
	if (flags & ABI_CONFIG_SANDBOX_OFF)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		snprintf(error, SANDBOX_ERROR_MAX, "no_new_privs: %s", strerror(errno));
		return -1;
	}
	if (drop_everywhere(error) < 0)
		return -1;
	if (!SANDBOX_SANITIZED) /* the search for leaks looks in */
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return filter_enter((flags & ABI_CONFIG_SANDBOX_LOG) != 0, error);
}
