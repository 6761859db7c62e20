/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The process that executes dataplanes. */
#include "control/link/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FDS_MAX = ABI_WORKERS_MAX + 3, /* config, log, go, and the listening sockets */
	FDS_ROOM = FDS_MAX + 1,        /* one more, so that too many are seen */
	FD_PARKED = 64,                /* above ABI_FD_*, where descriptors wait for dup2 */
};

struct starter {
	int fd;
	pid_t pid;
};

/* ---- The starter's side. */

/* child_main ends in the dataplane. Async-signal-safe calls only. */
static void __attribute__((noreturn))
child_main(const struct starter_config *config, const int *fds, uint32_t worker_cnt)
{
	static const char failed[] = "spillway-dp cannot be executed\n";
	static const char refused[] = "spillway-dp cannot become its user\n";
	char *const argv[] = {(char *)(uintptr_t) "spillway-dp", NULL};
	int parked[FDS_MAX];
	sigset_t none;
	char byte;

	/* Nothing comes from a parent that died before it had recorded us. */
	if (read(fds[2], &byte, 1) != 1)
		_exit(127);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (uint32_t i = 0; i < worker_cnt + 3; i++)
		parked[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_PARKED);
	int null_fd = open("/dev/null", O_RDONLY);
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	dup2(parked[1], STDOUT_FILENO);
	dup2(parked[1], STDERR_FILENO);
	dup2(parked[0], ABI_FD_CONFIG);
	for (uint32_t i = 0; i < worker_cnt; i++)
		dup2(parked[3 + i], abi_fd_listen(i));
	syscall(SYS_close_range, ABI_FD_LISTEN_MORE + worker_cnt - 1, ~0U, 0);
	if (privileges_become(config->user, config->caps) == 0) {
		execv(config->binary, argv);
		ssize_t ignored = write(STDERR_FILENO, failed, sizeof(failed) - 1);
		(void)ignored;
	} else {
		ssize_t ignored = write(STDERR_FILENO, refused, sizeof(refused) - 1);
		(void)ignored;
	}
	_exit(127);
}

/* request_read takes a request's descriptors, no more than FDS_ROOM. Returns how many there are, 0
 * at the end. */
static int
request_read(int fd, int fds[FDS_ROOM])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_ROOM)];
	} control;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		/* Not all of its bytes: the kernel would fill what CMSG_SPACE rounds up, too. */
		.msg_controllen = CMSG_LEN(sizeof(int) * FDS_ROOM),
	};
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	const struct cmsghdr *cmsg = n == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t len = cmsg->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(cmsg), len);
	return (int)(len / sizeof(int));
}

/* config_right is true of a configuration that is as chosen at the start where that is fixed, and
 * that nobody can change any more. */
static bool
config_right(const struct abi_config *fixed, int fd)
{
	const uint32_t sandbox = ABI_CONFIG_SANDBOX_LOG | ABI_CONFIG_SANDBOX_OFF;
	const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	struct abi_config asked;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & needed) == needed &&
	       pread(fd, &asked, sizeof(asked), 0) == sizeof(asked) &&
	       (asked.flags & sandbox) == (fixed->flags & sandbox) &&
	       memcmp(asked.port, fixed->port, sizeof(asked.port)) == 0 &&
	       memcmp(asked.xdp_object, fixed->xdp_object, sizeof(asked.xdp_object)) == 0 &&
	       memcmp(asked.file_prefix, fixed->file_prefix, sizeof(asked.file_prefix)) == 0;
}

/* starter_main serves until spillwayd has gone. The child's parent is ours: spillwayd waits for it,
 * as if it had forked it itself. */
static void __attribute__((noreturn))
starter_main(const struct starter_config *config, int fd)
{
	int fds[FDS_ROOM];
	int cnt;

	while ((cnt = request_read(fd, fds)) > 0) {
		int32_t answer = -EINVAL;

		if (cnt > 3 && cnt <= FDS_MAX && config_right(&config->fixed, fds[0])) {
			long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
			if (pid == 0)
				child_main(config, fds, (uint32_t)cnt - 3);
			answer = pid > 0 ? (int32_t)pid : -errno;
		}
		for (int i = 0; i < cnt; i++)
			close(fds[i]);
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			break;
	}
	_exit(0);
}

/* begin is the starter's first: it keeps nothing of what spillwayd has open, locks above all, and
 * little of what it may do. */
static void __attribute__((noreturn))
begin(const struct starter_config *config, int fd)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "spillway-start");
	if (fd != STDERR_FILENO + 1)
		dup2(fd, STDERR_FILENO + 1);
	syscall(SYS_close_range, STDERR_FILENO + 2, ~0U, 0);
	fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC);
	if (config->user->uid != 0)
		setenv("RUNTIME_DIRECTORY", config->run_dir, 1);
	int32_t answer = privileges_starter(config->user, config->caps, config->sandbox);
	if (send(STDERR_FILENO + 1, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer) ||
	    answer != 0)
		_exit(1);
	starter_main(config, STDERR_FILENO + 1);
}

/* ---- spillwayd's side. */

int
starter_create(struct starter **starter, const struct starter_config *config, struct fail *fail)
{
	struct starter *s = calloc(1, sizeof(*s));
	int pair[2];

	if (s == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		free(s);
		return fail_set(fail, errno, "socketpair: %s", strerror(errno));
	}
	s->fd = pair[0];
	s->pid = fork();
	if (s->pid == 0)
		begin(config, pair[1]);
	close(pair[1]);
	if (s->pid < 0) {
		int err = fail_set(fail, errno, "fork: %s", strerror(errno));
		close(s->fd);
		free(s);
		return err;
	}
	int32_t answer = -EPIPE;
	if (recv(s->fd, &answer, sizeof(answer), 0) != sizeof(answer) || answer != 0) {
		starter_destroy(s);
		return fail_set(fail, -answer,
		                "what starts dataplanes cannot become user %s with the rights that "
		                "port %.64s needs: %s",
		                config->user->name, config->fixed.port, strerror(-answer));
	}
	*starter = s;
	return 0;
}

void
starter_destroy(struct starter *starter)
{
	if (starter == NULL)
		return;
	close(starter->fd);
	waitpid(starter->pid, NULL, 0);
	free(starter);
}

static bool
request_send(int fd, const int *fds, uint32_t cnt)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control = {.bytes = {0}};
	struct iovec iov = {.iov_base = (char[]){0}, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(sizeof(int) * cnt),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * cnt);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * cnt);
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == 1;
}

pid_t
starter_fork(struct starter *starter, const struct starter_fds *fds, struct fail *fail)
{
	int all[FDS_MAX] = {fds->config, fds->log, fds->go};
	int32_t answer = 0;

	memcpy(all + 3, fds->listen, sizeof(int) * fds->worker_cnt);
	if (!request_send(starter->fd, all, fds->worker_cnt + 3) ||
	    recv(starter->fd, &answer, sizeof(answer), 0) != sizeof(answer))
		return fail_set(fail, EPIPE,
		                "the process that starts dataplanes is gone: restart spillwayd");
	if (answer < 0)
		return fail_set(fail, -answer, "fork: %s", strerror(-answer));
	return answer;
}
