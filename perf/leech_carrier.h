/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_carrier.h: what carries the bytes of connections: the kernel's sockets (leech_socket.h) or
 * our own TCP (leech_stack.h). The session drives either by these calls.
 *
 * Threads. A context and its connections belong to one thread, which makes every call for them.
 */
#ifndef SPILLWAY_PERF_LEECH_CARRIER_H
#define SPILLWAY_PERF_LEECH_CARRIER_H

#include "perf/leech_conn.h"

#include <pthread.h>

/* struct leech_thread runs some of a session's lanes. */
struct leech_thread {
	void *(*run)(void *thread);
	void *session;
	uint32_t nth;
	uint32_t lcore;           /* our own TCP only */
	int cpu;                  /* -1: not bound */
	bool settled;             /* what comes is counted */
	int status;               /* 0, or -1 when it has complained */
	pthread_t id;             /* the carrier's own */
};

struct leech_carrier {
	/* begin takes what a context needs. Returns 0, or -1 after one clear line on stderr. */
	int (*begin)(struct leech_context *context);

	/* open starts connecting an idle connection. Returns 0; -EAGAIN: no more for now; or -errno,
	 * and conn is closed. */
	int (*open)(struct leech_context *context, struct leech_conn *conn);

	/* close ends a connection, or does nothing. */
	void (*close)(struct leech_context *context, struct leech_conn *conn);

	/* wake lets a slow reader that was put to sleep go on. */
	void (*wake)(struct leech_context *context, struct leech_conn *conn);

	/* turn does what there is to do; when that is nothing it waits, until until_us at most.
	 * Returns how much there was. */
	uint32_t (*turn)(struct leech_context *context, uint64_t until_us);

	/* end gives up what begin took, as far as it came; every connection is closed by it. */
	void (*end)(struct leech_context *context);

	/* spawn starts thread->run(thread) on another thread, join waits for its end. nth > 0.
	 * spawn returns 0 or -errno. */
	int (*spawn)(struct leech_thread *thread);
	void (*join)(struct leech_thread *thread);
};

#endif
