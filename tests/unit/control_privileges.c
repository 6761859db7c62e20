/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The starter's rights: a process that has no others does one thing, and is looked at. */
#include "control/options/options.h"
#include "control/privileges.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, DONE = 42, CANNOT = 77 };

static const uint64_t admin = UINT64_C(1) << CAP_NET_ADMIN;

/* as_starter runs act in a child that has what the starter has. Returns its exit status. */
static int
as_starter(int (*act)(void), int64_t sandbox)
{
	const struct privileges_user user = {.name = "nobody", .uid = NOBODY, .gid = NOBODY};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(privileges_starter(&user, admin, sandbox) == 0 ? act() : CANNOT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
errno_of(long result)
{
	return result < 0 ? errno : 0;
}

static int
act_refused(void)
{
	/* Each of these its user might do, but for the filter. */
	if (errno_of(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY)) != EPERM)
		return 1;
	if (errno_of(mknod("/tmp/spillway-fifo", S_IFIFO | 0600, 0)) != EPERM)
		return 2;
	if (errno_of(symlink("/etc/passwd", "/tmp/spillway-link")) != EPERM)
		return 3;
	if (errno_of(syscall(SYS_pidfd_open, getpid(), 0)) != EPERM)
		return 4;
	if (errno_of(syscall(SYS_unshare, 0)) != EPERM)
		return 5;
	return DONE;
}

static int
act_root(void)
{
	if (geteuid() != NOBODY || errno_of(open("/etc/shadow", O_RDONLY)) != EACCES)
		return 1;
	return errno_of(chdir("/root")) == EACCES ? DONE : 2;
}

/* act_execute: with what a dataplane of that port is started with. */
static int
act_execute(void)
{
	static const char look[] = "grep -q '^CapEff:.0*1000$' /proc/self/status && "
	                           "grep -q '^CapBnd:.0*1000$' /proc/self/status && exit 42";
	const struct privileges_user user = {.name = "nobody", .uid = NOBODY, .gid = NOBODY};

	if (privileges_become(&user, admin) != 0)
		return 1;
	execl("/bin/sh", "sh", "-c", look, (char *)NULL);
	return 2;
}

static int
act_more(void)
{
	const struct privileges_user user = {.name = "nobody", .uid = NOBODY, .gid = NOBODY};

	return privileges_become(&user, admin | UINT64_C(1) << CAP_SYS_ADMIN) == -EPERM ? DONE : 1;
}

static void
starter_may_little(void **state)
{
	(void)state;
	assert_int_equal(as_starter(act_refused, OPTION_SANDBOX_ON), DONE);
	assert_int_equal(as_starter(act_root, OPTION_SANDBOX_OFF), DONE);
}

static void
starter_executes_with_no_more(void **state)
{
	(void)state;
	assert_int_equal(as_starter(act_execute, OPTION_SANDBOX_ON), DONE);
	assert_int_equal(as_starter(act_more, OPTION_SANDBOX_ON), DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starter_may_little),
		cmocka_unit_test(starter_executes_with_no_more),
	};

	if (geteuid() != 0)
		return 77; /* only root has anything to give up */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
