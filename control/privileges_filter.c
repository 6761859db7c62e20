/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The filters of spillwayd and of the starter: lists of what is refused, for what libraries call is
 * not ours to say and changes. */
#include "control/privileges.h"

#include <seccomp.h>

#include <errno.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* What neither does, nor a dataplane that starts. */
static const int refused[] = {
#if !SANITIZED /* the search for leaks looks in */
	SCMP_SYS(ptrace), SCMP_SYS(personality),
#endif
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	/* the kernel */
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(userfaultfd), SCMP_SYS(syslog), SCMP_SYS(reboot),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(acct), SCMP_SYS(swapon), SCMP_SYS(swapoff),
	SCMP_SYS(quotactl), SCMP_SYS(nfsservctl),
	/* what is mounted where; files by handle, which pass by every folder */
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen), SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(setns), SCMP_SYS(unshare),
	/* keys, clocks, names */
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(vhangup),
};

/* The starter executes the dataplane, which loads its XDP program; spillwayd does neither. */
static const int refused_control[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
};

/* Other users, other processes, and what makes a file of another kind or another owner's. */
static const int refused_starter[] = {
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid), SCMP_SYS(execveat), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchown),
	SCMP_SYS(fchownat), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat),
	SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), SCMP_SYS(truncate),
};

static int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t cnt)
{
	int err = 0;

	for (size_t i = 0; i < cnt && err == 0; i++)
		err = seccomp_rule_add(filter, action, calls[i], 0);
	return err;
}

/* load refuses what is refused anyway, and these calls. */
static int
load(int log, const int *calls, size_t cnt)
{
	uint32_t action = log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL)
		return -ENOMEM;
	int err = add_all(filter, action, refused, sizeof(refused) / sizeof(refused[0]));
	if (err == 0)
		err = add_all(filter, action, calls, cnt);
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int
privileges_filter(int log)
{
	return load(log, refused_control, sizeof(refused_control) / sizeof(refused_control[0]));
}

int
privileges_filter_starter(int log)
{
	return load(log, refused_starter, sizeof(refused_starter) / sizeof(refused_starter[0]));
}
