/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The load generator's command line: values in their bounds, and what must go together. */
#include "perf/leech_options.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leech_options options;

/* words reads "NAME VALUE ..." behind a seeder and a torrent. */
static int
words(const char *text)
{
	static char copy[1000];
	char *argv[40] = {(char *)"leech", (char *)"--connect", (char *)"10.0.0.1:6881",
			  (char *)"--torrent", (char *)"t"};
	uint32_t argc = 5;

	strcpy(copy, text);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return leech_options_read(&options, argv);
}

static void
defaults_are_those_that_the_help_tells(void **state)
{
	(void)state;
	assert_int_equal(words(""), 1);
	assert_int_equal(options.connection_cnt, 1);
	assert_int_equal(options.outstanding_cnt, 64);
	assert_int_equal(options.block_bytes, 16384);
	assert_int_equal(options.span_us, 10000000);
	assert_int_equal(options.order, LEECH_ORDER_SEQUENTIAL);
	assert_int_equal(options.verify, LEECH_VERIFY_SAMPLE);
	assert_int_equal(options.window_bytes, 4 << 20);
	assert_int_equal(options.cpus.cnt, 1);
	assert_int_equal(options.cpus.cpu[0], -1);
	assert_int_equal(options.peer.sin_port, htons(6881));
	assert_null(options.port);
}

static void
values_are_taken(void **state)
{
	(void)state;
	assert_int_equal(words("--bytes 3G --seconds 0.25 --settle 1.5 --order rarest --cpus 1,0,-1 "
			       "--local 10.0.0.2/300 --slow-share 0.125 --threads 2 "
			       "--connections 8 --json"), 1);
	assert_int_equal(options.bytes, 3ull << 30);
	assert_int_equal(options.span_us, 250000);
	assert_int_equal(options.settle_us, 1500000);
	assert_int_equal(options.order, LEECH_ORDER_RAREST);
	assert_int_equal(options.cpus.cnt, 3);
	assert_int_equal(options.cpus.cpu[0], 1);
	assert_int_equal(options.cpus.cpu[2], -1);
	assert_int_equal(options.local.cnt, 300);
	assert_int_equal(options.slow_permille, 125);
	assert_int_equal(options.queue_cnt, 2);
	assert_true(options.json);
	assert_int_equal(words("--bytes 1"), 1);
	assert_int_equal(options.span_us, 600000000);
}

static void
values_out_of_bounds_are_refused(void **state)
{
	const char *const bad[] = {
		"--connections 0", "--connections 65537", "--connections -1", "--connections 1x",
		"--connections", "--bytes 1T", "--bytes 99999999999G", "--seconds nan",
		"--seconds 0", "--seconds 1e9", "--order up", "--cpus 0,", "--cpus 0;1",
		"--cpus 1024", "--local 10.0.0/2", "--local 10.0.0.2/0", "--slow-share 1.1",
		"--slow-share nan", "--connect 10.0.0.1", "--connect 10.0.0.1:65536", "--nonsense 1",
		"--cpus 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(words(bad[i]), -1);
}

static void
what_does_not_go_together_is_refused(void **state)
{
	const char *const bad[] = {
		"--torrents l", "--http --torrents l", "--port memif:/x",
		"--port memif:/x --local 10.0.0.2/2", "--queues 2 --connections 2",
		"--port memif:/x --local 10.0.0.2 --threads 2 --queues 1 --connections 2",
		"--threads 2", "--block 131073",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(words(bad[i]), -1);
	assert_int_equal(words("--port memif:/x --local 10.0.0.2"), 1);
	assert_int_equal(words("--http --block 1048576"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_that_the_help_tells),
		cmocka_unit_test(values_are_taken),
		cmocka_unit_test(values_out_of_bounds_are_refused),
		cmocka_unit_test(what_does_not_go_together_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
