/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A file of sysfs for each question. */
#include "control/content/device.h"

#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { FOLDER_MAX = 64 };

/* device_queue finds the folder of a device's queue; a partition's is its disk's. There is none of
 * file systems without a device of their own (in memory, overlay, btrfs, network). */
static bool
device_queue(dev_t device, char folder[FOLDER_MAX])
{
	static const char *const places[] = {"", "../"};
	struct stat st;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(folder, FOLDER_MAX, "/sys/dev/block/%u:%u/%squeue", major(device),
		         minor(device), places[i]);
		if (stat(folder, &st) == 0)
			return true;
	}
	return false;
}

static bool
folder_polls(const char *folder)
{
	char path[PATH_MAX];
	uint64_t io_poll = 0;

	snprintf(path, sizeof(path), "%s/io_poll", folder);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	int got = fscanf(file, "%" SCNu64, &io_poll);
	fclose(file);
	return got == 1 && io_poll != 0;
}

bool
device_polls(const int *fd, uint32_t cnt)
{
	char folder[FOLDER_MAX];
	dev_t seen = 0;
	struct stat st;

	for (uint32_t i = 0; i < cnt; i++) {
		if (fstat(fd[i], &st) != 0)
			return false;
		if (i > 0 && st.st_dev == seen)
			continue;
		seen = st.st_dev;
		if (!device_queue(seen, folder) || !folder_polls(folder))
			return false;
	}
	return cnt > 0;
}

bool
device_polls_any(void)
{
	bool any = false;
	glob_t found;

	if (glob("/sys/block/*/queue", 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && !any; i++)
		any = folder_polls(found.gl_pathv[i]);
	globfree(&found);
	return any;
}
