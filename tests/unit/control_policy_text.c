/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limits, rates, classes and block lists as people write them; and shares of a rate. */
#include "control/policy/blocklist.h"
#include "control/policy/policy_text.h"
#include "control/policy/rate_text.h"
#include "control/policy/shares.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t
rate_of(const char *text)
{
	uint64_t rate = UINT64_MAX;
	struct fail fail;

	return rate_parse(text, strlen(text), &rate, &fail) == 0 ? rate : UINT64_MAX;
}

static void
rates_as_people_write_them(void **state)
{
	static const char *const wrong[] = {
		"", "M", "10X", "10 M", "-1", "10Mbits", "1e6", "0x10", "1.5.2", "1023", "999T", "10MM",
		"none ", "123456789012345678901234567890",
	};
	char text[RATE_TEXT_MAX];

	(void)state;
	assert_int_equal(rate_of("10M"), 10 << 20);
	assert_int_equal(rate_of("1.5G"), (uint64_t)3 << 29);
	assert_int_equal(rate_of("500000"), 500000);
	assert_int_equal(rate_of("100Mbit"), 12500000);
	assert_int_equal(rate_of("1Gbit"), 125000000);
	assert_int_equal(rate_of("none"), 0);
	assert_int_equal(rate_of("0"), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(rate_of(wrong[i]), UINT64_MAX);
	for (uint64_t rate = RATE_MIN; rate < RATE_MAX; rate = rate * 3 + 7) {
		rate_format(rate, text);
		assert_int_equal(rate_of(text), rate);
	}
}

static void
limits_are_read_back(void **state)
{
	struct limits limits = limits_none, back = limits_none;
	char text[POLICY_LIMITS_MAX];
	struct fail fail;

	(void)state;
	assert_int_equal(limits_parse(&limits, "10M:w200:connections=50", 23, &fail), 0);
	limits_format(&limits, text);
	assert_int_equal(limits_parse(&back, text, strlen(text), &fail), 0);
	assert_memory_equal(&limits, &back, sizeof(limits));
	assert_int_equal(limits_parse(&limits, "w0", 2, &fail), -EINVAL);
	assert_int_equal(limits_parse(&limits, "w1001", 5, &fail), -EINVAL);
	assert_int_equal(limits_parse(&limits, "10M:", 4, &fail), -EINVAL);
	assert_int_equal(limits_parse(&limits, "connections=x", 13, &fail), -EINVAL);
}

static void
labels_are_sorted_by_their_number(void **state)
{
	static struct label_limits labels;
	struct fail fail;

	(void)state;
	assert_int_equal(label_limits_parse(&labels, "iso=100M:w200,archive=2M,x y=none:w7", &fail), 0);
	assert_int_equal(labels.cnt, 3);
	for (uint32_t i = 1; i < labels.cnt; i++)
		assert_true(labels.row[i - 1].id < labels.row[i].id);
	assert_int_equal(label_limits_find(&labels, "x y")->limits.weight, 7);
	assert_int_equal(label_limits_parse(&labels, "iso=1M", &fail), 0);
	assert_int_equal(labels.cnt, 3);
	assert_int_equal(label_limits_find(&labels, "iso")->limits.rate_bytes_per_s, 1 << 20);
	assert_int_equal(label_limits_parse(&labels, "iso", &fail), -EINVAL);
	assert_int_equal(label_limits_parse(&labels, "iso=1M:connections=3", &fail), -EINVAL);
	assert_int_equal(label_limits_parse(&labels, "=1M", &fail), -EINVAL);
}

/* class_at returns the class of an address by the flattened ranges, -1: none. */
static int
class_at(const struct abi_class_range *flat, uint32_t cnt, const char *address)
{
	struct abi_range one;

	assert_int_equal(range_parse(address, strlen(address), &one), 0);
	for (uint32_t i = 0; i < cnt; i++)
		if (one.first >= flat[i].range.first && one.first <= flat[i].range.last)
			return (int)flat[i].class_index;
	return -1;
}

static void
the_smallest_range_decides(void **state)
{
	static struct peer_classes classes;
	static struct abi_class_range flat[2 * POLICY_RANGES_MAX];
	struct fail fail;

	(void)state;
	assert_int_equal(peer_classes_parse(&classes,
	                                    "all=0.0.0.0/0:1M,lan=10.0.0.0/8+192.168.0.0/16:none:w300,"
	                                    "one=10.1.2.3:2M,some=10.1.0.0-10.1.2.9", &fail), 0);
	uint32_t cnt = peer_classes_flatten(&classes, flat);
	for (uint32_t i = 1; i < cnt; i++)
		assert_true(flat[i - 1].range.last < flat[i].range.first);
	assert_int_equal(class_at(flat, cnt, "8.8.8.8"), 0);
	assert_int_equal(class_at(flat, cnt, "255.255.255.255"), 0);
	assert_int_equal(class_at(flat, cnt, "10.0.0.0"), 1);
	assert_int_equal(class_at(flat, cnt, "192.168.255.255"), 1);
	assert_int_equal(class_at(flat, cnt, "10.1.2.3"), 2);
	assert_int_equal(class_at(flat, cnt, "10.1.2.4"), 3);
	assert_int_equal(class_at(flat, cnt, "10.1.2.10"), 1);
	assert_int_equal(peer_classes_parse(&classes, "lan=10.0.0.0/33", &fail), -EINVAL);
	assert_int_equal(peer_classes_parse(&classes, "lan=10.0.0.9-10.0.0.1", &fail), -EINVAL);
	assert_int_equal(peer_classes_parse(&classes, "a=1.2.3.4,a=1.2.3.5", &fail), -EINVAL);
	assert_int_equal(peer_classes_parse(&classes, "lan=", &fail), -EINVAL);
	assert_int_equal(peer_classes_parse(&classes, "LAN=1.2.3.4", &fail), -EINVAL);
}

/* list_of_bytes reads bytes as a file. */
static int
list_of_bytes(struct blocklist *list, const char *text, size_t len, struct fail *fail)
{
	char path[] = "/tmp/spillway-blocklist-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close(fd);
	int err = blocklist_read(list, path, fail);
	unlink(path);
	return err;
}

static int
list_of(struct blocklist *list, const char *text, struct fail *fail)
{
	return list_of_bytes(list, text, strlen(text), fail);
}

static void
every_form_of_list_is_read(void **state)
{
	struct blocklist list;
	struct fail fail;

	(void)state;
	assert_int_equal(list_of(&list,
	                         "# a comment\r\n\n// another\n"
	                         "10.0.0.0/8\n"
	                         "11.0.0.0-11.0.0.255\r\n"
	                         "Some: body (x) 1:12.0.0.1-12.0.0.2\n"
	                         "013.000.000.000 - 013.000.000.255 , 000 , a name, with a comma\n"
	                         "014.0.0.0 - 014.0.0.9 , 200 , trusted\n"
	                         "9.255.255.255\n"
	                         "2001:db8::/32\n"
	                         "fe80::1\n"
	                         "255.255.255.255", &fail), 0);
	assert_int_equal(list.cnt, 4);
	assert_int_equal(list.range[0].first, 0x09ffffff);
	assert_int_equal(list.range[0].last, 0x0b0000ff); /* three that touch are one */
	assert_int_equal(list.range[1].first, 0x0c000001);
	assert_int_equal(list.range[1].last, 0x0c000002);
	assert_int_equal(list.range[2].first, 0x0d000000);
	assert_int_equal(list.range[3].last, 0xffffffff);
	blocklist_free(&list);
}

static void
a_bad_line_is_named(void **state)
{
	static const char *const wrong[] = {"1.2.3", "1.2.3.4/", "1.2.3.4/40", "256.1.1.1", "hello",
	                                    "1.2.3.9-1.2.3.1", "name:1.2.3.4-", "1.2.3.4 1.2.3.5"};
	char text[64];
	struct blocklist list;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "1.2.3.4\n%s\n", wrong[i]);
		assert_int_equal(list_of(&list, text, &fail), -EINVAL);
		assert_non_null(strstr(fail.text, ":2: "));
		assert_int_equal(list.cnt, 0);
	}
}

