/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Users and capabilities. */
#include "control/privileges.h"

#include "control/options/options.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* What the dataplane's start needs whatever the port: to pin memory. */
#define CAPS_ALWAYS CAP_BIT(CAP_IPC_LOCK)

int
privileges_user_find(struct privileges_user *user, const char *name, struct fail *fail)
{
	*user = (struct privileges_user){.name = "root"};
	if (name[0] == '\0')
		return 0;
	errno = 0;
	const struct passwd *found = getpwnam(name);
	if (found == NULL)
		return fail_set(fail, ENOENT, "option user: there is no user %s%s%s", name,
		                errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	snprintf(user->name, sizeof(user->name), "%s", name);
	user->uid = found->pw_uid;
	user->gid = found->pw_gid;
	return 0;
}

/* af_xdp looks its program up by id, for which the kernel wants CAP_SYS_ADMIN. Sockets of other
 * programs may be another user's. */
uint64_t
privileges_port(const char *port)
{
	static const struct {
		const char *kind;
		uint64_t caps;
	} kinds[] = {
		{"af_xdp", CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_SYS_ADMIN) |
		               CAP_BIT(CAP_BPF) | CAP_BIT(CAP_PERFMON)},
		{"af_packet", CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_NET_RAW)},
		{"tap", CAP_BIT(CAP_NET_ADMIN)},
		{"memif", CAP_BIT(CAP_DAC_OVERRIDE)},
		{"vhost-user", CAP_BIT(CAP_DAC_OVERRIDE)},
		{"vhost-backend", CAP_BIT(CAP_DAC_OVERRIDE)},
	};
	size_t len = strcspn(port, ":");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].kind) == len && memcmp(kinds[i].kind, port, len) == 0)
			return CAPS_ALWAYS | kinds[i].caps;
	return CAPS_ALWAYS;
}

static int
caps_set(uint64_t caps)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t part = (uint32_t)(caps >> (32 * i));

		data[i] = (struct __user_cap_data_struct){
			.effective = part, .permitted = part, .inheritable = part};
	}
	return syscall(SYS_capset, &hdr, data) == 0 ? 0 : -errno;
}

/* bounds_set makes what is not in caps unattainable. */
static void
bounds_set(uint64_t caps)
{
	for (int cap = 0; cap < 64; cap++)
		if ((caps & CAP_BIT(cap)) == 0 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* user_become: raw calls, for glibc's would look for other threads. */
static int
user_become(const struct privileges_user *user)
{
	gid_t gid = user->gid;

	if (syscall(SYS_setgroups, 1, &gid) != 0 || syscall(SYS_setresgid, gid, gid, gid) != 0 ||
	    syscall(SYS_setresuid, user->uid, user->uid, user->uid) != 0)
		return -errno;
	return 0;
}

int
privileges_become(const struct privileges_user *user, uint64_t caps)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return -errno;
	bounds_set(caps);
	int err = user->uid != geteuid() ? user_become(user) : 0;
	if (err == 0)
		err = caps_set(caps);
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	/* Root has its capabilities after execve anyway, and any other user those that are ambient. */
	for (int cap = 0; cap < 64 && err == 0 && user->uid != 0; cap++)
		if ((caps & CAP_BIT(cap)) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0)
			err = -errno;
	if (err == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		err = -errno;
	return err;
}

int
privileges_starter(const struct privileges_user *user, uint64_t caps, int64_t sandbox)
{
	int err = privileges_become(user, caps | CAP_BIT(CAP_SETPCAP));

	if (err == 0 && sandbox != OPTION_SANDBOX_OFF)
		err = privileges_filter_starter(sandbox == OPTION_SANDBOX_LOG);
	return err;
}

int
privileges_drop(const struct privileges_user *user, int64_t sandbox, struct fail *fail)
{
	int err = privileges_become(user, CAP_BIT(CAP_DAC_READ_SEARCH));

	if (err != 0)
		return fail_set(fail, -err, "cannot become user %s: %s", user->name, strerror(-err));
	if (sandbox == OPTION_SANDBOX_OFF)
		return 0;
	err = privileges_filter(sandbox == OPTION_SANDBOX_LOG);
	if (err != 0)
		fail_set(fail, -err, "the filter of system calls is refused (option sandbox): %s",
		         strerror(-err));
	return err;
}
