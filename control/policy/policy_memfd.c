/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The policy memfd. */
#include "control/policy/policy_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int
part_write(int fd, const void *bytes, size_t len, uint64_t off)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, (off_t)off);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* head_make says where the parts are. Returns the length of all. */
static uint64_t
head_make(const struct policy_table *table, struct abi_policy_head *head)
{
	uint64_t off = sizeof(*head);

	*head = (struct abi_policy_head){
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.group_cnt = table->group_cnt,
		.class_cnt = table->class_cnt,
		.class_range_cnt = table->class_range_cnt,
		.block_cnt = table->block_cnt,
	};
	head->group_off = off;
	head->class_off = off += table->group_cnt * sizeof(struct abi_group);
	head->class_range_off = off += table->class_cnt * sizeof(struct abi_class);
	head->block_off = off += table->class_range_cnt * sizeof(struct abi_class_range);
	return off + (uint64_t)table->block_cnt * sizeof(struct abi_range);
}

static int
table_write(int fd, const struct policy_table *table)
{
	struct abi_policy_head head;
	uint64_t len = head_make(table, &head);
	int err = ftruncate(fd, (off_t)len) != 0 ? -errno : 0;

	if (err == 0)
		err = part_write(fd, &head, sizeof(head), 0);
	if (err == 0)
		err = part_write(fd, table->group, table->group_cnt * sizeof(table->group[0]),
		                 head.group_off);
	if (err == 0)
		err = part_write(fd, table->class, table->class_cnt * sizeof(table->class[0]),
		                 head.class_off);
	if (err == 0)
		err = part_write(fd, table->class_range,
		                 table->class_range_cnt * sizeof(table->class_range[0]),
		                 head.class_range_off);
	if (err == 0 && table->block_cnt > 0)
		err = part_write(fd, table->block, table->block_cnt * sizeof(table->block[0]),
		                 head.block_off);
	return err;
}

int
policy_memfd(const struct policy_table *table)
{
	int fd = memfd_create("spillway-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	int err = table_write(fd, table);
	if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		err = -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}
