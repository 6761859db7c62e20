/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* control.h is the dataplane's end of abi.h: it takes control's messages, answers each, and passes
 * the store's events on. It runs in housekeeping and never waits: a control that does not read
 * its answers is disconnected and may come back.
 *
 * Threads. One worker. Memory: one message each way, in the struct.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_CONTROL_H
#define SPILLWAY_DATAPLANE_WORKER_CONTROL_H

#include "dataplane/abi.h"
#include "dataplane/store/store.h"
#include "dataplane/wire/wire.h"
#include "dataplane/worker/publish.h"

struct worker;

struct control {
	int listen_fd;
	int fd;                  /* the connected control, or -1 */
	bool greeted;            /* hello was said */
	bool listing;            /* an ABI_LIST is being answered */
	uint32_t list_cookie;
	uint32_t list_cursor;
	bool event_held;         /* event waits for room in the socket */
	struct store_event event;
	uint64_t boot_id;
	uint32_t index;          /* of the worker */
	char port_text[ABI_TEXT_MAX];
	struct store *store;
	struct wire *wire;
	struct worker *worker;   /* asked for its connections */
	const struct publish *publish;
	struct counters *ctr;
	bool shutdown;           /* control asked for the end */
	struct abi_msg msg;      /* the message being handled */
	int fds[ABI_FDS_MAX];
	uint32_t fd_cnt;
	struct abi_msg out;
};

/* control_init takes over the inherited listening socket. The rest of the struct's references
 * (store, wire, worker, publish, ctr, port_text) are set by the caller. Returns 0 or -errno. */
COLD int
control_init(struct control *control, int listen_fd);

/* control_fini closes the sockets. */
COLD void
control_fini(struct control *control);

/* control_turn accepts, takes a bounded number of messages, and sends events. */
COLD void
control_turn(struct control *control);

/* control_poll_fd returns the descriptor to wait on: the connection, or the listening socket. */
int
control_poll_fd(const struct control *control);

#endif
