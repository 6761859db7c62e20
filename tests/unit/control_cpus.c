/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How many workers there are, and on which CPUs. */
#include "control/options/cpus.h"

#include "control/options/options.h"
#include "control/link/preflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
lists_are_read(void **state)
{
	struct cpus cpus;
	struct fail fail;

	(void)state;
	assert_int_equal(cpus_parse(&cpus, "-1", &fail), 0);
	assert_int_equal(cpus.cnt, 0);
	assert_int_equal(cpus_parse(&cpus, "3", &fail), 0);
	assert_int_equal(cpus.cnt, 1);
	assert_int_equal(cpus.cpu[0], 3);
	assert_int_equal(cpus_parse(&cpus, "1023,0,7,7,4,5,6,7", &fail), 0);
	assert_int_equal(cpus.cnt, 8);
	assert_int_equal(cpus.cpu[0], 1023);
	assert_int_equal(cpus.cpu[7], 7);
	assert_true(cpus_parse(&cpus, "", &fail) < 0);
	assert_true(cpus_parse(&cpus, "1 ,2", &fail) < 0);
	assert_true(cpus_parse(&cpus, "1,,2", &fail) < 0);
	assert_true(cpus_parse(&cpus, "99999999999999999999", &fail) < 0);
}

static void
workers_are_counted(void **state)
{
	struct cpus none = {0};
	struct cpus three = {.cnt = 3, .cpu = {1, 2, 3}};

	(void)state;
	assert_int_equal(cpus_worker_cnt(&none, 5), 5);
	assert_int_equal(cpus_worker_cnt(&three, 5), 5);
	assert_int_equal(cpus_worker_cnt(&three, 0), 3);
	assert_in_range(cpus_worker_cnt(&none, 0), 1, ABI_WORKERS_MAX);
}

/* resolve returns what a dataplane would be started with; the binary is any. */
static int
resolve(struct preflight *pre, int64_t workers, const char *cpu, int64_t arena_mib,
        struct fail *fail)
{
	struct options options;

	options_default(&options);
	strcpy(options.port, "null");
	strcpy(options.address, "10.0.0.1");
	strcpy(options.dataplane, "/bin/sh");
	strcpy(options.cpu, cpu);
	options.workers = workers;
	options.arena_mib = arena_mib;
	return preflight_resolve(pre, &options, fail);
}

static void
numbers_fit_the_workers(void **state)
{
	struct preflight pre;
	struct fail fail;

	(void)state;
	assert_int_equal(resolve(&pre, 1, "-1", 16, &fail), 0);
	assert_int_equal(pre.config.worker_cnt, 1);
	assert_int_equal(pre.config.cpu[0], -1);
	assert_int_equal(resolve(&pre, 2, "4,2", 32, &fail), 0);
	assert_int_equal(pre.config.worker_cnt, 2);
	assert_int_equal(pre.config.cpu[0], 4);
	assert_int_equal(pre.config.cpu[1], 2);
	assert_int_equal(pre.config.cpu[2], -1);
	assert_int_equal(resolve(&pre, 0, "4,2,0", 64, &fail), 0);
	assert_int_equal(pre.config.worker_cnt, 3);
	assert_true(resolve(&pre, 2, "4", 32, &fail) < 0);
	assert_non_null(strstr(fail.text, "1 CPUs for 2 workers"));
	assert_true(resolve(&pre, 3, "-1", 47, &fail) < 0);
	assert_non_null(strstr(fail.text, "16 MiB each"));
}

static void
every_worker_needs_hugepages(void **state)
{
	struct abi_config config = {.arena_mib = 64, .worker_cnt = 1};

	(void)state;
	assert_int_equal(preflight_hugepages_missing(&config, 64), 0);
	assert_int_equal(preflight_hugepages_missing(&config, 60), 4);
	config.worker_cnt = 2;
	assert_int_equal(preflight_hugepages_missing(&config, 64), 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(workers_are_counted),
		cmocka_unit_test(numbers_fit_the_workers),
		cmocka_unit_test(every_worker_needs_hugepages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
