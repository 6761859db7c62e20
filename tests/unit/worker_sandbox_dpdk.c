/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What DPDK does by itself now and then, also in the sandbox: it says something for the first time,
 * and its heap grows. */
#include "tests/unit/port_lab.h"

#include "dataplane/worker/sandbox.h"

#include <rte_log.h>
#include <rte_malloc.h>

#include <sys/wait.h>
#include <unistd.h>

enum { HUGE_MIB = 16, NO_SANDBOX = 78, NOT_GROWN };

/* act_in is what a child does; its exit status says what came of it. */
static int
act_in(bool huge)
{
	char error[SANDBOX_ERROR_MAX];
	void *memory;

	if (huge)
		lab_env_huge("sandbox_huge");
	else
		lab_env("sandbox");
	if (sandbox_enter(0, error) < 0)
		return NO_SANDBOX;
	rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "said in the sandbox\n");
	memory = huge ? rte_malloc(NULL, HUGE_MIB << 20, 0) : NULL;
	rte_free(memory);
	return !huge || memory != NULL ? 0 : NOT_GROWN;
}

static void
check(bool huge)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (huge)
			lab_huge_take(HUGE_MIB * 2);
		_exit(act_in(huge));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == LAB_SKIP)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
says_something(void **state)
{
	(void)state;
	check(false);
}

static void
heap_grows(void **state)
{
	(void)state;
	check(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_something),
		cmocka_unit_test(heap_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
