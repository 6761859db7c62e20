/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The life of the dataplane process. */
#include "control/link/supervise.h"

#include "control/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LOG_TAIL_MAX = 4096, /* bytes searched for the last line */
	LINE_MAX_SHOWN = 300,
	KILL_WAIT_MS = 5000,
	COMM_MAX = 17, /* 15 bytes of a name, a newline, the NUL */
};

/* What dataplane.config holds. */
struct running {
	struct abi_config config;
	int64_t pid;
	uint64_t start_ticks; /* of the process, so that another one with its id is not taken for it */
};

void
supervise_init(struct supervise *sup, const char *run_dir, struct starter *starter)
{
	*sup = (struct supervise){.pid_fd = -1, .starter = starter};
	snprintf(sup->sock_path[0], sizeof(sup->sock_path[0]), "%s/dataplane.sock", run_dir);
	for (uint32_t i = 1; i < ABI_WORKERS_MAX; i++)
		snprintf(sup->sock_path[i], sizeof(sup->sock_path[i]), "%s/dataplane.%" PRIu32 ".sock",
		         run_dir, i);
	snprintf(sup->log_path, sizeof(sup->log_path), "%s/dataplane.log", run_dir);
	snprintf(sup->config_path, sizeof(sup->config_path), "%s/dataplane.config", run_dir);
}

/* start_ticks_read returns field 22 of /proc/PID/stat, 0 when there is no such process. */
static uint64_t
start_ticks_read(pid_t pid)
{
	char path[64], line[1024];
	uint64_t ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	size_t len = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[len] = '\0';
	char *at = strrchr(line, ')'); /* the name may hold anything */
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at != NULL)
		ticks = strtoull(at + 1, NULL, 10);
	return ticks;
}

static bool
running_read(const struct supervise *sup, struct running *running)
{
	int fd = open(sup->config_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, running, sizeof(*running));
	close(fd);
	return n == sizeof(*running);
}

