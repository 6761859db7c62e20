/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The clients of the test host: who they are, and the sleep that they end. */
#include "tests/support/tcp_host.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int
host_clients_init(struct host *host, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, HOST_CLIENTS_MAX) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	host->listen_fd = fd;
	return 0;
}

static void
client_drop(struct host_client *client)
{
	close(client->fd);
	client->fd = -1;
}

void
host_clients_fini(struct host *host)
{
	for (uint32_t i = 0; i < HOST_CLIENTS_MAX; i++) {
		if (host->clients[i].fd >= 0)
			client_drop(&host->clients[i]);
	}
	if (host->listen_fd >= 0) {
		close(host->listen_fd);
		unlink(host->options.socket);
	}
	host->listen_fd = -1;
}

static void
client_accept(struct host *host)
{
	int fd = accept4(host->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (uint32_t i = 0; fd >= 0 && i < HOST_CLIENTS_MAX; i++) {
		if (host->clients[i].fd >= 0)
			continue;
		host->clients[i] = (struct host_client){.fd = fd};
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* client_send gives a client its answer; one that takes none is dropped. */
static void
client_send(struct host_client *client, const char *answer)
{
	if (send(client->fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
		client_drop(client);
}

static void
client_read(struct host *host, struct host_client *client)
{
	char text[HOST_COMMAND_MAX];
	char answer[HOST_ANSWER_MAX] = "";
	ssize_t len = recv(client->fd, text, sizeof(text) - 1, 0);

	if (len <= 0) {
		if (len == 0 || (errno != EAGAIN && errno != EINTR))
			client_drop(client);
		return;
	}
	text[len] = '\0';
	host_command(host, client, text, answer);
	if (answer[0] != '\0')
		client_send(client, answer);
}

void
host_clients_wake(struct host *host)
{
	char answer[HOST_ANSWER_MAX];

	for (uint32_t i = 0; i < HOST_CLIENTS_MAX; i++) {
		struct host_client *client = &host->clients[i];

		if (client->fd < 0 || client->wait == HOST_WAIT_NOTHING ||
		    !host_answer(host, client, answer))
			continue;
		client->wait = HOST_WAIT_NOTHING;
		client_send(client, answer);
	}
}

/* take looks at one client after a poll. One that waits is only looked at for its end. */
static void
take(struct host *host, struct host_client *client, short revents)
{
	if (client->wait == HOST_WAIT_NOTHING && (revents & (POLLIN | POLLHUP)))
		client_read(host, client);
	else if (revents & (POLLHUP | POLLERR))
		client_drop(client);
}

void
host_clients_poll(struct host *host, uint64_t timeout_us)
{
	struct pollfd fds[HOST_CLIENTS_MAX + 2];
	struct timespec timeout = {0, (long)timeout_us * 1000};
	int port_fd = timeout_us > 0 ? port_wait_fd(host->port) : -1;

	for (uint32_t i = 0; i < HOST_CLIENTS_MAX; i++) {
		const struct host_client *client = &host->clients[i];
		short events = client->wait == HOST_WAIT_NOTHING ? POLLIN : 0;

		fds[i] = (struct pollfd){.fd = client->fd, .events = events};
	}
	fds[HOST_CLIENTS_MAX] = (struct pollfd){.fd = host->listen_fd, .events = POLLIN};
	fds[HOST_CLIENTS_MAX + 1] = (struct pollfd){.fd = port_fd, .events = POLLIN};
	host->polled_us = host->now_us;
	if (ppoll(fds, HOST_CLIENTS_MAX + 2, &timeout, NULL) <= 0)
		return;
	for (uint32_t i = 0; i < HOST_CLIENTS_MAX; i++) {
		if (fds[i].revents != 0)
			take(host, &host->clients[i], fds[i].revents);
	}
	if (fds[HOST_CLIENTS_MAX].revents != 0)
		client_accept(host);
}
