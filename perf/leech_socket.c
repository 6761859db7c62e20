/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The kernel's socket under a connection: connect, receive by two ways, send what waits. */
#include "perf/leech_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READS_PER_EVENT = 128, /* then it is another connection's turn */
	EVENTS_MAX = 256,
};

static int
local_bind(const struct leech_options *options, const struct leech_conn *conn)
{
	const struct leech_addresses *addresses = &options->local;
	struct sockaddr_in local = {.sin_family = AF_INET};

	if (addresses->first.s_addr == INADDR_ANY)
		return 0;
	local.sin_addr.s_addr =
		htonl(ntohl(addresses->first.s_addr) + conn->index % addresses->cnt);
	return bind(conn->fd, (const struct sockaddr *)&local, sizeof(local));
}

static int
socket_connect(struct leech_context *context, struct leech_conn *conn)
{
	const struct leech_options *options = context->options;
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = conn};
	int one = 1;

	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -errno;
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (local_bind(options, conn) != 0)
		return -errno;
	if (connect(conn->fd, (const struct sockaddr *)&options->peer, sizeof(options->peer)) != 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return epoll_ctl(context->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) != 0 ? -errno : 0;
}

static void
socket_close(struct leech_context *context, struct leech_conn *conn)
{
	if (!leech_conn_is_live(conn))
		return;
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	leech_conn_end(context, conn);
}

static int
socket_open(struct leech_context *context, struct leech_conn *conn, uint32_t index)
{
	int err = leech_conn_begin(context, conn, index);

	if (err != 0)
		return err;
	err = socket_connect(context, conn);
	if (err != 0) {
		context->tally->connect_errno = -err;
		socket_close(context, conn);
	}
	return err;
}

static void
interest_set(struct leech_context *context, struct leech_conn *conn, bool out)
{
	struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = conn};

	conn->out_armed = out;
	epoll_ctl(context->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
}

static int
out_flush(struct leech_context *context, struct leech_conn *conn)
{
	ssize_t n;

	if (conn->out_len == 0)
		return 0;
	n = send(conn->fd, conn->out, conn->out_len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		return -1;
	if (n > 0)
		leech_conn_sent(conn, (uint32_t)n);
	if ((conn->out_len != 0) != conn->out_armed)
		interest_set(context, conn, conn->out_len != 0);
	return 0;
}

/* One receive. Returns its bytes, with *asked set to what was asked for; 0 at the peer's end;
 * -1 with errno. */
static ssize_t
in_receive(struct leech_conn *conn, uint32_t *asked)
{
	uint8_t *at;

	*asked = leech_conn_space(conn, &at);
	/* tcp(7): with MSG_TRUNC the bytes are dropped instead of copied. */
	return recv(conn->fd, at, *asked, at == NULL ? MSG_TRUNC : 0);
}

/* Reads until the socket is empty or the turn is over. Returns -1 when the connection is to be
 * closed. */
static int
in_drain(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t reads, asked;
	ssize_t n;

	for (reads = 0; reads < READS_PER_EVENT; reads++) {
		n = in_receive(conn, &asked);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			context->tally->closed_cnt++;
			return -1;
		}
		if (leech_conn_advance(context, conn, (uint32_t)n) != 0)
			return -1;
		if (out_flush(context, conn) != 0) {
			context->tally->closed_cnt++;
			return -1;
		}
		if ((uint32_t)n < asked)
			return 0;
	}
	return 0;
}

static int
connect_finish(struct leech_context *context, struct leech_conn *conn)
{
	socklen_t len = sizeof(int);
	int err = 0;

	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		context->tally->connect_errno = err;
		return -1; /* counted as failed, for the state is still CONNECTING */
	}
	leech_conn_connected(context, conn);
	conn->out_armed = true;
	return out_flush(context, conn);
}

static void
conn_event(struct leech_context *context, struct leech_conn *conn, uint32_t events)
{
	int err = 0;

	if (conn->state == LEECH_CONN_CONNECTING)
		err = connect_finish(context, conn);
	else if (events & EPOLLOUT)
		err = out_flush(context, conn);
	if (err == 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		err = in_drain(context, conn);
	if (err != 0)
		socket_close(context, conn);
}

/* ---- the carrier */

static int
socket_begin(struct leech_context *context)
{
	context->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (context->epoll_fd >= 0)
		return 0;
	fprintf(stderr, "spillway-leech: no epoll: %s\n", strerror(errno));
	return -1;
}

static uint32_t
socket_turn(struct leech_context *context, uint64_t until_us)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now_us = leech_now_us();
	int wait_ms = until_us > now_us ? (int)((until_us - now_us + 999) / 1000) : 0;
	int i, cnt;

	cnt = epoll_wait(context->epoll_fd, events, EVENTS_MAX, wait_ms);
	for (i = 0; i < cnt; i++)
		conn_event(context, events[i].data.ptr, events[i].events);
	return cnt > 0 ? (uint32_t)cnt : 0;
}

static void
socket_end(struct leech_context *context)
{
	uint32_t i;

	for (i = 0; i < context->conn_cnt; i++)
		socket_close(context, &context->conns[i]);
	close(context->epoll_fd);
}

const struct leech_carrier leech_socket_carrier = {
	.begin = socket_begin,
	.open = socket_open,
	.close = socket_close,
	.turn = socket_turn,
	.end = socket_end,
};