static int
running_write(const struct supervise *sup, const struct abi_config *config, struct fail *fail)
{
	struct running running = {
		.config = *config,
		.pid = sup->pid,
		.start_ticks = start_ticks_read(sup->pid),
	};
	char path[SUPERVISE_PATH_MAX + 4];

	snprintf(path, sizeof(path), "%s.new", sup->config_path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_set(fail, errno, "%s: %s", path, strerror(errno));
	ssize_t n = write(fd, &running, sizeof(running));
	int err = 0;
	if (n != sizeof(running))
		err = fail_set(fail, n < 0 ? errno : ENOSPC, "%s: cannot be written", path);
	close(fd);
	if (err == 0 && rename(path, sup->config_path) != 0)
		err = fail_set(fail, errno, "%s: %s", sup->config_path, strerror(errno));
	return err;
}

static int
pid_fd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* welcome_pid says hello over client. Returns the process id that is answered, 0 for none. */
static pid_t
welcome_pid(struct dpclient *client)
{
	struct dpclient_request hello = {.type = ABI_HELLO};
	struct pollfd came = {.fd = dpclient_fd(client), .events = POLLIN};
	int64_t until_ms = clock_now_ms() + SUPERVISE_HELLO_MS;
	struct dpclient_event event;
	struct fail ignored;
	int got = 0;

	if (dpclient_send(client, &hello, NULL) != 0)
		return 0;
	while (got == 0 && clock_now_ms() < until_ms) {
		poll(&came, 1, 100);
		got = dpclient_receive(client, &event, &ignored);
	}
	if (got != 1 || event.type != ABI_WELCOME)
		return 0;
	close(event.fd);
	return (pid_t)event.msg.u.welcome.pid;
}

/* comm_is compares a process's name, which is all that may be read of a sandboxed one. */
static bool
comm_is(pid_t pid, const char *binary)
{
	const char *slash = strrchr(binary, '/');
	const char *name = slash != NULL ? slash + 1 : binary;
	char path[64], comm[COMM_MAX] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	if (fgets(comm, sizeof(comm), file) == NULL)
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return comm[0] != '\0' && strncmp(comm, name, COMM_MAX - 2) == 0;
}

/* executes is true when that process executes the file at binary, or what was there before. */
static bool
executes(pid_t pid, const char *binary)
{
	char path[64], exe[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	ssize_t len = readlink(path, exe, sizeof(exe) - 1);
	if (len < 0 && errno == EACCES)
		return comm_is(pid, binary);
	if (len <= 0 || realpath(binary, real) == NULL)
		return false;
	exe[len] = '\0';
	size_t real_len = strlen(real);
	return strncmp(exe, real, real_len) == 0 &&
	       (exe[real_len] == '\0' || strcmp(exe + real_len, " (deleted)") == 0);
}

/* adopt_unrecorded takes the dataplane at the other end of *client at its word, if it is one.
 * *client is connected anew on -ESTALE, which is what it returns then; else -EBUSY. */
static int
adopt_unrecorded(struct supervise *sup, const struct preflight *pre, struct dpclient **client,
                 struct fail *fail)
{
	pid_t pid = welcome_pid(*client);
	int pid_fd = pid > 0 ? pid_fd_open(pid) : -1;

	dpclient_close(*client);
	*client = NULL;
	if (pid_fd >= 0 && executes(pid, pre->binary) &&
	    dpclient_connect(client, sup->sock_path[0], fail) == 0) {
		sup->pid = pid;
		sup->pid_fd = pid_fd;
		sup->is_child = false;
		return fail_set(fail, ESTALE, "nothing is recorded of the running dataplane");
	}
	if (pid_fd >= 0)
		close(pid_fd);
	return fail_set(fail, EBUSY,
	                "%s is served by a process that spillwayd did not start: end it first",
	                sup->sock_path[0]);
}

/* config_same is true when a running dataplane need not be started anew. The congestion control is
 * told with every torrent: that of the configuration is for peers who have named none yet. */
static bool
config_same(const struct abi_config *running, const struct abi_config *wanted)
{
	struct abi_config like = *running;

	like.congestion = wanted->congestion;
	return memcmp(&like, wanted, sizeof(like)) == 0;
}

/* log_pass passes over what is in the log. */
static void
log_pass(struct supervise *sup)
{
	struct stat st;

	sup->told_bytes = stat(sup->log_path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

int
supervise_adopt(struct supervise *sup, const struct preflight *pre, struct dpclient **client,
                struct fail *fail)
{
	struct running running;
	int err = dpclient_connect(client, sup->sock_path[0], fail);

	if (err == -ENOENT || err == -ECONNREFUSED)
		return 0;
	if (err != 0)
		return err;
	log_pass(sup);
	bool known = running_read(sup, &running) && running.pid > 0;
	int pid_fd = known ? pid_fd_open((pid_t)running.pid) : -1;
	if (pid_fd < 0 || start_ticks_read((pid_t)running.pid) != running.start_ticks) {
		if (pid_fd >= 0)
			close(pid_fd);
		return adopt_unrecorded(sup, pre, client, fail);
	}
	sup->pid = (pid_t)running.pid;
	sup->pid_fd = pid_fd;
	sup->is_child = false;
	if (!config_same(&running.config, &pre->config))
		return fail_set(fail, ESTALE, "the running dataplane has another configuration");
	return 1;
}

int
supervise_connect(struct supervise *sup, uint32_t worker, struct dpclient **client,
                  struct fail *fail)
{
	return dpclient_connect(client, sup->sock_path[worker], fail);
}

/* ---- Starting. */

static int
listen_open(const char *sock_path, struct fail *fail)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	static_assert(SUPERVISE_PATH_MAX <= sizeof(address.sun_path), "every sock_path fits");
	strcpy(address.sun_path, sock_path);
	mode_t old = umask(0177);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 4) != 0) {
		int err = fail_set(fail, errno, "%s: %s", sock_path, strerror(errno));
		umask(old);
		if (fd >= 0)
			close(fd);
		return err;
	}
	umask(old);
	return fd;
}

static int
config_memfd(const struct abi_config *config, struct fail *fail)
{
	int fd = memfd_create("spillway-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, config, sizeof(*config)) != sizeof(*config) ||
	    lseek(fd, 0, SEEK_SET) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		int err = fail_set(fail, errno, "configuration memfd: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	return fd;
}

static int
log_open(const struct supervise *sup, struct fail *fail)
{
	int fd = open(sup->log_path,
	              O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);

	return fd >= 0 ? fd : fail_set(fail, errno, "%s: %s", sup->log_path, strerror(errno));
}

/* child_fork has the starter make a process that executes the dataplane once a byte comes through
 * go. */
static int
child_fork(struct supervise *sup, struct starter_fds *fds, const int go[2], struct fail *fail)
{
	fds->go = go[0];
	pid_t pid = starter_fork(sup->starter, fds, fail);

	if (pid < 0)
		return (int)pid;
	sup->pid = pid;
	sup->is_child = true;
	sup->pid_fd = pid_fd_open(pid);
	if (sup->pid_fd < 0) {
		int err = fail_set(fail, errno, "pidfd_open: %s", strerror(errno));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		sup->pid = 0;
		return err;
	}
	return 0;
}

/* child_start leaves sup->pid set when it fails with a child to be killed. */
static int
child_start(struct supervise *sup, const struct preflight *pre, struct starter_fds *fds,
            struct fail *fail)
{
	int go[2];

	if (pipe2(go, O_CLOEXEC) != 0)
		return fail_set(fail, errno, "pipe: %s", strerror(errno));
	int err = child_fork(sup, fds, go, fail);
	close(go[0]);
	if (err == 0)
		err = running_write(sup, &pre->config, fail);
	if (err == 0 && write(go[1], "", 1) != 1 && errno != EPIPE) /* EPIPE: it has died already */
		err = fail_set(fail, errno, "pipe: %s", strerror(errno));
	close(go[1]);
	return err;
}

static void
child_fds_close(const struct starter_fds *fds)
{
	for (uint32_t i = 0; i < fds->worker_cnt; i++)
		if (fds->listen[i] >= 0)
			close(fds->listen[i]);
	if (fds->config >= 0)
		close(fds->config);
	if (fds->log >= 0)
		close(fds->log);
}

/* child_fds_open makes what a dataplane is started with. On failure the rest is to be closed. */
static int
child_fds_open(struct supervise *sup, const struct abi_config *config,
               struct starter_fds *fds, struct fail *fail)
{
	sup->told_bytes = 0; /* the log begins anew */
	*fds = (struct starter_fds){
		.worker_cnt = config->worker_cnt, .config = -1, .log = -1, .go = -1};
	memset(fds->listen, -1, sizeof(fds->listen));
	/* supervise_adopt found that nobody answers there, nor at those of more workers than now. */
	for (uint32_t i = 0; i < ABI_WORKERS_MAX; i++)
		unlink(sup->sock_path[i]);
	for (uint32_t i = 0; i < fds->worker_cnt; i++) {
		fds->listen[i] = listen_open(sup->sock_path[i], fail);
		if (fds->listen[i] < 0)
			return fds->listen[i];
	}
	fds->config = config_memfd(config, fail);
	if (fds->config < 0)
		return fds->config;
	fds->log = log_open(sup, fail);
	return fds->log < 0 ? fds->log : 0;
}

static int
connect_all(struct supervise *sup, uint32_t worker_cnt, struct dpclient **clients,
            struct fail *fail)
{
	uint32_t cnt = 0;
	int err = 0;

	while (cnt < worker_cnt &&
	       (err = supervise_connect(sup, cnt, &clients[cnt], fail)) == 0)
		cnt++;
	while (err != 0 && cnt > 0)
		dpclient_close(clients[--cnt]);
	return err;
}

int
supervise_spawn(struct supervise *sup, const struct preflight *pre, struct dpclient **clients,
                struct fail *fail)
{
	struct starter_fds fds;
	int err = child_fds_open(sup, &pre->config, &fds, fail);

	if (err == 0)
		err = child_start(sup, pre, &fds, fail);
	child_fds_close(&fds);
	if (err == 0)
		err = connect_all(sup, pre->config.worker_cnt, clients, fail);
	if (err == -ECONNREFUSED || err == -ECONNRESET)
		supervise_reap(sup, KILL_WAIT_MS, fail); /* it has died already: say why */
	if (err != 0 && sup->pid != 0) {
		struct fail ignored;
		supervise_kill(sup, &ignored);
	}
	return err;
}

/* ---- What it says. */

bool
supervise_said(struct supervise *sup, char *line, size_t line_len)
{
	int fd = open(sup->log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	ssize_t n = pread(fd, line, line_len - 1, (off_t)sup->told_bytes);
	close(fd);
	char *newline = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;
	bool cut = newline == NULL && n == (ssize_t)line_len - 1; /* longer than there is room */
	if (newline == NULL && !cut)
		return false;
	size_t len = newline != NULL ? (size_t)(newline - line) : (size_t)n;
	line[len] = '\0';
	sup->told_bytes += len + (newline != NULL);
	return true;
}

/* ---- Ending. */

int
supervise_fd(const struct supervise *sup)
{
	return sup->pid_fd;
}

/* log_last_line copies the last line that is not empty, "" when there is none. */
static void
log_last_line(const char *path, char *out, size_t out_len)
{
	char tail[LOG_TAIL_MAX + 1];
	struct stat st;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	out[0] = '\0';
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		off_t from = st.st_size > LOG_TAIL_MAX ? st.st_size - LOG_TAIL_MAX : 0;
		n = pread(fd, tail, LOG_TAIL_MAX, from);
	}
	close(fd);
	while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r' || tail[n - 1] == ' '))
		n--;
	if (n <= 0)
		return;
	tail[n] = '\0';
	char *newline = memrchr(tail, '\n', (size_t)n);
	const char *line = newline != NULL ? newline + 1 : tail;
	size_t len = strnlen(line, out_len - 1);
	memcpy(out, line, len);
	out[len] = '\0';
}

static void
end_text(const struct supervise *sup, const siginfo_t *info, struct fail *fail)
{
	char line[LINE_MAX_SHOWN], how[64];

	if (!sup->is_child)
		snprintf(how, sizeof(how), "ended");
	else if (info->si_code == CLD_EXITED)
		snprintf(how, sizeof(how), "exited with status %d", info->si_status);
	else
		snprintf(how, sizeof(how), "was killed by signal %d (%s)", info->si_status,
		         strsignal(info->si_status));
	log_last_line(sup->log_path, line, sizeof(line));
	fail_set(fail, 0, "the dataplane %s%s%s", how, line[0] ? ": " : "", line);
}

bool
supervise_reap(struct supervise *sup, int wait_ms, struct fail *fail)
{
	struct pollfd ended = {.fd = sup->pid_fd, .events = POLLIN};
	siginfo_t info = {0};

	if (sup->pid == 0)
		return true;
	if (poll(&ended, 1, wait_ms) != 1)
		return false;
	if (sup->is_child)
		waitid(P_PID, (id_t)sup->pid, &info, WEXITED | WNOHANG);
	end_text(sup, &info, fail);
	supervise_forget(sup);
	return true;
}

void
supervise_kill(struct supervise *sup, struct fail *fail)
{
	if (sup->pid == 0)
		return;
	syscall(SYS_pidfd_send_signal, sup->pid_fd, SIGKILL, NULL, 0);
	if (!supervise_reap(sup, KILL_WAIT_MS, fail))
		supervise_forget(sup);
}

void
supervise_forget(struct supervise *sup)
{
	if (sup->pid_fd >= 0)
		close(sup->pid_fd);
	sup->pid = 0;
	sup->pid_fd = -1;
	sup->is_child = false;
}
