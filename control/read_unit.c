/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Arithmetic on options, and the request queue's limits in sysfs. */
#include "control/read_unit.h"

#include "control/device.h"
#include "dataplane/abi.h"

#include <sys/stat.h>

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
	uint64_t kib;

	if (!device_number(folder, "max_sectors_kb", &kib) || kib == 0)
		return unit_max;
	while (unit_max > ABI_UNIT_MIN && unit_max / 1024 > kib)
		unit_max /= 2;
	return unit_max;
}

uint32_t
read_unit_files(const int *fd, uint32_t cnt, uint32_t unit_max)
{
	char folder[DEVICE_FOLDER_MAX];
	dev_t seen = 0;
	struct stat st;

	for (uint32_t i = 0; i < cnt; i++) {
		if (fstat(fd[i], &st) != 0 || st.st_dev == seen)
			continue;
		seen = st.st_dev;
		if (device_queue(seen, folder))
			unit_max = read_unit_queue(folder, unit_max);
	}
	return unit_max;
}
