/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Where the HTTP server listens, its connections, and how long each may take. */
#include "control/api/http.h"

#include "control/base/clock.h"
#include "control/api/http_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Where. */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

static int
address_unix(const char *path, union address *address, struct fail *fail)
{
	size_t len = strlen(path);

	if (path[0] != '/' || len >= sizeof(address->un.sun_path))
		return fail_set(fail, EINVAL, "unix:%.200s is not an absolute path of up to %zu bytes",
		                path, sizeof(address->un.sun_path) - 1);
	address->un.sun_family = AF_UNIX;
	memcpy(address->un.sun_path, path, len + 1);
	return 0;
}

static int
address_tcp(const char *listen, union address *address, struct fail *fail)
{
	const char *colon = strrchr(listen, ':');
	char host[64] = "", *end = NULL;
	unsigned long port = 0;

	if (colon != NULL && (size_t)(colon - listen) < sizeof(host)) {
		memcpy(host, listen, (size_t)(colon - listen));
		if (colon[1] >= '0' && colon[1] <= '9')
			port = strtoul(colon + 1, &end, 10);
	}
	if (end == NULL || *end != '\0' || port < 1 || port > 65535)
		return fail_set(fail, EINVAL,
		                "\"%.200s\" is not off, 127.0.0.1:PORT, [::1]:PORT or unix:PATH", listen);
	if (strcmp(host, "[::1]") == 0) {
		address->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
		                                     .sin6_port = htons((uint16_t)port),
		                                     .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		return 0;
	}
	address->in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, host, &address->in.sin_addr) != 1 ||
	    ntohl(address->in.sin_addr.s_addr) >> 24 != 127)
		return fail_set(fail, EINVAL,
		                "%.200s is no loopback address; what others are to reach needs TLS: a "
		                "proxy or a tunnel before 127.0.0.1:PORT",
		                listen);
	return 0;
}

/* address_read returns 0, or -EINVAL with fail; the address of "off" is of no family. */
static int
address_read(const char *listen, union address *address, struct fail *fail)
{
	memset(address, 0, sizeof(*address));
	if (strcmp(listen, "off") == 0)
		return 0;
	if (strncmp(listen, "unix:", 5) == 0)
		return address_unix(listen + 5, address, fail);
	return address_tcp(listen, address, fail);
}

int
http_listen_check(const char *listen, struct fail *fail)
{
	union address address;

	return address_read(listen, &address, fail);
}

static socklen_t
address_len(const union address *address)
{
	if (address->any.sa_family == AF_UNIX)
		return sizeof(address->un);
	return address->any.sa_family == AF_INET6 ? sizeof(address->in6) : sizeof(address->in);
}

/* socket_stale removes a socket that nobody listens at, from a spillwayd that was killed. */
static void
socket_stale(const struct sockaddr_un *un)
{
	struct stat st;

	if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 && errno == ECONNREFUSED)
		unlink(un->sun_path);
	close(fd);
}

/* listen_open returns a descriptor, or a negative errno with fail. */
static int
listen_open(const char *listen_text, const union address *address, struct fail *fail)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return fail_set(fail, errno, "option api: %s: %s", listen_text, strerror(errno));
	if (address->any.sa_family == AF_UNIX)
		socket_stale(&address->un);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	mode_t old = umask(0117);
	int err = bind(fd, &address->any, address_len(address)) == 0 &&
	                  listen(fd, HTTP_CONNECTIONS_MAX) == 0
	              ? 0
	              : fail_set(fail, errno, "option api: %s: %s", listen_text, strerror(errno));
	umask(old);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* ---- Connections. */

void
http_phase(struct conn *conn, enum conn_phase phase, int64_t ms)
{
	conn->phase = phase;
	conn->until_ms = clock_now_ms() + ms;
}

/* conn_cut ends a connection: libmicrohttpd sees it closed by the other side. */
static void
conn_cut(struct conn *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!conn->cut && info != NULL)
		shutdown(info->connect_fd, SHUT_RDWR);
	conn->cut = true;
}

/* place_make ends the connection that has shown no token for longest, if all places are taken. */
static void
place_make(struct http *http)
{
	if (http->conn_cnt < HTTP_CONNECTIONS_MAX)
		return;
	for (struct conn *c = http->conns.next; c != &http->conns; c = c->next) {
		if (c->trusted || c->cut)
			continue;
		conn_cut(c);
		return;
	}
}

