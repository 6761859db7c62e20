/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The socket of one connection: connect, receive by two ways, send what waits. */
#include "perf/leech_conn.h"

#include "perf/leech_wire.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t
leech_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static uint32_t
request_max_of(const struct leech_context *context)
{
	uint64_t block_cnt = context->torrent->total_len / context->options->block_bytes;

	/* More would ask for a block while the same block is still on its way. */
	if (block_cnt == 0)
		return 1;
	return block_cnt < context->options->outstanding_cnt ? (uint32_t)block_cnt
							      : context->options->outstanding_cnt;
}

static int
memory_take(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t have_bytes = (context->torrent->piece_cnt + 7) / 8;

	conn->in_cap = have_bytes + 5 > LEECH_IN_BYTES_MIN ? have_bytes + 5 : LEECH_IN_BYTES_MIN;
	conn->out_cap = LEECH_GREETING_BYTES_MAX +
			LEECH_REQUEST_BYTES * context->options->outstanding_cnt;
	conn->in = malloc(conn->in_cap);
	conn->out = malloc(conn->out_cap);
	conn->have = calloc(1, have_bytes);
	conn->requests = calloc(context->options->outstanding_cnt, sizeof(*conn->requests));
	if (conn->in == NULL || conn->out == NULL || conn->have == NULL || conn->requests == NULL)
		return -ENOMEM;
	return 0;
}

static int
local_bind(const struct leech_options *options, const struct leech_conn *conn)
{
	struct sockaddr_in local = options->local;

	if (local.sin_addr.s_addr == INADDR_ANY)
		return 0;
	local.sin_addr.s_addr =
		htonl(ntohl(local.sin_addr.s_addr) + conn->index % options->local_cnt);
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

int
leech_conn_open(struct leech_context *context, struct leech_conn *conn, uint32_t index)
{
	int err;

	conn->fd = -1;
	conn->index = index;
	conn->state = LEECH_CONN_CONNECTING;
	conn->request_max = request_max_of(context);
	leech_cursor_init(&conn->cursor, context->torrent, context->options, index);
	err = memory_take(context, conn);
	if (err == 0)
		err = socket_connect(context, conn);
	if (err != 0) {
		context->tally->connect_errno = -err;
		leech_conn_close(context, conn);
	}
	return err;
}

void
leech_conn_close(struct leech_context *context, struct leech_conn *conn)
{
	if (conn->state == LEECH_CONN_IDLE)
		return;
	if (conn->state == LEECH_CONN_CONNECTING)
		context->tally->connect_failed_cnt++;
	if (conn->fd >= 0)
		close(conn->fd);
	leech_assembly_drop_all(context->pool, &conn->assemblies);
	free(conn->in);
	free(conn->out);
	free(conn->have);
	free(conn->requests);
	conn->in = conn->out = conn->have = NULL;
	conn->requests = NULL;
	conn->fd = -1;
	conn->state = LEECH_CONN_IDLE;
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
	if (n > 0) {
		conn->out_len -= (uint32_t)n;
		memmove(conn->out, conn->out + n, conn->out_len);
	}
	if ((conn->out_len != 0) != conn->out_armed)
		interest_set(context, conn, conn->out_len != 0);
	return 0;
}

/* One receive. Returns its bytes, with *asked set to what was asked for; 0 at the peer's end;
 * -1 with errno. */
static ssize_t
in_receive(struct leech_conn *conn, uint32_t *asked)
{
	if (conn->body_left == 0) {
		*asked = conn->in_want - conn->in_len;
		return recv(conn->fd, conn->in + conn->in_len, *asked, 0);
	}
	*asked = conn->body_left;
	/* tcp(7): with MSG_TRUNC the bytes are dropped instead of copied. */
	return recv(conn->fd, conn->body_at, *asked, conn->body_at == NULL ? MSG_TRUNC : 0);
}

static void
body_advance(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	conn->body_left -= len;
	if (conn->body_at != NULL)
		conn->body_at += len;
	if (conn->body_is_block) {
		conn->payload_bytes += len;
		context->tally->payload_bytes += len;
	}
	if (conn->body_left == 0)
		leech_wire_body_done(context, conn);
}

static int
in_advance(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	if (conn->body_left != 0) {
		body_advance(context, conn, len);
		return 0;
	}
	conn->in_len += len;
	return conn->in_len == conn->in_want ||
	       (conn->state != LEECH_CONN_HANDSHAKE && conn->in_len >= 4)
		       ? leech_wire_parse(context, conn) : 0;
}

/* Reads until the socket is empty or the turn is over. Returns -1 when the connection is to be
 * closed. */
static int
in_drain(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t reads, asked;
	ssize_t n;

	for (reads = 0; reads < LEECH_READS_PER_EVENT; reads++) {
		n = in_receive(conn, &asked);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			context->tally->closed_cnt++;
			return -1;
		}
		if (in_advance(context, conn, (uint32_t)n) != 0)
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
	conn->state = LEECH_CONN_HANDSHAKE;
	leech_wire_greet(context, conn);
	conn->out_armed = true;
	return out_flush(context, conn);
}

void
leech_conn_event(struct leech_context *context, struct leech_conn *conn, uint32_t events)
{
	int err = 0;

	if (conn->state == LEECH_CONN_CONNECTING)
		err = connect_finish(context, conn);
	else if (events & EPOLLOUT)
		err = out_flush(context, conn);
	if (err == 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		err = in_drain(context, conn);
	if (err != 0)
		leech_conn_close(context, conn);
}
