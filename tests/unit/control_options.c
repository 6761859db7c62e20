/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Options: the file, the command line, and that what is printed is read back. */
#include "control/options/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file_path[64];

static void
file_write(const char *text)
{
	snprintf(file_path, sizeof(file_path), "/tmp/spillway-options-%d", (int)getpid());
	FILE *file = fopen(file_path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int
load(const char *text, struct options *options, struct fail *fail)
{
	options_default(options);
	file_write(text);
	int err = options_load(options, file_path, fail);
	unlink(file_path);
	return err;
}

static void
defaults_hold(void **state)
{
	struct options o;

	(void)state;
	options_default(&o);
	assert_string_equal(o.port, "af_xdp:eth0");
	assert_int_equal(o.listen_port, 6881);
	assert_string_equal(o.cpu, "-1");
	assert_int_equal(options_worker_cnt(&o), 1);
	assert_int_equal(o.huge, 1);
	assert_int_equal(o.poll, OPTION_POLL_ADAPTIVE);
}

static void
file_is_read(void **state)
{
	struct options o;
	struct fail fail;

	(void)state;
	static const char text[] = "# words\nport: tap:spw0\nmtu: 9000\nhuge: no\npoll: 'busy'\n";
	assert_int_equal(load(text, &o, &fail), 0);
	assert_string_equal(o.port, "tap:spw0");
	assert_int_equal(o.mtu, 9000);
	assert_int_equal(o.huge, 0);
	assert_int_equal(o.poll, OPTION_POLL_BUSY);
	assert_int_equal(load("", &o, &fail), 0);
	assert_int_equal(load("# only a comment\n", &o, &fail), 0);
}

/* Each is refused, and the error names the line and says the words. */
static const struct {
	const char *text;
	const char *line;
	const char *words;
} bad_files[] = {
	{"mtu: 575\n", ":1:", "mtu: 575 is out of range, allowed are 576 to 9000"},
	{"mtu: 9001\n", ":1:", "576 to 9000"},
	{"\nmtu: 99999999999999999999\n", ":2:", "out of range"},
	{"mtu: 15x\n", ":1:", "not a whole number"},
	{"mtu: ' 1500'\n", ":1:", "not a whole number"},
	{"mtu:\n", ":1:", "not a whole number"},
	{"cpu: -2\n", ":1:", "\"-2\" is not -1 or a list of CPUs from 0 to 1023"},
	{"cpu: 1024\n", ":1:", "0 to 1023"},
	{"cpu: 2,\n", ":1:", "not -1 or a list"},
	{"cpu: 2;3\n", ":1:", "not -1 or a list"},
	{"cpu: 0,1,2,3,4,5,6,7,8\n", ":1:", "more than 8"},
	{"workers: 0\n", ":1:", "auto or 1 or 2"},
	{"workers: 9\n", ":1:", "auto or 1 or 2"},
	{"huge: maybe\n", ":1:", "no or yes"},
	{"port: ''\n", ":1:", "option port"},
	{"api_data_dir: srv\n", ":1:", "option api_data_dir: \"srv\" is not an absolute path"},
	{"api_data_dir: ''\n", ":1:", "is not an absolute path"},
	{"watch_dir: srv\n", ":1:", "is not an absolute path"},
	{"mtu: 1500\nmtu: 1500\n", ":2:", "twice"},
	{"mtu: 1500\nmtx: 1\n", ":2:", "unknown option \"mtx\""},
	{"mtu: [1, 2]\n", ":1:", "option: value"},
	{"? [a]\n: 1\n", ":1:", "option: value"},
	{"- mtu\n", ":1:", "option: value"},
	{"just words\n", ":1:", "option: value"},
	{"mtu: \"1\n", ":", "not YAML"},
	{"port: \"a\\0b\"\n", ":1:", "NUL"},
	{"mtu: \xc3(\n", ":", "not YAML"},
};

static void
bad_files_are_refused(void **state)
{
	struct options o;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
		int err = load(bad_files[i].text, &o, &fail);
		if (err >= 0 || strstr(fail.text, bad_files[i].words) == NULL ||
		    strstr(fail.text, bad_files[i].line) == NULL)
			fail_msg("%s gave %d: %s", bad_files[i].text, err, err ? fail.text : "");
	}
	assert_int_equal(options_load(&o, "/nonexistent/x", &fail), -ENOENT);
	assert_int_equal(options_load(&o, "/dev/zero", &fail), -EINVAL);
}

static int
parse(struct options *o, enum options_action *action, struct fail *fail, const char *const *words)
{
	char *argv[16] = {(char *)(uintptr_t) "spillwayd"};
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return options_parse(o, argc, argv, action, fail);
}

#define PARSE(...) parse(&o, &action, &fail, (const char *const[]){__VA_ARGS__, NULL})

static void
command_line_is_read(void **state)
{
	enum options_action action;
	struct options o;
	struct fail fail;

	(void)state;
	assert_int_equal(PARSE("--listen-port", "7000", "--run_dir=/r", "--no-huge", "--cpu", "-1"), 0);
	assert_int_equal(action, OPTIONS_RUN);
	assert_int_equal(o.listen_port, 7000);
	assert_string_equal(o.run_dir, "/r");
	assert_int_equal(o.huge, 0);
	assert_int_equal(PARSE("--help", "--nonsense"), 0);
	assert_int_equal(action, OPTIONS_HELP);
	assert_int_equal(PARSE("--mtu", "1400", "--print-config"), 0);
	assert_int_equal(action, OPTIONS_PRINT_CONFIG);
	assert_int_equal(o.mtu, 1400);
}

static void
command_line_wins_over_file(void **state)
{
	enum options_action action;
	struct options o;
	struct fail fail;

	(void)state;
	file_write("mtu: 1400\nlisten_port: 7001\n");
	assert_int_equal(PARSE("--mtu", "1300", "--config", file_path), 0);
	assert_int_equal(o.mtu, 1300);
	assert_int_equal(o.listen_port, 7001);
	unlink(file_path);
}

static void
bad_command_lines_are_refused(void **state)
{
	enum options_action action;
	struct options o;
	struct fail fail;

	(void)state;
	assert_true(PARSE("--mtu") < 0);
	assert_non_null(strstr(fail.text, "needs a value"));
	assert_true(PARSE("--mtux", "1500") < 0);
	assert_non_null(strstr(fail.text, "--mtux"));
	assert_true(PARSE("--mt", "1500") < 0);
	assert_true(PARSE("mtu", "1500") < 0);
	assert_true(PARSE("--no-huge=yes") < 0);
	assert_true(PARSE("--mtu", "100") < 0);
	assert_non_null(strstr(fail.text, "576 to 9000 bytes"));
	char longest[OPTION_DIR_MAX + 1];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[OPTION_DIR_MAX] = '\0';
	assert_true(PARSE("--run-dir", longest) < 0);
	longest[OPTION_DIR_MAX - 1] = '\0';
	assert_int_equal(PARSE("--run-dir", longest), 0);
}

static void
what_is_printed_is_read_back(void **state)
{
	static const char *const dirs[] = {"/plain", "/with space", "#hash", "a: b", "-dash", "a\\b\"c",
	                                   "caf\xc3\xa9", "x #y", "tail:", "~", "&a", "a\tb",
	                                   "a\xc2\x85" "b", "\xef\xbb\xbf/x", "a\xe2\x80\xa8" "b",
	                                   "a\xef\xbf\xbf"};
	struct options o, back;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);
		options_default(&o);
		strcpy(o.state_dir, dirs[i]);
		o.huge = 0;
		o.mtu = 1234;
		options_print(&o, out);
		fclose(out);
		if (load(text, &back, &fail) != 0)
			fail_msg("%s: %s", dirs[i], fail.text);
		assert_string_equal(back.state_dir, o.state_dir);
		assert_memory_equal(&back, &o, sizeof(o));
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold),
		cmocka_unit_test(file_is_read),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(command_line_is_read),
		cmocka_unit_test(command_line_wins_over_file),
		cmocka_unit_test(bad_command_lines_are_refused),
		cmocka_unit_test(what_is_printed_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
