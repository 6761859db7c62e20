/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dpclient.h speaks dataplane/abi.h: it queues requests, pairs answers with them and checks every
 * message that the dataplane sends. What the messages mean is session.h's.
 *
 *      dpclient_send ─► queue (bounded) ─► socket ─► dataplane
 *      dpclient_receive ◄── checked ──── socket ◄── dataplane
 *
 * Threads: one. Never blocks. Memory: fixed, a queue of DPCLIENT_QUEUE_MAX messages.
 */
#ifndef SPILLWAY_CONTROL_LINK_DPCLIENT_H
#define SPILLWAY_CONTROL_LINK_DPCLIENT_H

#include "control/base/fail.h"
#include "dataplane/abi.h"

#include <stdbool.h>
#include <stdint.h>

enum dpclient_limit {
	DPCLIENT_PENDING_MAX = 64, /* requests without an answer; a power of two */
	DPCLIENT_QUEUE_MAX = 16,   /* of them, not yet sent: at most this many hold descriptors */
};

struct dpclient;

/* A request; only ABI types that go from control to dataplane. */
struct dpclient_request {
	enum abi_type type;
	const void *body;
	uint32_t body_len;
	const int *fds; /* taken over by dpclient_send, also when it fails */
	uint32_t fd_cnt;
};

/* What dpclient_receive hands up. */
struct dpclient_event {
	enum abi_type type;  /* of msg: what abi.h sends from the dataplane */
	enum abi_type asked; /* of the request it answers; 0 in events */
	uint32_t cookie;     /* of that request; 0 in events */
	int fd;              /* WELCOME: the counters memfd, the caller's; otherwise -1 */
	struct abi_msg msg;
};

/* dpclient_connect connects to the dataplane's socket at path.
 *
 * Returns 0; -ENOENT or -ECONNREFUSED when nobody listens; another negative errno; fail is set. */
int
dpclient_connect(struct dpclient **client, const char *path, struct fail *fail);

/* dpclient_close closes the socket and everything queued; NULL is allowed. */
void
dpclient_close(struct dpclient *client);

/* dpclient_fd returns the socket. */
int
dpclient_fd(const struct dpclient *client);

/* dpclient_poll_events returns what to poll the socket for. */
short
dpclient_poll_events(const struct dpclient *client);

/* dpclient_room returns how many more requests dpclient_send takes now. */
uint32_t
dpclient_room(const struct dpclient *client);

/* dpclient_send queues a request and sends what the socket takes.
 *
 * cookie  out, may be NULL: never 0; what the answer will bear.
 * Returns 0, -ENOBUFS when dpclient_room is 0, or a negative errno of the socket, after which the
 * client is to be closed. */
int
dpclient_send(struct dpclient *client, const struct dpclient_request *request, uint32_t *cookie);

/* dpclient_flush sends what is queued. Returns 0 or a negative errno, as dpclient_send. */
int
dpclient_flush(struct dpclient *client);

/* dpclient_receive takes one message.
 *
 * Returns 1 with event, 0 when there is none, -ECONNRESET at the end of the connection, -EPROTO for
 * a message that abi.h does not allow, or another negative errno; fail is set then, and the client
 * is to be closed. */
int
dpclient_receive(struct dpclient *client, struct dpclient_event *event, struct fail *fail);

/* dpclient_waiting_ms returns for how long the oldest request has been without an answer, 0 when
 * none is. */
int64_t
dpclient_waiting_ms(const struct dpclient *client);

#endif
