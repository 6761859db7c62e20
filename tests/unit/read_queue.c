/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* read_queue: reads come back in order and whole, with io_uring and where the kernel refuses it;
 * ends of files, failures, and a queue that is full. */
#include "control/content/read_queue.h"

#include "tests/unit/metainfo_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	LEN = (20 << 20) + 777,
};

static size_t
len_at(size_t off, size_t i)
{
	size_t len = i % 3 == 0 ? READ_QUEUE_READ_MAX : i % 3 == 1 ? 4096 : 300 << 10;

	return LEN - off < len ? LEN - off : len;
}

/* Reads the file as far ahead as there is room, and holds every byte against bytes. */
static void
all_read(struct read_queue *queue, int fd, const uint8_t *bytes)
{
	struct read_queue_read read;
	size_t ahead = 0, at = 0, asked_cnt = 0, taken_cnt = 0;

	while (at < LEN) {
		while (ahead < LEN && read_queue_add(queue, fd, ahead, len_at(ahead, asked_cnt)))
			ahead += len_at(ahead, asked_cnt++);
		assert_true(asked_cnt - taken_cnt > 1 || ahead == LEN);
		assert_true(read_queue_take(queue, &read));
		assert_int_equal(read.len, len_at(at, taken_cnt++));
		assert_int_equal(read.got, read.len);
		assert_int_equal(read.sys_errno, 0);
		assert_memory_equal(read.bytes, bytes + at, read.len);
		at += read.len;
	}
	assert_false(read_queue_take(queue, &read));
}

static void
in_order(void **state)
{
	struct read_queue *queue = read_queue_create();
	uint8_t *bytes = lab_bytes(3, LEN);
	int flags[] = { O_RDONLY, O_RDONLY | O_DIRECT };

	(void)state;
	assert_non_null(queue);
	lab_write("f", 3, LEN);
	for (int i = 0; i < 2; i++) {
		int fd = open("f", flags[i]);

		if (fd < 0)
			continue; /* a file system without O_DIRECT */
		all_read(queue, fd, bytes);
		close(fd);
	}
	read_queue_destroy(queue);
	free(bytes);
}

static void
ends_and_failures(void **state)
{
	struct read_queue *queue = read_queue_create();
	struct read_queue_read read;
	int fd, bad;

	(void)state;
	lab_write("f", 3, 10000);
	fd = open("f", O_RDONLY);
	bad = open("f", O_WRONLY);
	assert_true(read_queue_add(queue, fd, 0, 20000));
	assert_true(read_queue_add(queue, fd, 12288, 4096));
	assert_true(read_queue_add(queue, bad, 0, 4096));
	assert_true(read_queue_take(queue, &read));
	assert_int_equal(read.got, 10000);
	assert_int_equal(read.sys_errno, 0);
	assert_true(read_queue_take(queue, &read));
	assert_int_equal(read.got, 0);
	assert_int_equal(read.sys_errno, 0);
	assert_true(read_queue_take(queue, &read));
	assert_int_equal(read.got, 0);
	assert_int_equal(read.sys_errno, EBADF);
	close(fd);
	close(bad);
	read_queue_destroy(queue);
}

/* A full queue takes no more, and all of it can be dropped in flight. */
static void
full(void **state)
{
	struct read_queue *queue = read_queue_create();
	struct read_queue_read read;
	uint32_t cnt = 0;
	int fd;

	(void)state;
	lab_write("f", 3, READ_QUEUE_READ_MAX);
	fd = open("f", O_RDONLY);
	while (read_queue_add(queue, fd, 0, READ_QUEUE_READ_MAX))
		cnt++;
	assert_int_equal(cnt, READ_QUEUE_LEN / READ_QUEUE_READ_MAX);
	read_queue_drop(queue);
	assert_false(read_queue_take(queue, &read));
	for (cnt = 0; read_queue_add(queue, fd, 0, 4096); cnt++)
		;
	assert_int_equal(cnt, READ_QUEUE_READS_MAX);
	close(fd);
	read_queue_destroy(queue);
}

/* Makes io_uring_setup fail with EPERM in this process from now on. */
static void
uring_forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void
refused(void **state)
{
	uint8_t *bytes = lab_bytes(3, LEN);
	int status;
	pid_t pid;

	(void)state;
	lab_write("f", 3, LEN);
	pid = fork();
	if (pid == 0) {
		struct read_queue *queue;
		int fd = open("f", O_RDONLY);

		uring_forbid();
		queue = read_queue_create();
		assert_int_equal(read_queue_refused(queue), EPERM);
		all_read(queue, fd, bytes);
		read_queue_destroy(queue);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(ends_and_failures, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(full, lab_enter, lab_leave),
		cmocka_unit_test_setup_teardown(refused, lab_enter, lab_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
