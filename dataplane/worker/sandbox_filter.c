/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The filter of system calls. A call without conditions costs nothing that can be measured: the
 * kernel keeps a bitmap of those. */
#include "dataplane/worker/sandbox_filter.h"

#include <seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static const int allowed[] = {
	/* each turn */
	SCMP_SYS(io_uring_enter), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getrandom),
	/* control, and other ends at a socket: what came is looked at, mapped, closed */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(fstat), SCMP_SYS(pread64), SCMP_SYS(lseek),
	SCMP_SYS(close), SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname), SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime), SCMP_SYS(memfd_create), SCMP_SYS(ftruncate),
	SCMP_SYS(io_uring_register), /* our rings take FILES_UPDATE only */
	/* memory; mmap and mprotect are below */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(fallocate),
	/* DPDK's heap when it grows: a page that is not there is a signal */
	SCMP_SYS(get_mempolicy), SCMP_SYS(set_mempolicy), SCMP_SYS(rt_sigaction),
	/* threads and the end */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(set_robust_list), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* What drivers try when they end or lose their other end: to them it fails. */
static const int refused[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(rmdir),
};

static const int for_sanitizer[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(clone),
	SCMP_SYS(clone3), SCMP_SYS(ptrace), SCMP_SYS(prctl), SCMP_SYS(wait4), SCMP_SYS(sigaltstack),
	SCMP_SYS(prlimit64), SCMP_SYS(getppid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(process_vm_readv), SCMP_SYS(pipe2), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(uname), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit), SCMP_SYS(kill), SCMP_SYS(tgkill),
	SCMP_SYS(mprotect), SCMP_SYS(mmap), SCMP_SYS(arch_prctl), SCMP_SYS(getcwd), SCMP_SYS(fcntl),
	SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(ioctl),
};

struct argument_rule {
	int call;
	struct scmp_arg_cmp cmp;
};

/* Calls of which only some are allowed. abort needs tgkill. */
static const struct argument_rule some[] = {
	{SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
	{SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
	{SCMP_SYS(newfstatat), SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)},
	{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0)},
	{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0)},
	{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD, 0)},
	{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFD, 0)},
	{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS, 0)},
	{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS, 0)},
	{SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0)},
	{SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0)},
	{SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCGIFFLAGS, 0)}, /* net_tap, when it ends */
	{SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCSIFFLAGS, 0)}, /* without CAP_NET_ADMIN by now */
};

static COLD int
add_some(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_CNT(some) && err == 0; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, some[i].call, 1, some[i].cmp);
	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		                       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return err;
}

static COLD int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t cnt)
{
	int err = 0;

	for (size_t i = 0; i < cnt && err == 0; i++)
		err = seccomp_rule_add(filter, action, calls[i], 0);
	return err;
}

static COLD int
fill(scmp_filter_ctx filter)
{
	int err = add_all(filter, SCMP_ACT_ALLOW, allowed, ARRAY_CNT(allowed));

	if (err == 0)
		err = add_all(filter, SCMP_ACT_ERRNO(EPERM), refused, ARRAY_CNT(refused));
	if (err == 0 && SANDBOX_SANITIZED)
		err = add_all(filter, SCMP_ACT_ALLOW, for_sanitizer, ARRAY_CNT(for_sanitizer));
	if (err == 0 && !SANDBOX_SANITIZED)
		err = add_some(filter);
	return err;
}

int
filter_load(bool log)
{
	scmp_filter_ctx filter = seccomp_init(log ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
	int err;

	if (filter == NULL)
		return -ENOMEM;
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (err == 0)
		err = fill(filter);
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
