/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The policy memfd: a good one is taken, and each way in which one can be bad is refused. */
#include "dataplane/worker/policy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* struct sample is a whole memfd with two of each. */
struct sample {
	struct abi_policy_head head;
	struct abi_group group[2];
	struct abi_class class[2];
	struct abi_class_range class_range[2];
	struct abi_range block[2];
};

static const struct sample good = {
	.head = {
		.magic = ABI_MAGIC, .version = ABI_VERSION, .group_cnt = 2, .class_cnt = 2,
		.class_range_cnt = 2, .block_cnt = 2,
		.group_off = offsetof(struct sample, group),
		.class_off = offsetof(struct sample, class),
		.class_range_off = offsetof(struct sample, class_range),
		.block_off = offsetof(struct sample, block),
	},
	.group = {{1, 100, 0}, {7, 1000, 1 << 20}},
	.class = {{0, 1, 0, 0, 0}, {1 << 20, 1000, 5, 0, 0}},
	.class_range = {{{0x0a000000, 0x0affffff}, 1, 0}, {{0x0b000000, 0xffffffff}, 0, 0}},
	.block = {{0, 0}, {0x01020300, 0x010203ff}},
};

static enum abi_status
give(const struct sample *sample, size_t len, int seals, const struct abi_policy *all)
{
	struct policy policy = {0};
	int fd = memfd_create("policy", MFD_ALLOW_SEALING);
	enum abi_status status;

	assert_true(fd >= 0 && write(fd, sample, len) == (ssize_t)len);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	status = policy_open(&policy, all, fd);
	close(fd);
	if (status == ABI_OK)
		policy_close(&policy);
	else
		assert_null(policy.head);
	return status;
}

static const struct abi_policy none;

static void
a_good_one_is_taken_and_looked_up(void **state)
{
	struct policy policy = {0};
	int fd = memfd_create("policy", MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(policy_class(&policy, inet_addr("10.0.0.1")), UINT8_MAX);
	assert_false(policy_blocks(&policy, inet_addr("1.2.3.4")));
	assert_true(write(fd, &good, sizeof(good)) == sizeof(good));
	fcntl(fd, F_ADD_SEALS, SEALS);
	assert_int_equal(policy_open(&policy, &none, fd), ABI_OK);
	close(fd);
	assert_int_equal(policy_class(&policy, inet_addr("9.255.255.255")), UINT8_MAX);
	assert_int_equal(policy_class(&policy, inet_addr("10.0.0.0")), 1);
	assert_int_equal(policy_class(&policy, inet_addr("10.255.255.255")), 1);
	assert_int_equal(policy_class(&policy, inet_addr("255.255.255.255")), 0);
	assert_true(policy_blocks(&policy, inet_addr("0.0.0.0")));
	assert_true(policy_blocks(&policy, inet_addr("1.2.3.255")));
	assert_false(policy_blocks(&policy, inet_addr("1.2.4.0")));
	policy_close(&policy);
}

static void
unsealed_or_short_is_refused(void **state)
{
	(void)state;
	assert_int_equal(give(&good, sizeof(good), SEALS, &none), ABI_OK);
	assert_int_equal(give(&good, sizeof(good), F_SEAL_WRITE | F_SEAL_SHRINK, &none),
	                 ABI_ERR_POLICY);
	assert_int_equal(give(&good, sizeof(good), 0, &none), ABI_ERR_POLICY);
	for (size_t len = 0; len < sizeof(good); len += 8)
		assert_int_equal(give(&good, len, SEALS, &none), ABI_ERR_POLICY);
}

/* BAD gives a sample with one thing changed and expects it to be refused. */
#define BAD(change)                                                                                \
	do {                                                                                       \
		struct sample sample = good;                                                       \
		change;                                                                            \
		assert_int_equal(give(&sample, sizeof(sample), SEALS, &none), ABI_ERR_POLICY);     \
	} while (0)

static void
each_fault_is_refused(void **state)
{
	(void)state;
	BAD(sample.head.magic++);
	BAD(sample.head.version++);
	BAD(sample.head.group_cnt = ABI_GROUPS_MAX + 1);
	BAD(sample.head.class_cnt = ABI_CLASSES_MAX + 1);
	BAD(sample.head.class_range_cnt = ABI_CLASS_RANGES_MAX + 1);
	BAD(sample.head.block_cnt = ABI_BLOCKS_MAX + 1);
	BAD(sample.head.block_cnt = 3);
	BAD(sample.head.class_cnt = 1);
	BAD(sample.head.group_off += 4);
	BAD(sample.head.group_off = 0);
	BAD(sample.head.block_off = UINT64_MAX - 7);
	BAD(sample.head.class_off = sample.head.group_off);
	BAD(sample.group[0].id = 0);
	BAD(sample.group[1].id = 1);
	BAD(sample.group[1].weight = 0);
	BAD(sample.group[1].weight = ABI_WEIGHT_MAX + 1);
	BAD(sample.class[0].weight = 0);
	BAD(sample.class[0].flags = 1);
	BAD(sample.head.reserved[8] = 1);
	BAD(sample.class[1].reserved = 1);
	BAD(sample.class_range[0].reserved = 1);
	BAD(sample.class_range[1].class_index = 2);
	BAD(sample.class_range[1].range.first = 0x0affffff);
	BAD(sample.class_range[0].range.last = 0x09ffffff);
	BAD(sample.block[1].first = 0);
	BAD(sample.block[1].last = 0x010202ff);
}

static void
a_bad_message_is_refused(void **state)
{
	struct abi_policy all = {0};

	(void)state;
	all.flags = 1u << 31;
	assert_int_equal(give(&good, sizeof(good), SEALS, &all), ABI_ERR_POLICY);
	all = (struct abi_policy){.choke = ABI_CHOKE_CNT};
	assert_int_equal(give(&good, sizeof(good), SEALS, &all), ABI_ERR_POLICY);
	all = (struct abi_policy){.slow_s = 5};
	assert_int_equal(give(&good, sizeof(good), SEALS, &all), ABI_ERR_POLICY);
	all = (struct abi_policy){.slow_s = 3601, .slow_bytes_per_s = 1};
	assert_int_equal(give(&good, sizeof(good), SEALS, &all), ABI_ERR_POLICY);
	all = (struct abi_policy){.reserved = {[7] = 1}};
	assert_int_equal(give(&good, sizeof(good), SEALS, &all), ABI_ERR_POLICY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_is_taken_and_looked_up),
		cmocka_unit_test(unsealed_or_short_is_refused),
		cmocka_unit_test(each_fault_is_refused),
		cmocka_unit_test(a_bad_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
