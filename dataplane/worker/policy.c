/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Checking a policy, once and whole, and looking addresses up in it. */
#include "dataplane/worker/policy.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/shaper.h"
#include "dataplane/ip/ip.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define POLICY_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

enum { SLOW_S_MAX = 3600 };

static_assert((int)ABI_GROUPS_MAX == (int)SHAPER_GROUPS &&
              (int)ABI_CLASSES_MAX == (int)SHAPER_CLASSES, "one bound, told twice");
static_assert((int)ABI_WEIGHT_USUAL == (int)SHAPER_WEIGHT_USUAL, "one bound, told twice");
static_assert(sizeof(struct abi_range) == sizeof(struct ip_range) &&
              offsetof(struct abi_range, last) == offsetof(struct ip_range, last),
              "blocks are given to tcp as they are");

static COLD bool
check_all(const struct abi_policy *all)
{
	for (uint32_t i = 0; i < ARRAY_CNT(all->reserved); i++)
		if (all->reserved[i] != 0)
			return false;
	return (all->flags & ~ABI_POLICY_FLAGS) == 0 && all->choke < ABI_CHOKE_CNT &&
	       all->slow_s <= SLOW_S_MAX && (all->slow_s == 0) == (all->slow_bytes_per_s == 0);
}

static COLD bool
check_numbers(const struct abi_policy_head *head)
{
	for (uint32_t i = 0; i < ARRAY_CNT(head->reserved); i++)
		if (head->reserved[i] != 0)
			return false;
	return head->magic == ABI_MAGIC && head->version == ABI_VERSION &&
	       head->group_cnt <= ABI_GROUPS_MAX && head->class_cnt <= ABI_CLASSES_MAX &&
	       head->class_range_cnt <= ABI_CLASS_RANGES_MAX && head->block_cnt <= ABI_BLOCKS_MAX;
}

/* check_sections sees that the parts lie inside, aligned, in order and apart. */
static COLD bool
check_sections(const struct abi_policy_head *head, uint64_t len)
{
	const struct {
		uint64_t off;
		uint64_t len;
	} parts[] = {
		{head->group_off, (uint64_t)head->group_cnt * sizeof(struct abi_group)},
		{head->class_off, (uint64_t)head->class_cnt * sizeof(struct abi_class)},
		{head->class_range_off,
		 (uint64_t)head->class_range_cnt * sizeof(struct abi_class_range)},
		{head->block_off, (uint64_t)head->block_cnt * sizeof(struct abi_range)},
	};
	uint64_t end = sizeof(*head);

	for (uint32_t i = 0; i < ARRAY_CNT(parts); i++) {
		if (parts[i].off % 8 != 0 || parts[i].off < end || parts[i].off > len ||
		    parts[i].len > len - parts[i].off)
			return false;
		end = parts[i].off + parts[i].len;
	}
	return true;
}

static bool
weight_ok(uint32_t weight)
{
	return weight >= 1 && weight <= ABI_WEIGHT_MAX;
}

static COLD bool
check_groups(const struct policy *policy)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < policy->head->group_cnt; i++) {
		const struct abi_group *group = &policy->groups[i];

		if (group->id <= last || !weight_ok(group->weight))
			return false;
		last = group->id;
	}
	return true;
}

static COLD bool
check_classes(const struct policy *policy)
{
	const struct abi_class_range *ranges = policy->class_ranges;

	for (uint32_t i = 0; i < policy->head->class_cnt; i++)
		if (!weight_ok(policy->classes[i].weight) ||
		    (policy->classes[i].flags & ~ABI_CLASS_FLAGS) != 0 ||
		    policy->classes[i].reserved != 0)
			return false;
	for (uint32_t i = 0; i < policy->head->class_range_cnt; i++)
		if (ranges[i].range.first > ranges[i].range.last ||
		    ranges[i].class_index >= policy->head->class_cnt || ranges[i].reserved != 0 ||
		    (i > 0 && ranges[i].range.first <= ranges[i - 1].range.last))
			return false;
	return true;
}

static COLD bool
check_blocks(const struct policy *policy)
{
	const struct abi_range *blocks = policy->blocks;
	uint32_t cnt = policy->head->block_cnt;

	for (uint32_t i = 0; i < cnt; i++)
		if (blocks[i].first > blocks[i].last ||
		    (i > 0 && blocks[i].first <= blocks[i - 1].last))
			return false;
	return true;
}

static const void *
section(const struct abi_policy_head *head, uint64_t off)
{
	return (const uint8_t *)head + off;
}

static COLD bool
check_memory(struct policy *policy)
{
	const struct abi_policy_head *head = policy->head;

	if (!check_numbers(head) || !check_sections(head, policy->head_len))
		return false;
	policy->groups = section(head, head->group_off);
	policy->classes = section(head, head->class_off);
	policy->class_ranges = section(head, head->class_range_off);
	policy->blocks = section(head, head->block_off);
	return check_groups(policy) && check_classes(policy) && check_blocks(policy);
}

enum abi_status
policy_open(struct policy *policy, const struct abi_policy *all, int fd)
{
	struct policy made = {.all = *all};
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (!check_all(all) || seals < 0 || (seals & POLICY_SEALS) != POLICY_SEALS)
		return ABI_ERR_POLICY;
	if (fstat(fd, &st) != 0)
		return ABI_ERR_SYSTEM;
	if (st.st_size < (off_t)sizeof(*made.head))
		return ABI_ERR_POLICY;
	made.head_len = (size_t)st.st_size;
	made.head = mmap(NULL, made.head_len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (made.head == MAP_FAILED)
		return ABI_ERR_SYSTEM;
	if (!check_memory(&made)) {
		policy_close(&made);
		return ABI_ERR_POLICY;
	}
	*policy = made;
	return ABI_OK;
}

void
policy_close(struct policy *policy)
{
	if (policy->head != NULL)
		munmap((void *)(uintptr_t)policy->head, policy->head_len);
	memset(policy, 0, sizeof(*policy));
}

uint8_t
policy_class(const struct policy *policy, uint32_t address_be)
{
	uint32_t low = 0, high = policy->head != NULL ? policy->head->class_range_cnt : 0;
	uint32_t cnt = high;
	uint32_t address = be32toh(address_be);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (policy->class_ranges[middle].range.last < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < cnt && policy->class_ranges[low].range.first <= address)
		return (uint8_t)policy->class_ranges[low].class_index;
	return UINT8_MAX;
}

bool
policy_blocks(const struct policy *policy, uint32_t address_be)
{
	uint32_t cnt = policy->head != NULL ? policy->head->block_cnt : 0;
	const struct ip_range *blocks = (const struct ip_range *)(const void *)policy->blocks;

	return ip_range_find(blocks, cnt, be32toh(address_be)) < cnt;
}