static void
key_read(struct MHD_Connection *mhd, uint8_t key[16])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info != NULL ? info->client_addr : NULL;

	memset(key, 0, 16);
	if (address != NULL && address->sa_family == AF_INET6)
		memcpy(key, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	else if (address != NULL && address->sa_family == AF_INET)
		memcpy(key + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
}

static void
conn_begin(struct http *http, struct MHD_Connection *mhd, void **context)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	*context = conn; /* NULL: each of its requests is refused */
	if (conn == NULL)
		return;
	place_make(http);
	conn->mhd = mhd;
	key_read(mhd, conn->key);
	http_phase(conn, CONN_HEADER, HTTP_HEADER_MS);
	conn->prev = http->conns.prev;
	conn->next = &http->conns;
	conn->prev->next = conn->next->prev = conn;
	http->conn_cnt++;
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **context,
              enum MHD_ConnectionNotificationCode what)
{
	struct http *http = cls;
	struct conn *conn = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_begin(http, mhd, context);
		return;
	}
	if (conn == NULL)
		return;
	conn->prev->next = conn->next;
	conn->next->prev = conn->prev;
	http->conn_cnt--;
	free(conn);
	*context = NULL;
}

/* ---- The daemon. */

static int
daemon_start(struct http *http, int listen_fd)
{
	http->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_exchange_handle, http,
		MHD_OPTION_LISTEN_SOCKET, listen_fd,
		/* More than ours: a connection that is made place for is there until it is noticed. */
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX + 16,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, http_exchange_ended, http, MHD_OPTION_END);
	if (http->mhd == NULL)
		return -EIO;
	http->epoll_fd = MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return 0;
}

int
http_create(struct http **http, const struct http_config *config, struct fail *fail)
{
	union address address;
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	h->config = *config;
	h->conns.prev = h->conns.next = &h->conns;
	h->failures.rate_per_s = HTTP_FAILURES_PER_S;
	h->failures.burst = HTTP_FAILURES_BURST;
	h->strangers.rate_per_s = HTTP_REQUESTS_PER_S;
	h->strangers.burst = HTTP_REQUESTS_BURST;
	h->requests.rate_per_s = HTTP_REQUESTS_PER_S;
	h->requests.burst = HTTP_REQUESTS_BURST;
	snprintf(h->token, sizeof(h->token), "%s", config->token);
	int err = address_read(config->listen, &address, fail);
	int fd = err == 0 ? listen_open(config->listen, &address, fail) : err;
	if (fd < 0) {
		free(h);
		return fd;
	}
	if (address.any.sa_family == AF_UNIX)
		memcpy(h->unix_path, address.un.sun_path, sizeof(h->unix_path));
	*http = h;
	if (daemon_start(h, fd) == 0)
		return 0;
	close(fd);
	http_destroy(h);
	*http = NULL;
	return fail_set(fail, EIO, "option api: %s: libmicrohttpd does not start", config->listen);
}

/* waiting_resume lets the streams that had nothing be asked again. */
static void
waiting_resume(struct http *http)
{
	for (struct conn *c = http->conns.next; c != &http->conns; c = c->next) {
		if (c->waiting)
			MHD_resume_connection(c->mhd);
		c->waiting = false;
	}
}

void
http_destroy(struct http *http)
{
	if (http == NULL)
		return;
	waiting_resume(http); /* libmicrohttpd wants none suspended when it ends */
	if (http->mhd != NULL)
		MHD_stop_daemon(http->mhd);
	if (http->unix_path[0] != '\0')
		unlink(http->unix_path);
	free(http);
}

int
http_fd(const struct http *http)
{
	return http->epoll_fd;
}

int
http_timeout_ms(const struct http *http)
{
	MHD_UNSIGNED_LONG_LONG idle_ms;
	int64_t timeout_ms = -1, now_ms = clock_now_ms();

	if (MHD_get_timeout(http->mhd, &idle_ms) == MHD_YES)
		timeout_ms = (int64_t)(idle_ms < 1000 ? idle_ms : 1000);
	for (const struct conn *c = http->conns.next; c != &http->conns; c = c->next) {
		int64_t left_ms = c->until_ms > now_ms ? c->until_ms - now_ms : 0;
		if (c->waiting && left_ms > HTTP_RETRY_MS)
			left_ms = HTTP_RETRY_MS;
		if (!c->cut && (timeout_ms < 0 || timeout_ms > left_ms))
			timeout_ms = left_ms;
	}
	return (int)timeout_ms;
}

void
http_run(struct http *http)
{
	int64_t now_ms = clock_now_ms();

	for (struct conn *c = http->conns.next; c != &http->conns; c = c->next)
		if (now_ms >= c->until_ms)
			conn_cut(c);
	waiting_resume(http);
	MHD_run(http->mhd);
}
