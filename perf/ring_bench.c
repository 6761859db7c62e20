/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Runs of the load generator on request, with the CPU time of the workers' threads beside them. */
#include "perf/ring_bench.h"

#include "perf/leech_net.h"
#include "perf/leech_report.h"
#include "perf/leech_wire.h"
#include "perf/ring_cpu.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, WORDS_MAX = 128, LOOK_MS = 100 };

struct ring_bench {
	const struct abi_config *config;
	const volatile bool *stop;
	struct leech_net *net;
	int listen_fd;
	char local[INET_ADDRSTRLEN];
	char peer[INET_ADDRSTRLEN + 8];
};

static int
listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(at.sun_path))
		return -1;
	strcpy(at.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0)
		return fd;
	close(fd);
	return -1;
}

/* addresses_set takes the address beside the seeder's as our own. */
static void
addresses_set(struct ring_bench *bench)
{
	uint32_t host = ntohl(bench->config->address_be);
	struct in_addr peer = {bench->config->address_be};
	struct in_addr local = {htonl(host ^ 2)};
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &local, bench->local, sizeof(bench->local));
	inet_ntop(AF_INET, &peer, text, sizeof(text));
	snprintf(bench->peer, sizeof(bench->peer), "%s:%u", text, bench->config->listen_port);
}

struct ring_bench *
ring_bench_open(const struct abi_config *config, const char *path, const volatile bool *stop)
{
	struct leech_options options = {
		.port = config->port, .mtu = config->mtu, .queue_cnt = config->worker_cnt,
	};
	struct ring_bench *bench = calloc(1, sizeof(*bench));

	if (bench == NULL)
		return NULL;
	bench->config = config;
	bench->stop = stop;
	addresses_set(bench);
	bench->listen_fd = listen_at(path);
	if (bench->listen_fd < 0)
		fprintf(stderr, "ring_dp: cannot listen at %s\n", path);
	else
		bench->net = leech_net_open(&options);
	if (bench->net != NULL)
		return bench;
	ring_bench_close(bench);
	return NULL;
}

void
ring_bench_close(struct ring_bench *bench)
{
	if (bench == NULL)
		return;
	leech_net_close(bench->net);
	if (bench->listen_fd >= 0)
		close(bench->listen_fd);
	free(bench);
}

/* ---- one run */

/* report_print writes to stdout one object of the generator's report and the seeder's CPU. */
static void
report_print(const struct leech_session *session, const struct ring_cpu *from,
	     const struct ring_cpu *to)
{
	printf("{\"leech\":");
	leech_report_print(session);
	ring_cpu_print(from, to, session->tally.payload_bytes);
	printf("}\n");
}

static void
run(struct ring_bench *bench, const struct leech_options *options,
    const struct leech_torrent *torrent)
{
	uint32_t worker_cnt = bench->config->worker_cnt;
	struct leech_session session = {
		.options = options, .torrents = torrent, .torrent_cnt = 1,
		.language = &leech_wire_language, .stop = bench->stop, .first_lcore = worker_cnt,
	};
	struct ring_cpu from, to;
	int status;

	ring_cpu_take(&from, worker_cnt);
	status = leech_net_run(bench->net, &session);
	ring_cpu_take(&to, worker_cnt);
	if (status == 0)
		report_print(&session, &from, &to);
	leech_session_fini(&session);
}

/* words_run runs with the words of a line, and those that the place makes necessary. */
static void
words_run(struct ring_bench *bench, char *line)
{
	char *argv[WORDS_MAX + 1] = {
		(char *)"ring_dp", (char *)"--json", (char *)"--connect", bench->peer,
		(char *)"--local", bench->local, (char *)"--port",
		(char *)(uintptr_t)bench->config->port,
	};
	struct leech_options options;
	struct leech_torrent torrent;
	uint32_t argc = 8;

	for (char *word = strtok(line, " \n"); word != NULL && argc < WORDS_MAX;
	     word = strtok(NULL, " \n"))
		argv[argc++] = word;
	argv[argc] = NULL;
	if (leech_options_read(&options, argv) <= 0)
		return;
	if (options.torrent_path == NULL || options.thread_cnt > 1) {
		fprintf(stderr, "ring_dp: one torrent, one thread\n");
		return;
	}
	if (leech_torrent_load(&torrent, options.torrent_path) != 0)
		return;
	run(bench, &options, &torrent);
	leech_torrent_unload(&torrent);
}

/* operator_serve gives one operator a run, whose report goes to its socket as stdout does. */
static void
operator_serve(struct ring_bench *bench, int fd)
{
	char line[LINE_MAX_BYTES] = "";
	size_t held = 0;
	ssize_t n;
	int kept;

	while (held < sizeof(line) - 1 && strchr(line, '\n') == NULL) {
		n = read(fd, line + held, sizeof(line) - 1 - held);
		if (n <= 0)
			return;
		held += (size_t)n;
		line[held] = '\0';
	}
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	words_run(bench, line);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
}

int
ring_bench_serve(void *arg)
{
	struct ring_bench *bench = arg;
	struct pollfd wait = {.fd = bench->listen_fd, .events = POLLIN};
	int fd;

	while (!*bench->stop) {
		if (poll(&wait, 1, LOOK_MS) <= 0)
			continue;
		fd = accept4(bench->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		/* One that says nothing keeps the dataplane from ending for no longer. */
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 5},
		           sizeof(struct timeval));
		operator_serve(bench, fd);
		close(fd);
	}
	return 0;
}
