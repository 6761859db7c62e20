/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Arithmetic on options, and the request queue's limits in sysfs. */
#include "control/read_unit.h"

#include "dataplane/abi.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

uint32_t
read_unit_arena(int64_t arena_mib, int64_t connections_max)
{
	int64_t share = (arena_mib << 20) / connections_max;
	uint32_t unit = ABI_BUFFER_MIN;

	while (unit < ABI_UNIT_MAX && unit * 2 <= share)
		unit *= 2;
	return unit;
}

uint32_t
read_unit_queue(const char *folder, uint32_t unit_max)
{
	char path[PATH_MAX];
	uint64_t kib = 0;

	snprintf(path, sizeof(path), "%s/max_sectors_kb", folder);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return unit_max;
	int got = fscanf(file, "%" SCNu64, &kib);
	fclose(file);
	if (got != 1 || kib == 0)
		return unit_max;
	while (unit_max > ABI_UNIT_MIN && unit_max / 1024 > kib)
		unit_max /= 2;
	return unit_max;
}

/* device_limit finds the queue of a device, which a partition has in the folder above its own. File
 * systems without a device of their own (overlay, btrfs, network) have none. */
static uint32_t
device_limit(dev_t device, uint32_t unit_max)
{
	char folder[64];
	struct stat st;

	snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u/queue", major(device), minor(device));
	if (stat(folder, &st) != 0)
		snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u/../queue", major(device),
		         minor(device));
	return read_unit_queue(folder, unit_max);
}

uint32_t
read_unit_files(const int *fd, uint32_t cnt, uint32_t unit_max)
{
	dev_t seen = 0;
	struct stat st;

	for (uint32_t i = 0; i < cnt; i++) {
		if (fstat(fd[i], &st) != 0 || st.st_dev == seen)
			continue;
		seen = st.st_dev;
		unit_max = device_limit(seen, unit_max);
	}
	return unit_max;
}
