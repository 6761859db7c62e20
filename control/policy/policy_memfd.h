/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* policy_memfd.h makes the policy memfd of dataplane/abi.h. */
#ifndef SPILLWAY_CONTROL_POLICY_POLICY_MEMFD_H
#define SPILLWAY_CONTROL_POLICY_POLICY_MEMFD_H

#include "control/policy/policy_text.h"
#include "dataplane/abi.h"

/* What is in it, sorted as abi.h says. */
struct policy_table {
	uint32_t group_cnt;
	uint32_t class_cnt;
	uint32_t class_range_cnt;
	uint32_t block_cnt;
	struct abi_group group[ABI_GROUPS_MAX];
	struct abi_class class[ABI_CLASSES_MAX];
	struct abi_class_range class_range[2 * POLICY_RANGES_MAX];
	const struct abi_range *block;
};

/* policy_memfd makes and seals it. Returns the descriptor, the caller's, or a negative errno. */
int
policy_memfd(const struct policy_table *table);

#endif
