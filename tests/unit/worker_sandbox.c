/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The dataplane's sandbox: a process that has entered it does one thing, and is looked at. */
#include "dataplane/abi.h"
#include "dataplane/worker/sandbox.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFUSED = 128 + SIGSYS, THREADS = 4, SYS_ring_setup = 425 };

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

static int told; /* where the child's stderr is read */

/* inside runs act in a sandboxed child. Returns its exit status, or -signal. */
static int
inside(int (*act)(void), uint32_t flags)
{
	int pipe_fds[2], status = 0;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char error[SANDBOX_ERROR_MAX];

		dup2(pipe_fds[1], STDERR_FILENO);
		if (sandbox_enter(flags, error) < 0)
			_exit(77);
		_exit(act());
	}
	close(pipe_fds[1]);
	told = pipe_fds[0];
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
forget(void)
{
	close(told);
}

static int
act_open(void)
{
	return (int)syscall(SYS_open, "/etc/passwd", O_RDONLY) >= 0 ? 1 : 2;
}

static int
act_openat(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 ? 1 : 2;
}

static int
act_exec(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	execv("/bin/true", argv);
	return 2;
}

static int
act_fork(void)
{
	return (int)syscall(SYS_fork) >= 0 ? 1 : 2;
}

static int
act_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	               MAP_FAILED
	           ? 2
	           : 1;
}

static int
act_ring(void)
{
	char params[120] = {0};

	return (int)syscall(SYS_ring_setup, 4, params) >= 0 ? 1 : 2;
}

static int
act_kill(void)
{
	return kill(getppid(), 0) == 0 ? 1 : 2;
}

static int
act_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0) >= 0 ? 1 : 2;
}

static int
act_stat(void)
{
	char buffer[256];

	return (int)syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", buffer, 0) == 0 ? 1 : 2;
}

static const struct {
	const char *name;
	int (*act)(void);
} forbidden[] = {
	{"open", act_open}, {"openat", act_openat}, {"execve", act_exec}, {"fork", act_fork},
	{"mmap of code", act_code}, {"a new ring", act_ring}, {"kill", act_kill},
	{"bpf", act_bpf}, {"stat of a path", act_stat},
};

static void
forbidden_ends_the_process(void **state)
{
	(void)state;
	if (SANITIZED)
		skip(); /* sanitizers need some of them */
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		char line[128] = "";

		print_message("%s\n", forbidden[i].name);
		assert_int_equal(inside(forbidden[i].act, 0), REFUSED);
		assert_true(read(told, line, sizeof(line) - 1) > 0);
		assert_non_null(strstr(line, "spillway-dp: the sandbox refuses system call "));
		forget();
	}
}

static void
without_it_they_do(void **state)
{
	(void)state;
	assert_int_equal(inside(act_open, ABI_CONFIG_SANDBOX_OFF), 1);
	forget();
	assert_int_equal(inside(act_ring, ABI_CONFIG_SANDBOX_OFF), 1);
	forget();
}

/* Drivers try these when they end; nothing comes of it and nobody dies. */
static int
act_sockets(void)
{
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 1;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	return unlink("/nonexistent") == 0 || errno != EPERM ? 3 : 0;
}

static void
sockets_are_refused(void **state)
{
	(void)state;
	assert_int_equal(inside(act_sockets, 0), 0);
	forget();
}

static int pair[2];

/* What a dataplane does: messages, memory of a memfd, sleeping, a new buffer. */
static int
act_work(void)
{
	struct pollfd fd = {.fd = pair[0], .events = POLLIN};
	struct timespec pause = {.tv_nsec = 1000};
	char byte = 'x';
	void *memory;

	if (write(pair[1], &byte, 1) != 1 || ppoll(&fd, 1, &pause, NULL) != 1)
		return 1;
	if (recv(pair[0], &byte, 1, 0) != 1 || send(pair[1], &byte, 1, MSG_NOSIGNAL) != 1)
		return 2;
	memory = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || munmap(memory, 8 << 20) != 0)
		return 3;
	memory = malloc(1 << 20);
	free(memory);
	nanosleep(&pause, NULL);
	return memory != NULL && close(pair[0]) == 0 ? 0 : 4;
}

static void
its_work_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(inside(act_work, 0), 0);
	forget();
	close(pair[0]);
	close(pair[1]);
}

static int
act_abort(void)
{
	abort();
}

static void
abort_ends_as_usual(void **state)
{
	(void)state;
	assert_int_equal(inside(act_abort, 0), -SIGABRT);
	forget();
}

/* ---- Threads that were there before. Their capabilities: tests/fault/test_sandbox.py. */

static pthread_barrier_t before, after;
static int thread_status[THREADS];

static void *
thread_main(void *arg)
{
	int *status = arg;

	pthread_barrier_wait(&before);
	pthread_barrier_wait(&after);
	*status = socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM;
	return NULL;
}

static int
threads_main(void)
{
	pthread_t threads[THREADS];
	char error[SANDBOX_ERROR_MAX];
	int status = 0;

	pthread_barrier_init(&before, NULL, THREADS + 1);
	pthread_barrier_init(&after, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, &thread_status[i]);
	pthread_barrier_wait(&before);
	if (sandbox_enter(0, error) < 0)
		return 77;
	pthread_barrier_wait(&after);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		status |= thread_status[i];
	}
	return status;
}

static void
all_threads_are_in(void **state)
{
	int status;

	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(threads_main());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_ends_the_process),
		cmocka_unit_test(without_it_they_do),
		cmocka_unit_test(sockets_are_refused),
		cmocka_unit_test(its_work_is_allowed),
		cmocka_unit_test(abort_ends_as_usual),
		cmocka_unit_test(all_threads_are_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
