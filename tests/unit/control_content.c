/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Opening content: only regular files of the right size, beneath the data folder. */
#include "control/content/content.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[64];
static int dir_fd;

static const char *
at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
file_make(const char *name, size_t len)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	for (size_t i = 0; i < len; i++)
		fputc('x', file);
	fclose(file);
}

static int
set_up(void **state)
{
	struct fail fail;

	(void)state;
	strcpy(folder, "/tmp/spillway-content-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(at("t"), 0700), 0);
	file_make("t/good", 5000);
	dir_fd = content_dir_open(folder, &fail);
	return dir_fd < 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	close(dir_fd);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static int
open_one(const char *path, uint64_t len, struct fail *fail)
{
	struct metainfo_file file = {.path = path, .len = len};
	struct content_pin pin;

	return content_file_open(dir_fd, &file, &pin, fail);
}

static void
good_files_open(void **state)
{
	struct fail fail;
	char byte;

	(void)state;
	int fd = open_one("t/good", 5000, &fail);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	if ((fcntl(fd, F_GETFL) & O_DIRECT) == 0)
		assert_int_equal(pread(fd, &byte, 1, 0), 1);
	close(fd);
	assert_int_equal(symlink("good", at("t/inside")), 0);
	fd = open_one("t/inside", 5000, &fail);
	assert_true(fd >= 0);
	close(fd);
}

static void
refused(const char *path, int err, const char *word)
{
	struct fail fail;
	int got = open_one(path, 5000, &fail);

	if (got != -err || strstr(fail.text, word) == NULL || strstr(fail.text, path) == NULL)
		fail_msg("%s: %d %s", path, got, got < 0 ? fail.text : "");
}

static void
others_are_refused(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	refused("t/none", ENOENT, "missing");
	refused("t/good/deeper", ENOTDIR, "missing");
	refused("t", EINVAL, "not a regular file");
	file_make("t/short", 4999);
	refused("t/short", ERANGE, "shorter");
	file_make("t/long", 5001);
	refused("t/long", ERANGE, "longer");
	assert_int_equal(mkfifo(at("t/pipe"), 0600), 0);
	refused("t/pipe", EINVAL, "not a regular file");
	strcpy(address.sun_path, at("t/sock"));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	refused("t/sock", EINVAL, "not a regular file");
	close(fd);
}

static void
nothing_leads_out(void **state)
{
	(void)state;
	assert_int_equal(symlink("/etc/hostname", at("t/absolute")), 0);
	assert_int_equal(symlink("../../../etc/hostname", at("t/dots")), 0);
	assert_int_equal(symlink("/", at("out")), 0);
	assert_int_equal(symlink("loop", at("t/loop")), 0);
	refused("t/absolute", EXDEV, "out of the data folder");
	refused("t/dots", EXDEV, "out of the data folder");
	refused("out/etc/hostname", EXDEV, "out of the data folder");
	refused("../x", EXDEV, "out of the data folder");
	refused("t/loop", ELOOP, "cannot be opened");
}

static void
changes_are_seen(void **state)
{
	struct metainfo_file file = {.path = "t/good", .len = 5000};
	struct content_pin pin, now;
	struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1, .tv_nsec = 1}};
	struct fail fail;

	(void)state;
	int fd = content_file_open(dir_fd, &file, &pin, &fail);
	close(fd);
	assert_int_equal(pin.size, 5000);
	fd = content_file_open(dir_fd, &file, &now, &fail);
	close(fd);
	assert_true(content_pin_equal(&pin, &now));
	assert_int_equal(utimensat(AT_FDCWD, at("t/good"), times, 0), 0);
	fd = content_file_open(dir_fd, &file, &now, &fail);
	close(fd);
	assert_int_equal(now.mtime_ns, 1000000001);
	assert_false(content_pin_equal(&pin, &now));
	pin.mtime_ns = now.mtime_ns;
	assert_true(content_pin_equal(&pin, &now));

	struct metainfo meta = {.file = &file, .file_cnt = 1, .data_file_cnt = 1};
	assert_int_equal(content_check(&meta, folder, &pin, 1, &fail), 0);
	pin.inode++;
	assert_int_equal(content_check(&meta, folder, &pin, 1, &fail), -ESTALE);
	assert_int_equal(content_check(&meta, folder, &pin, 0, &fail), -ESTALE);
	assert_int_equal(content_check(&meta, at("t/good"), &pin, 1, &fail), -ENOTDIR);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_files_open),
		TEST(others_are_refused),
		TEST(nothing_leads_out),
		TEST(changes_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
