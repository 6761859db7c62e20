/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The connections of the test host: zeros out, anything in. */
#include "tests/support/tcp_host.h"

#include <string.h>

enum {
	FRAGS = 16,                        /* in one tcp_send */
	ROOM_MIN = 16 * 1024,              /* bytes: less is not worth a fragment yet */
};

/* conn_new takes a free place, else that of the oldest connection that has ended. */
static struct host_conn *
conn_new(struct host *host, struct tcb *tcb)
{
	struct host_conn *conn = NULL;

	for (uint32_t i = 0; i < HOST_CONNS_MAX; i++) {
		struct host_conn *other = &host->conns[i];

		if (other->tcb == NULL && (conn == NULL || other->number < conn->number))
			conn = other;
	}
	dp_assert(conn != NULL);           /* there are more than HOST_CONNECTIONS_MAX */
	if (conn->passive && !conn->accepted)
		host->unaccepted_cnt--;
	memset(conn, 0, sizeof(*conn));
	conn->number = ++host->last_number;
	conn->tcb = tcb;
	tcp_set_user(tcb, conn);
	return conn;
}

struct host_conn *
host_conn_find(struct host *host, uint32_t number)
{
	for (uint32_t i = 0; number != 0 && i < HOST_CONNS_MAX; i++) {
		if (host->conns[i].number == number)
			return &host->conns[i];
	}
	return NULL;
}

struct host_conn *
host_conn_accept(struct host *host)
{
	struct host_conn *first = NULL;

	for (uint32_t i = 0; host->unaccepted_cnt > 0 && i < HOST_CONNS_MAX; i++) {
		struct host_conn *conn = &host->conns[i];

		if (conn->passive && !conn->accepted &&
		    (first == NULL || conn->number < first->number))
			first = conn;
	}
	if (first == NULL)
		return NULL;
	first->accepted = true;
	host->unaccepted_cnt--;
	host->latest = first->number;
	return first;
}

struct host_conn *
host_connect(struct host *host, const struct tcp_remote *remote)
{
	struct tcb *tcb = tcp_connect(host->tcp, remote, host->now_us);
	struct host_conn *conn;

	if (tcb == NULL)
		return NULL;
	conn = conn_new(host, tcb);
	conn->accepted = true;
	tcp_info(host->tcp, tcb, &conn->last);
	host->latest = conn->number;
	return conn;
}

static void
forget_writes(struct host *host, struct host_conn *conn)
{
	if (conn->to_write_bytes > 0)
		host->writer_cnt--;
	conn->to_write_bytes = 0;
}

static void
conn_end(struct host *host, struct host_conn *conn, enum host_end why)
{
	tcp_info(host->tcp, conn->tcb, &conn->last);
	forget_writes(host, conn);
	tcp_set_user(conn->tcb, NULL);
	conn->tcb = NULL;
	conn->end = why;
	if (why == HOST_CLOSED && conn->shut_first)
		conn->time_wait_us = host->now_us + TCP_TIME_WAIT_US;
}

static void
take_bytes(struct host *host, struct host_conn *conn)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = tcp_read(host->tcp, conn->tcb, &data)) > 0) {
		conn->unread_bytes += len;
		conn->read_bytes += len;
	}
}

void
host_events(struct host *host, struct tcb *tcb, uint32_t events, enum host_end why)
{
	struct host_conn *conn = tcp_user(tcb);

	if (conn == NULL) {
		conn = conn_new(host, tcb);
		conn->passive = true;
		host->unaccepted_cnt++;
	}
	if (events & TCP_EV_OPEN) {
		conn->established = true;
		tcp_info(host->tcp, tcb, &conn->last);
	}
	if (events & TCP_EV_READ)
		take_bytes(host, conn);
	if (events & TCP_EV_FIN)
		conn->fin = true;
	if (events & TCP_EV_CLOSED)
		conn_end(host, conn, why);
}

/* ---- writing */

/* finish_writing sends FIN, and ends reading if that was asked for. */
static void
finish_writing(struct host *host, struct host_conn *conn)
{
	conn->shut_first |= !conn->fin;
	if (conn->closed)
		tcp_close(host->tcp, conn->tcb, host->now_us);
	else
		tcp_shutdown(host->tcp, conn->tcb, host->now_us);
}

/* send_zeros hands TCP up to bytes. Returns how many it took. */
static uint64_t
send_zeros(struct host *host, struct host_conn *conn, uint64_t bytes)
{
	struct frag frags[FRAGS];
	uint64_t sum = 0;
	uint32_t cnt = 0;

	memset(frags, 0, sizeof(frags));
	while (cnt < FRAGS && sum < bytes) {
		uint32_t len = (uint32_t)MIN(bytes - sum, (uint64_t)host->zero_pool->buf_len);

		frags[cnt].span.buf = buf_ref(host->zeros);
		frags[cnt].span.data = host->zeros->data;
		frags[cnt++].span.len = len;
		sum += len;
	}
	if (tcp_send(host->tcp, conn->tcb, frags, cnt) == 0)
		return sum;
	for (uint32_t i = 0; i < cnt; i++)
		frag_release(&frags[i]);
	return 0;
}

static void
pump(struct host *host, struct host_conn *conn)
{
	while (conn->to_write_bytes > 0) {
		uint64_t room = tcp_send_room(host->tcp, conn->tcb);
		uint64_t sent;

		if (room < MIN(conn->to_write_bytes, (uint64_t)ROOM_MIN))
			return;
		sent = send_zeros(host, conn, MIN(room, conn->to_write_bytes));
		if (sent == 0)
			return;
		conn->written_bytes += sent;
		conn->to_write_bytes -= sent;
	}
	host->writer_cnt--;
	if (conn->shut)
		finish_writing(host, conn);
}

void
host_pump(struct host *host)
{
	for (uint32_t i = 0; host->writer_cnt > 0 && i < HOST_CONNS_MAX; i++) {
		if (host->conns[i].to_write_bytes > 0)
			pump(host, &host->conns[i]);
	}
}

void
host_write(struct host *host, struct host_conn *conn, uint64_t bytes)
{
	dp_assert(conn->tcb != NULL && !conn->shut);
	if (bytes > 0 && conn->to_write_bytes == 0)
		host->writer_cnt++;
	conn->to_write_bytes += bytes;
}

void
host_shut(struct host *host, struct host_conn *conn, bool closed)
{
	dp_assert(conn->tcb != NULL);
	conn->shut = true;
	conn->closed |= closed;
	if (conn->to_write_bytes == 0)
		finish_writing(host, conn);
}

void
host_abort(struct host *host, struct host_conn *conn)
{
	struct tcb *tcb = conn->tcb;

	conn_end(host, conn, HOST_ABORTED);
	tcp_abort(host->tcp, tcb);
}