static void
lists_of_other_bytes_hide_nothing(void **state)
{
	static const char nul[] = "1.2.3.4\n\0 5.6.7.8\n", nul_ipv6[] = "fe80::1\0 5.6.7.8\n";
	static const char screen[] = "\x1b[2J\xc2\x9b\x7f";
	struct blocklist list;
	struct fail fail;

	(void)state;
	assert_int_equal(list_of(&list, "", &fail), 0);
	assert_int_equal(list.cnt, 0);
	blocklist_free(&list);
	assert_int_equal(list_of_bytes(&list, nul, sizeof(nul) - 1, &fail), -EINVAL);
	assert_non_null(strstr(fail.text, ":2: "));
	assert_int_equal(list_of_bytes(&list, nul_ipv6, sizeof(nul_ipv6) - 1, &fail), -EINVAL);
	assert_int_equal(list_of(&list, screen, &fail), -EINVAL);
	assert_non_null(strstr(fail.text, "\"?[2J???\""));
}

static void
slow_peers(void **state)
{
	uint32_t rate, seconds;
	struct fail fail;

	(void)state;
	assert_int_equal(slow_peer_parse("10K:60", &rate, &seconds, &fail), 0);
	assert_true(rate == 10240 && seconds == 60);
	assert_int_equal(slow_peer_parse("", &rate, &seconds, &fail), 0);
	assert_true(rate == 0 && seconds == 0);
	assert_int_equal(slow_peer_parse("10K", &rate, &seconds, &fail), -EINVAL);
	assert_int_equal(slow_peer_parse("10K:0", &rate, &seconds, &fail), -EINVAL);
	assert_int_equal(slow_peer_parse("none:5", &rate, &seconds, &fail), -EINVAL);
	assert_int_equal(slow_peer_parse("10K:5000", &rate, &seconds, &fail), -EINVAL);
}

