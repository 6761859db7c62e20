/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Where content lies, and state_dir. */
#include "control/cli/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	STATE_LOW_MIB = 1024,
	STATE_FULL_MIB = 64,
	READ_UNIT = 4096, /* what is read is aligned to this */
};

/* file_find writes the path of some regular file below folder, two levels deep at most. */
static bool
file_find(const char *folder, int depth, char *out, size_t out_len)
{
	const struct dirent *entry;
	char inner[PATH_MAX];
	bool found = false;
	struct stat st;
	DIR *dir = opendir(folder);

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		int len = snprintf(inner, sizeof(inner), "%s/%s", folder, entry->d_name);
		if (len >= (int)sizeof(inner) || lstat(inner, &st) != 0)
			continue;
		if (S_ISREG(st.st_mode) && (size_t)len < out_len) {
			memcpy(out, inner, (size_t)len + 1);
			found = true;
		} else if (S_ISDIR(st.st_mode) && depth > 0) {
			found = file_find(inner, depth - 1, out, out_len);
		}
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* direct_look: whether reads can go around the page cache, and how they must lie. */
static void
direct_look(struct doctor *doctor, const char *folder)
{
	char file[PATH_MAX];
	struct statx stx = {0};

	if (!file_find(folder, 2, file, sizeof(file)))
		return;
	int fd = open(file, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		DOCTOR_SAY(doctor, errno == EACCES ? DOCTOR_OK : DOCTOR_WARN, "direct reads",
		           "keep content on ext4 or XFS", "%s: %s",
		           folder, errno == EACCES ? "may not be looked at by this user"
		                                   : "none: every byte passes the page cache");
		return;
	}
	close(fd);
	uint32_t align = 0;
#ifdef STATX_DIOALIGN
	if (statx(AT_FDCWD, file, 0, STATX_DIOALIGN, &stx) == 0 && (stx.stx_mask & STATX_DIOALIGN))
		align = stx.stx_dio_offset_align;
#else
	(void)stx;
#endif
	bool fits = align <= READ_UNIT;
	DOCTOR_SAY(doctor, fits ? DOCTOR_OK : DOCTOR_WARN, "direct reads",
	           "a device with sectors of 4 KiB or less", "%s: yes%s", folder,
	           fits ? "" : ", but aligned to more than 4 KiB: the page cache serves");
}

/* queue_read reads a file of the request queue of a device; a partition's is its disk's. */
static bool
queue_read(const struct doctor *doctor, dev_t device, const char *name, char *out, size_t out_len)
{
	return doctor_read(doctor, out, out_len, "/sys/dev/block/%u:%u/queue/%s", major(device),
	                   minor(device), name) ||
	       doctor_read(doctor, out, out_len, "/sys/dev/block/%u:%u/../queue/%s", major(device),
	                   minor(device), name);
}

static void
device_look(struct doctor *doctor, const char *folder, dev_t device)
{
	char line[128], fix[DOCTOR_TEXT_MAX];
	unsigned int block = 0;

	if (!queue_read(doctor, device, "logical_block_size", line, sizeof(line)))
		return;
	if (sscanf(line, "%u", &block) == 1)
		DOCTOR_SAY(doctor, block <= READ_UNIT ? DOCTOR_OK : DOCTOR_WARN, "sectors",
		           "a device with sectors of 4 KiB or less", "%s: %u bytes", folder, block);
	if (queue_read(doctor, device, "rotational", line, sizeof(line)) && line[0] == '1')
		DOCTOR_SAY(doctor, DOCTOR_WARN, "seeks", "an SSD, or fewer torrents at once",
		           "%s: a turning disk, or one that says so", folder);
	if (queue_read(doctor, device, "scheduler", line, sizeof(line))) {
		bool none = strstr(line, "[none]") != NULL || strcmp(line, "none") == 0;
		snprintf(fix, sizeof(fix), "echo none > /sys/dev/block/%u:%u/queue/scheduler",
		         major(device), minor(device));
		DOCTOR_SAY(doctor, none || strstr(line, "[mq-deadline]") != NULL ? DOCTOR_OK : DOCTOR_WARN,
		           "scheduler", fix, "%s: %s", folder, line);
	}
	if (queue_read(doctor, device, "io_poll", line, sizeof(line))) {
		bool polls = line[0] == '1';
		DOCTOR_SAY(doctor, DOCTOR_OK, "poll queues", "", "%s: %s", folder,
		           polls ? "yes, and reads are polled for (iopoll)"
		                 : "none; nvme has them with nvme.poll_queues=N at boot");
	}
}

static void
folder_look(struct doctor *doctor, const char *folder)
{
	struct statfs fs;
	struct stat st;

	if (stat(folder, &st) != 0 || statfs(folder, &fs) != 0) {
		DOCTOR_SAY(doctor, DOCTOR_BAD, "content", "mount it, or spillway remove what lies there",
		           "%s: %s", folder, strerror(errno));
		return;
	}
	if (fs.f_type == TMPFS_MAGIC)
		DOCTOR_SAY(doctor, DOCTOR_WARN, "content", "keep content on ext4 or XFS",
		           "%s lies in memory: there are no direct reads", folder);
	else
		direct_look(doctor, folder);
	device_look(doctor, folder, st.st_dev);
}

static void
state_look(struct doctor *doctor)
{
	const char *path = doctor->options->state_dir;
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) != 0) {
		DOCTOR_SAY(doctor, DOCTOR_OK, "state", "", "%s: %s", path,
		           errno == ENOENT ? "is made at the first start" : strerror(errno));
		return;
	}
	if ((st.st_mode & 0022) != 0) {
		char fix[DOCTOR_TEXT_MAX];
		snprintf(fix, sizeof(fix), "chmod 700 %.200s", path);
		DOCTOR_SAY(doctor, DOCTOR_BAD, "state", fix, "%s: others may write there (mode %03o)", path,
		           st.st_mode & 0777);
	}
	if (statvfs(path, &fs) != 0)
		return;
	uint64_t mib = ((uint64_t)fs.f_bavail * fs.f_frsize) >> 20;
	enum doctor_verdict verdict =
		mib >= STATE_LOW_MIB ? DOCTOR_OK : mib >= STATE_FULL_MIB ? DOCTOR_WARN : DOCTOR_BAD;
	DOCTOR_SAY(doctor, verdict, "state", "make room: what cannot be stored is lost at a restart",
	           "%s: %" PRIu64 " MiB are free", path, mib);
}

void
doctor_disk(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->folder_cnt; i++)
		folder_look(doctor, doctor->folder[i]);
	if (doctor->folder_cnt == 0)
		DOCTOR_SAY(doctor, DOCTOR_OK, "content", "", "none is known: name folders with --data");
	state_look(doctor);
}
