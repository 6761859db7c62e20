/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ports.h is the local ports of a stack: those that are listened on, a handful, compared one by
 * one for a segment that belongs to no connection; and the counter for those of our own.
 *
 * Threads. The stack's worker. Memory. In struct tcp_stack.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_PORTS_H
#define SPILLWAY_DATAPLANE_TCP_PORTS_H

#include "dataplane/base/common.h"
#include "dataplane/base/limits.h"

struct ports {
	uint16_t listen[TCP_LISTEN_PORTS_MAX]; /* host order, [0, listen_cnt) */
	uint32_t listen_cnt;
	uint32_t next;                         /* counts the ephemeral ports chosen (open.c) */
};

/* ports_listen adds a port, [1, 65535]. Returns 0; -EEXIST when it is listened on already,
 * -ENOBUFS when TCP_LISTEN_PORTS_MAX are. */
COLD int
ports_listen(struct ports *ports, uint16_t port);

/* ports_listening tells whether a port is listened on. */
bool
ports_listening(const struct ports *ports, uint16_t port);

#endif