/* use returns what workers use of their shares when they want so much. */
static void
use(const uint64_t *want, const uint64_t *part, uint64_t *used, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		used[i] = want[i] < part[i] ? want[i] : part[i];
}

static void
shares_follow_the_use_and_are_never_more_than_the_whole(void **state)
{
	static const uint64_t wants[][4] = {
		{1000000, 0, 0, 0}, {1000000, 1000000, 0, 0}, {1000000, 1000000, 1000000, 1000000},
		{100000, 1000000, 50000, 0}, {0, 0, 0, 0}, {10, 20, 30, 40},
	};
	uint64_t part[4] = {250000, 250000, 250000, 250000}, used[4];

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		for (int round = 0; round < 6; round++) {
			use(wants[i], part, used, 4);
			shares_divide(1000000, used, part, 4);
			assert_true(part[0] + part[1] + part[2] + part[3] <= 1000000);
		}
		use(wants[i], part, used, 4);
		uint64_t wanted = 0, got = 0;
		for (int w = 0; w < 4; w++) {
			wanted += wants[i][w];
			got += used[w];
		}
		assert_true(got >= (wanted < 1000000 ? wanted : 1000000) / 100 * 95);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_as_people_write_them),
		cmocka_unit_test(limits_are_read_back),
		cmocka_unit_test(labels_are_sorted_by_their_number),
		cmocka_unit_test(the_smallest_range_decides),
		cmocka_unit_test(every_form_of_list_is_read),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(lists_of_other_bytes_hide_nothing),
		cmocka_unit_test(slow_peers),
		cmocka_unit_test(shares_follow_the_use_and_are_never_more_than_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
