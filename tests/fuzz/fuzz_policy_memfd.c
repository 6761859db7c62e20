/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The policy memfd as a worker takes it. The first byte says which seals it lacks and whether the
 * message is the input's too; then come message and memfd. Whatever is in it, it is taken or
 * refused; what is taken keeps to abi.h, and each address of its tables is found. */
#include "dataplane/worker/policy.h"

#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum kind {
	KIND_SEALS = 7,   /* bits: write, shrink, grow is missing */
	KIND_MESSAGE = 8, /* the message is the first of the input */
};

static void
check(bool right)
{
	if (!right)
		abort();
}

static int
sealed_memfd(uint8_t kind, const uint8_t *bytes, size_t len)
{
	int seals = (kind & 1 ? 0 : F_SEAL_WRITE) | (kind & 2 ? 0 : F_SEAL_SHRINK) |
	            (kind & 4 ? 0 : F_SEAL_GROW);
	int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	check(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void
all_check(const struct abi_policy *all)
{
	check((all->flags & ~(uint32_t)ABI_POLICY_FLAGS) == 0 && all->choke < ABI_CHOKE_CNT);
	check(all->slow_s <= 3600 && (all->slow_s == 0) == (all->slow_bytes_per_s == 0));
	for (size_t i = 0; i < ARRAY_CNT(all->reserved); i++)
		check(all->reserved[i] == 0);
}

static void
head_check(const struct policy *policy, size_t len)
{
	const struct abi_policy_head *head = policy->head;
	const uint8_t *at = (const uint8_t *)head;

	check(policy->head_len == len && head->magic == ABI_MAGIC && head->version == ABI_VERSION);
	check(head->group_cnt <= ABI_GROUPS_MAX && head->class_cnt <= ABI_CLASSES_MAX);
	check(head->class_range_cnt <= ABI_CLASS_RANGES_MAX && head->block_cnt <= ABI_BLOCKS_MAX);
	check((const uint8_t *)policy->groups >= at + sizeof(*head));
	check((const uint8_t *)(policy->groups + head->group_cnt) <=
	      (const uint8_t *)policy->classes);
	check((const uint8_t *)(policy->classes + head->class_cnt) <=
	      (const uint8_t *)policy->class_ranges);
	check((const uint8_t *)(policy->class_ranges + head->class_range_cnt) <=
	      (const uint8_t *)policy->blocks);
	check((const uint8_t *)(policy->blocks + head->block_cnt) <= at + len);
	for (size_t i = 0; i < ARRAY_CNT(head->reserved); i++)
		check(head->reserved[i] == 0);
}

static void
limits_check(const struct policy *policy)
{
	for (uint32_t i = 0; i < policy->head->group_cnt; i++) {
		const struct abi_group *group = &policy->groups[i];

		check(group->id > (i > 0 ? group[-1].id : 0));
		check(group->weight >= 1 && group->weight <= ABI_WEIGHT_MAX);
	}
	for (uint32_t i = 0; i < policy->head->class_cnt; i++) {
		const struct abi_class *class = &policy->classes[i];

		check(class->weight >= 1 && class->weight <= ABI_WEIGHT_MAX);
		check((class->flags & ~(uint32_t)ABI_CLASS_FLAGS) == 0 && class->reserved == 0);
	}
}

static void
ranges_check(const struct policy *policy)
{
	for (uint32_t i = 0; i < policy->head->class_range_cnt; i++) {
		const struct abi_class_range *r = &policy->class_ranges[i];

		check(r->range.first <= r->range.last && r->class_index < policy->head->class_cnt);
		check(policy_class(policy, htobe32(r->range.first)) == r->class_index);
		check(policy_class(policy, htobe32(r->range.last)) == r->class_index);
		if (r->range.first > (i > 0 ? r[-1].range.last + 1 : 0))
			check(policy_class(policy, htobe32(r->range.first - 1)) == UINT8_MAX);
		check(r->reserved == 0);
	}
	for (uint32_t i = 0; i < policy->head->block_cnt; i++) {
		const struct abi_range *r = &policy->blocks[i];

		check(r->first <= r->last && (i == 0 || r->first > r[-1].last));
		check(policy_blocks(policy, htobe32(r->first)));
		check(policy_blocks(policy, htobe32(r->last)));
		if (r->first > (i > 0 ? r[-1].last + 1 : 0))
			check(!policy_blocks(policy, htobe32(r->first - 1)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct abi_policy all = {0};
	struct policy policy = {0};

	if (len == 0)
		return 0;
	uint8_t kind = *data++;
	len--;
	if (kind & KIND_MESSAGE) {
		size_t all_len = len < sizeof(all) ? len : sizeof(all);

		memcpy(&all, data, all_len);
		data += all_len;
		len -= all_len;
	}
	int fd = sealed_memfd(kind, data, len);
	enum abi_status status = policy_open(&policy, &all, fd);
	close(fd);
	if (status == ABI_OK) {
		check((kind & KIND_SEALS) == 0 && memcmp(&policy.all, &all, sizeof(all)) == 0);
		all_check(&policy.all);
		head_check(&policy, len);
		limits_check(&policy);
		ranges_check(&policy);
		policy_close(&policy);
	} else {
		check(status == ABI_ERR_POLICY);
	}
	check(policy.head == NULL);
	return 0;
}
