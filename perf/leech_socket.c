/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The kernel's socket under a connection: connect, receive by two ways, send what waits. */
#include "perf/leech_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READS_PER_EVENT = 128,          /* then it is another connection's turn */
	EVENTS_MAX = 256,
	SLOW_READ_BYTES = 16384,        /* of a slow reader at once */
	SLOW_BUFFER_BYTES = 64 * 1024,  /* the kernel's of a slow reader: it hides no more */
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
	int buffer = SLOW_BUFFER_BYTES;
	int one = 1;

	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -errno;
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (conn->slow)
		setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
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
socket_open(struct leech_context *context, struct leech_conn *conn)
{
	int err = leech_conn_begin(context, conn);

	if (err != 0)
		return err;
	err = socket_connect(context, conn);
	if (err != 0) {
		leech_conn_refused(context, conn, -err);
		socket_close(context, conn);
	}
	return err;
}

static void
interest_set(struct leech_context *context, struct leech_conn *conn)
{
	struct epoll_event event = {
		.events = (conn->in_paused ? 0u : EPOLLIN) | (conn->out_armed ? EPOLLOUT : 0u),
		.data.ptr = conn,
	};

	epoll_ctl(context->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
}

static int
out_flush(struct leech_context *context, struct leech_conn *conn)
{
	ssize_t n;

	if (conn->out_len != 0) {
		n = send(conn->fd, conn->out, conn->out_len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n > 0)
			leech_conn_sent(conn, (uint32_t)n);
	}
	if ((conn->out_len != 0) != conn->out_armed) {
		conn->out_armed = conn->out_len != 0;
		interest_set(context, conn);
	}
	return 0;
}

/* receive_one receives once. Returns its bytes, with *asked set to what was asked for; 0 at the
 * peer's end; -1 with errno. */
static ssize_t
receive_one(struct leech_conn *conn, uint32_t *asked)
{
	uint8_t *at;

	*asked = leech_conn_space(conn, &at);
	if (conn->slow && *asked > SLOW_READ_BYTES)
		*asked = SLOW_READ_BYTES;
	/* tcp(7): with MSG_TRUNC the bytes are dropped instead of copied. */
	return recv(conn->fd, at, *asked, at == NULL ? MSG_TRUNC : 0);
}

/* must_rest tells whether a slow reader has read enough for now; it is woken later. */
static bool
must_rest(struct leech_context *context, struct leech_conn *conn)
{
	if (!conn->slow || conn->rate.free_us <= leech_now_us())
		return false;
	conn->in_paused = true;
	interest_set(context, conn);
	leech_conn_sleep(context, conn, conn->rate.free_us);
	return true;
}

/* Takes what one receive gave. Returns -1 when the connection is to be closed. */
static int
in_take(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	if (conn->slow)
		leech_rate_take(&conn->rate, len, leech_now_us());
	if (leech_conn_advance(context, conn, len) != 0)
		return -1;
	if (out_flush(context, conn) == 0)
		return 0;
	leech_conn_lost(context, conn);
	return -1;
}

/* Reads until the socket is empty or the turn is over. Returns -1 when the connection is to be
 * closed. */
static int
in_drain(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t reads, asked;
	ssize_t n;

	for (reads = 0; reads < READS_PER_EVENT && !must_rest(context, conn); reads++) {
		n = receive_one(conn, &asked);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			leech_conn_lost(context, conn);
			return -1;
		}
		if (in_take(context, conn, (uint32_t)n) != 0)
			return -1;
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
		leech_conn_refused(context, conn, err);
		return -1;
	}
	leech_conn_connected(context, conn);
	conn->out_armed = true; /* as socket_connect left it */
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

static void
socket_wake(struct leech_context *context, struct leech_conn *conn)
{
	if (!conn->in_paused)
		return;
	conn->in_paused = false;
	interest_set(context, conn);
}

static int
socket_spawn(struct leech_thread *thread)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	pthread_attr_init(&attr);
	if (thread->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(thread->cpu, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	err = pthread_create(&thread->id, &attr, thread->run, thread);
	pthread_attr_destroy(&attr);
	return -err;
}

static void
socket_join(struct leech_thread *thread)
{
	pthread_join(thread->id, NULL);
}

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
	if (context->epoll_fd >= 0)
		close(context->epoll_fd);
}

const struct leech_carrier leech_socket_carrier = {
	.begin = socket_begin,
	.open = socket_open,
	.close = socket_close,
	.wake = socket_wake,
	.turn = socket_turn,
	.end = socket_end,
	.spawn = socket_spawn,
	.join = socket_join,
};
