/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* policy.h is the limits that control has set: the message and the memfd of ABI_POLICY, checked.
 *
 * Threads. The worker, in housekeeping; looking up is for whoever has an address, in time that
 * grows with the logarithm of the ranges. Memory: the memfd, mapped; nothing is copied.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_POLICY_H
#define SPILLWAY_DATAPLANE_WORKER_POLICY_H

#include "dataplane/abi.h"
#include "dataplane/base/common.h"

struct policy {
	struct abi_policy all;
	const struct abi_policy_head *head; /* NULL: none was set, nothing is limited */
	size_t head_len;
	const struct abi_group *groups;
	const struct abi_class *classes;
	const struct abi_class_range *class_ranges;
	const struct abi_range *blocks;
};

/* policy_open checks and maps a policy.
 *
 * policy  out on ABI_OK.
 * fd      not taken over.
 * Returns ABI_OK, ABI_ERR_POLICY, or ABI_ERR_SYSTEM with errno. */
COLD enum abi_status
policy_open(struct policy *policy, const struct abi_policy *all, int fd);

/* policy_close unmaps it and sets nothing. */
COLD void
policy_close(struct policy *policy);

/* policy_class returns the class of an address, in network order, or UINT8_MAX. */
uint8_t
policy_class(const struct policy *policy, uint32_t address_be);

/* policy_blocks tells whether an address, in network order, is refused. */
bool
policy_blocks(const struct policy *policy, uint32_t address_be);

#endif
